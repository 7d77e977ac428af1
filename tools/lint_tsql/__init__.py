"""The shipped T-SQL, parsed by Microsoft's own parser for SQL Server 2012: `make lint-tsql`."""
