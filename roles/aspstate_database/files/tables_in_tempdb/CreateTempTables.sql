-- Makes what is missing of the two tables and their indexes in tempdb; never drops or empties anything.
-- ASPState_Startup calls it whenever SQL Server has started, since tempdb is made anew then.
CREATE PROCEDURE dbo.CreateTempTables
AS
BEGIN
    SET NOCOUNT ON

    IF OBJECT_ID(N'tempdb.dbo.ASPStateTempSessions', 'U') IS NULL
        CREATE TABLE tempdb.dbo.ASPStateTempSessions (
            -- a constraint, not an index: System.Web swallows error 2627, but not 2601
            SessionId nvarchar(88) NOT NULL CONSTRAINT PK_ASPStateTempSessions PRIMARY KEY,
            Created datetime NOT NULL CONSTRAINT DF_ASPStateTempSessions_Created DEFAULT (GETUTCDATE()),
            Expires datetime NOT NULL,
            LockDate datetime NOT NULL,
            LockDateLocal datetime NOT NULL,
            LockCookie int NOT NULL,
            Timeout int NOT NULL,
            Locked bit NOT NULL,
            SessionItemShort varbinary(7000) NULL,
            SessionItemLong varbinary(max) NULL,
            Flags int NOT NULL CONSTRAINT DF_ASPStateTempSessions_Flags DEFAULT (0)
        )

    IF NOT EXISTS (
        SELECT 1 FROM tempdb.sys.indexes
        WHERE object_id = OBJECT_ID(N'tempdb.dbo.ASPStateTempSessions', 'U') AND name = N'Index_Expires'
    )
        CREATE NONCLUSTERED INDEX Index_Expires ON tempdb.dbo.ASPStateTempSessions (Expires)

    IF OBJECT_ID(N'tempdb.dbo.ASPStateTempApplications', 'U') IS NULL
        CREATE TABLE tempdb.dbo.ASPStateTempApplications (
            AppId int NOT NULL CONSTRAINT PK_ASPStateTempApplications PRIMARY KEY,
            AppName char(280) NOT NULL
        )

    IF NOT EXISTS (
        SELECT 1 FROM tempdb.sys.indexes
        WHERE object_id = OBJECT_ID(N'tempdb.dbo.ASPStateTempApplications', 'U') AND name = N'Index_AppName'
    )
        CREATE NONCLUSTERED INDEX Index_AppName ON tempdb.dbo.ASPStateTempApplications (AppName)

    RETURN 0
END
