/* Removes session state of ASP.NET 2.0 and later, of the project's own making: see ../README.md.
   As with the stock scripts nobody asks whether sessions are live, or the database is in use. */

SET QUOTED_IDENTIFIER OFF
SET ANSI_NULLS ON
GO

PRINT ''
PRINT "Removing session state of type " + 'sstype_temp'
GO

Use Master
GO

/* ---- 1: the startup procedure ---- */

DECLARE @type nvarchar(20)
SET @type = N'sstype_temp'

IF UPPER(@type) = N'SSTYPE_TEMP'
    AND EXISTS (SELECT name FROM master.dbo.sysobjects WHERE name = N'ASPState_Startup' AND type = 'P')
    DROP PROCEDURE dbo.ASPState_Startup
GO

/* ---- 2: the tables, where they do not go with the database ---- */

DECLARE @type nvarchar(20)
SET @type = N'sstype_temp'

IF UPPER(@type) <> N'SSTYPE_PERSISTED'
BEGIN
    IF EXISTS (SELECT name FROM [tempdb].dbo.sysobjects WHERE name = 'ASPStateTempSessions' AND type = 'U')
        DROP TABLE [tempdb].dbo.ASPStateTempSessions

    IF EXISTS (SELECT name FROM [tempdb].dbo.sysobjects WHERE name = 'ASPStateTempApplications' AND type = 'U')
        DROP TABLE [tempdb].dbo.ASPStateTempApplications
END
GO

/* ---- 3: the database, or in a database of somebody else's the procedures and types ---- */

DECLARE @type nvarchar(20)
DECLARE @drop nchar(500)
SET @type = N'sstype_temp'

IF (UPPER(@type) = N'SSTYPE_CUSTOM')
BEGIN
    DECLARE @object sysname

    SELECT @object = MIN(name) FROM [ASPState].dbo.sysobjects
    WHERE type = 'P' AND (name LIKE 'Temp%StateItem%' OR name IN (
        'GetMajorVersion', 'GetHashCode', 'CreateTempTables', 'TempGetVersion', 'TempGetAppID', 'TempResetTimeout',
        'TempInsertUninitializedItem', 'DeleteExpiredSessions', 'DropTempTables', 'ResetData'))

    WHILE @object IS NOT NULL
    BEGIN
        SET @drop = N'use [ASPState] DROP PROCEDURE dbo.[' + @object + N']'
        EXEC (@drop)

        SELECT @object = MIN(name) FROM [ASPState].dbo.sysobjects
        WHERE type = 'P' AND (name LIKE 'Temp%StateItem%' OR name IN (
            'GetMajorVersion', 'GetHashCode', 'CreateTempTables', 'TempGetVersion', 'TempGetAppID', 'TempResetTimeout',
            'TempInsertUninitializedItem', 'DeleteExpiredSessions', 'DropTempTables', 'ResetData'))
    END

    IF EXISTS (SELECT name FROM [ASPState]..systypes WHERE name = 'tSessionId')
        EXECUTE [ASPState]..sp_droptype tSessionId
    IF EXISTS (SELECT name FROM [ASPState]..systypes WHERE name = 'tAppName')
        EXECUTE [ASPState]..sp_droptype tAppName
    IF EXISTS (SELECT name FROM [ASPState]..systypes WHERE name = 'tSessionItemShort')
        EXECUTE [ASPState]..sp_droptype tSessionItemShort
    IF EXISTS (SELECT name FROM [ASPState]..systypes WHERE name = 'tSessionItemLong')
        EXECUTE [ASPState]..sp_droptype tSessionItemLong
    IF EXISTS (SELECT name FROM [ASPState]..systypes WHERE name = 'tTextPtr')
        EXECUTE [ASPState]..sp_droptype tTextPtr
END
ELSE
BEGIN
    IF DB_ID(N'ASPState') IS NOT NULL
    BEGIN
        SET @drop = N'DROP DATABASE [ASPState]'
        EXEC (@drop)
    END

    -- the batch goes on after error 3702, and names a database that may be gone
    IF DB_ID(N'ASPState') IS NOT NULL
        SELECT COUNT(*) AS ProceduresLeft FROM [ASPState].dbo.sysobjects WHERE type = 'P'
END
GO

/* ---- 4: the job ---- */

USE msdb

DECLARE @id binary(16)
DECLARE @job nchar(200)
SET @job = N'ASPState' + N'_Job_DeleteExpiredSessions'

SELECT @id = job_id FROM msdb.dbo.sysjobs WHERE name = @job

IF (@id IS NOT NULL AND EXISTS (SELECT * FROM msdb.dbo.sysjobservers WHERE job_id = @id AND server_id <> 0))
    RAISERROR (N'The job %s belongs to another server and stays.', 16, 1, @job)
ELSE
    EXECUTE msdb.dbo.sp_delete_job @job_name = @job      -- error 14262 where there is none
GO

USE master
PRINT ''
PRINT "Session state is removed"
GO
