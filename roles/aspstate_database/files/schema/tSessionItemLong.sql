CREATE TYPE dbo.tSessionItemLong FROM varbinary(max) NULL
