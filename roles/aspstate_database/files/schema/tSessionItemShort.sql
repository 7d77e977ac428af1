CREATE TYPE dbo.tSessionItemShort FROM varbinary(7000) NULL
