"""SQL Server Agent: when jobs are due, running them, and their history."""
