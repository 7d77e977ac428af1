"""The lab server: speaks TDS on loopback and executes the part of T-SQL that the project sends. Not SQL Server."""
