CREATE TYPE dbo.tSessionId FROM nvarchar(88) NOT NULL
