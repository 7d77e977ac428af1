-- Makes what is missing of the two tables and their indexes; never drops or empties anything.
CREATE PROCEDURE dbo.CreateTempTables
AS
BEGIN
    SET NOCOUNT ON

    IF OBJECT_ID(N'dbo.ASPStateTempSessions', 'U') IS NULL
        CREATE TABLE dbo.ASPStateTempSessions (
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
        SELECT 1 FROM sys.indexes
        WHERE object_id = OBJECT_ID(N'dbo.ASPStateTempSessions', 'U') AND name = N'Index_Expires'
    )
        CREATE NONCLUSTERED INDEX Index_Expires ON dbo.ASPStateTempSessions (Expires)

    IF OBJECT_ID(N'dbo.ASPStateTempApplications', 'U') IS NULL
        CREATE TABLE dbo.ASPStateTempApplications (
            AppId int NOT NULL CONSTRAINT PK_ASPStateTempApplications PRIMARY KEY,
            AppName char(280) NOT NULL
        )

    IF NOT EXISTS (
        SELECT 1 FROM sys.indexes
        WHERE object_id = OBJECT_ID(N'dbo.ASPStateTempApplications', 'U') AND name = N'Index_AppName'
    )
        CREATE NONCLUSTERED INDEX Index_AppName ON dbo.ASPStateTempApplications (AppName)

    RETURN 0
END
