CREATE TYPE dbo.tAppName FROM varchar(280) NOT NULL
