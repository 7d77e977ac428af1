/* Session state for ASP.NET 1.1, of the project's own making: see ../README.md. */

SET QUOTED_IDENTIFIER OFF
SET ANSI_NULLS ON
GO

PRINT ""
PRINT "Installing session state for ASP.NET 1.1"
GO

/* ---- what an earlier run left ---- */

Use MASTER
GO

IF EXISTS (SELECT job_id FROM msdb..sysjobs WHERE name = N'ASPState' + N'_Job_DeleteExpiredSessions')
BEGIN
    DECLARE @job nchar(200)
    SET @job = N'ASPState' + N'_Job_DeleteExpiredSessions'
    EXEC msdb..sp_delete_job @job_name = @job
END

IF DB_ID(N'ASPState') IS NOT NULL
BEGIN
    DROP DATABASE [ASPState]

    IF DB_ID(N'ASPState') IS NOT NULL
        SELECT name FROM [ASPState]..sysobjects WHERE type = 'U'
END

CREATE DATABASE [ASPState]
GO

-- <temporary>
IF EXISTS (SELECT id FROM master..sysobjects WHERE name = 'ASPState_Startup' AND type = 'P')
    DROP PROCEDURE ASPState_Startup

IF EXISTS (SELECT id FROM [tempdb]..sysobjects WHERE name = "ASPStateTempSessions" AND type = 'U')
    DROP TABLE [tempdb]..ASPStateTempSessions

IF EXISTS (SELECT id FROM [tempdb]..sysobjects WHERE name = "ASPStateTempApplications" AND type = 'U')
    DROP TABLE [tempdb]..ASPStateTempApplications
GO
-- </temporary>

USE [ASPState]
GO

/* ---- types ---- */

EXEC sp_addtype tSessionId, 'char(32)', 'NOT NULL'
EXEC sp_addtype tAppName, 'varchar(280)', 'NOT NULL'
EXEC sp_addtype tSessionItemShort, 'varbinary(7000)'
EXEC sp_addtype tSessionItemLong, 'image'
EXEC sp_addtype tTextPtr, 'varbinary(16)'
GO

CREATE PROCEDURE GetMajorVersion
    @@ver int OUTPUT
AS
    CREATE TABLE #about (Place int, Name nvarchar(60), Number int, Words nvarchar(500))

    INSERT #about EXEC master..xp_msver ProductVersion

    SELECT @@ver = Number / 65536 FROM #about
    DROP TABLE #about

    RETURN 0
GO

DECLARE @major int
DECLARE @text nchar(4000)

EXEC GetMajorVersion @@ver = @major OUTPUT

IF (@major >= 8)
    SET @text = N'
    CREATE PROCEDURE CreateTempTables
    AS
        CREATE TABLE [tempdb]..ASPStateTempSessions (
            SessionId char(32) NOT NULL PRIMARY KEY,
            Created datetime NOT NULL DEFAULT GETUTCDATE(),
            Expires datetime NOT NULL,
            LockDate datetime NOT NULL,
            LockDateLocal datetime NOT NULL,
            LockCookie int NOT NULL,
            Timeout int NOT NULL,
            Locked bit NOT NULL,
            SessionItemShort varbinary(7000) NULL,
            SessionItemLong image NULL,
        )

        CREATE TABLE [tempdb]..ASPStateTempApplications (
            AppId int NOT NULL IDENTITY PRIMARY KEY,
            AppName char(280) NOT NULL,
        )

        CREATE NONCLUSTERED INDEX Index_AppName ON [tempdb]..ASPStateTempApplications(AppName)

        RETURN 0'
ELSE
    SET @text = N'
    CREATE PROCEDURE CreateTempTables
    AS
        CREATE TABLE [tempdb]..ASPStateTempSessions (
            SessionId char(32) NOT NULL PRIMARY KEY,
            Created datetime NOT NULL DEFAULT GETDATE(),
            Expires datetime NOT NULL,
            LockDate datetime NOT NULL,
            LockCookie int NOT NULL,
            Timeout int NOT NULL,
            Locked bit NOT NULL,
            SessionItemShort varbinary(7000) NULL,
            SessionItemLong image NULL,
        )

        CREATE TABLE [tempdb]..ASPStateTempApplications (
            AppId int NOT NULL IDENTITY PRIMARY KEY,
            AppName char(280) NOT NULL,
        )

        CREATE NONCLUSTERED INDEX Index_AppName ON [tempdb]..ASPStateTempApplications(AppName)

        RETURN 0'

EXEC (@text)
GO

CREATE PROCEDURE ResetData
AS
    DELETE [tempdb]..ASPStateTempSessions
    DELETE [tempdb]..ASPStateTempApplications

    RETURN 0
GO

CREATE PROCEDURE TempGetAppID
    @appName tAppName,
    @appId int OUTPUT
AS
    SELECT @appId = NULL
    SELECT @appName = LOWER(@appName)

    SELECT @appId = AppId
    FROM [tempdb]..ASPStateTempApplications
    WHERE AppName = @appName

    IF @appId IS NULL
    BEGIN
        BEGIN TRAN

        SELECT @appId = AppId
        FROM [tempdb]..ASPStateTempApplications (TABLOCKX)
        WHERE AppName = @appName

        IF @appId IS NULL
        BEGIN
            INSERT [tempdb]..ASPStateTempApplications VALUES (@appName)

            SELECT @appId = AppId
            FROM [tempdb]..ASPStateTempApplications
            WHERE AppName = @appName
        END

        COMMIT
    END

    RETURN 0
GO

/* ---- reading: the plain and the locking one, each for clients of 1.0 and of 1.1 (2) ---- */

DECLARE @major int
DECLARE @text nchar(4000)

EXEC GetMajorVersion @@ver = @major OUTPUT

IF (@major >= 8)
    SET @text = N'
    CREATE PROCEDURE TempGetStateItem
        @id tSessionId,
        @itemShort tSessionItemShort OUTPUT,
        @locked bit OUTPUT,
        @lockDate datetime OUTPUT,
        @lockCookie int OUTPUT
    AS
        DECLARE @where tTextPtr
        DECLARE @size int
        DECLARE @utc datetime
        SELECT @utc = GETUTCDATE()

        UPDATE [tempdb]..ASPStateTempSessions
        SET Expires = DATEADD(n, Timeout, @utc),
            @locked = Locked,
            @lockDate = LockDateLocal,
            @lockCookie = LockCookie,
            @itemShort = CASE @locked WHEN 0 THEN SessionItemShort ELSE NULL END,
            @where = CASE @locked WHEN 0 THEN TEXTPTR(SessionItemLong) ELSE NULL END,
            @size = CASE @locked WHEN 0 THEN DATALENGTH(SessionItemLong) ELSE NULL END
        WHERE SessionId = @id

        IF @size IS NOT NULL
            READTEXT [tempdb]..ASPStateTempSessions.SessionItemLong @where 0 @size

        RETURN 0'
ELSE
    SET @text = N'
    CREATE PROCEDURE TempGetStateItem
        @id tSessionId,
        @itemShort tSessionItemShort OUTPUT,
        @locked bit OUTPUT,
        @lockDate datetime OUTPUT,
        @lockCookie int OUTPUT
    AS
        DECLARE @where tTextPtr
        DECLARE @size int

        UPDATE [tempdb]..ASPStateTempSessions
        SET Expires = DATEADD(n, Timeout, GETDATE()),
            @locked = Locked,
            @lockDate = LockDate,
            @lockCookie = LockCookie,
            @itemShort = CASE @locked WHEN 0 THEN SessionItemShort ELSE NULL END,
            @where = CASE @locked WHEN 0 THEN TEXTPTR(SessionItemLong) ELSE NULL END,
            @size = CASE @locked WHEN 0 THEN DATALENGTH(SessionItemLong) ELSE NULL END
        WHERE SessionId = @id

        IF @size IS NOT NULL
            READTEXT [tempdb]..ASPStateTempSessions.SessionItemLong @where 0 @size

        RETURN 0'

EXEC (@text)
GO

CREATE PROCEDURE TempGetStateItem2
    @id tSessionId,
    @itemShort tSessionItemShort OUTPUT,
    @locked bit OUTPUT,
    @lockAge int OUTPUT,
    @lockCookie int OUTPUT
AS
    DECLARE @where tTextPtr
    DECLARE @size int
    DECLARE @utc datetime
    SELECT @utc = GETUTCDATE()

    UPDATE [tempdb]..ASPStateTempSessions
    SET Expires = DATEADD(n, Timeout, @utc),
        @locked = Locked,
        @lockAge = DATEDIFF(second, LockDate, @utc),
        @lockCookie = LockCookie,
        @itemShort = CASE @locked WHEN 0 THEN SessionItemShort ELSE NULL END,
        @where = CASE @locked WHEN 0 THEN TEXTPTR(SessionItemLong) ELSE NULL END,
        @size = CASE @locked WHEN 0 THEN DATALENGTH(SessionItemLong) ELSE NULL END
    WHERE SessionId = @id

    IF @size IS NOT NULL
        READTEXT [tempdb]..ASPStateTempSessions.SessionItemLong @where 0 @size

    RETURN 0
GO

CREATE PROCEDURE TempGetStateItemExclusive
    @id tSessionId,
    @itemShort tSessionItemShort OUTPUT,
    @locked bit OUTPUT,
    @lockDate datetime OUTPUT,
    @lockCookie int OUTPUT
AS
    DECLARE @where tTextPtr
    DECLARE @size int
    DECLARE @utc datetime
    DECLARE @local datetime
    SELECT @utc = GETUTCDATE(), @local = GETDATE()

    UPDATE [tempdb]..ASPStateTempSessions
    SET Expires = DATEADD(n, Timeout, @utc),
        LockDate = CASE Locked WHEN 0 THEN @utc ELSE LockDate END,
        @lockDate = LockDateLocal = CASE Locked WHEN 0 THEN @local ELSE LockDateLocal END,
        @lockCookie = LockCookie = CASE Locked WHEN 0 THEN LockCookie + 1 ELSE LockCookie END,
        @itemShort = CASE Locked WHEN 0 THEN SessionItemShort ELSE NULL END,
        @where = CASE Locked WHEN 0 THEN TEXTPTR(SessionItemLong) ELSE NULL END,
        @size = CASE Locked WHEN 0 THEN DATALENGTH(SessionItemLong) ELSE NULL END,
        @locked = Locked,
        Locked = 1
    WHERE SessionId = @id

    IF @size IS NOT NULL
        READTEXT [tempdb]..ASPStateTempSessions.SessionItemLong @where 0 @size

    RETURN 0
GO

CREATE PROCEDURE TempGetStateItemExclusive2
    @id tSessionId,
    @itemShort tSessionItemShort OUTPUT,
    @locked bit OUTPUT,
    @lockAge int OUTPUT,
    @lockCookie int OUTPUT
AS
    DECLARE @where tTextPtr
    DECLARE @size int
    DECLARE @utc datetime
    DECLARE @local datetime
    SELECT @utc = GETUTCDATE(), @local = GETDATE()

    UPDATE [tempdb]..ASPStateTempSessions
    SET Expires = DATEADD(n, Timeout, @utc),
        LockDate = CASE Locked WHEN 0 THEN @utc ELSE LockDate END,
        LockDateLocal = CASE Locked WHEN 0 THEN @local ELSE LockDateLocal END,
        @lockAge = CASE Locked WHEN 0 THEN 0 ELSE DATEDIFF(second, LockDate, @utc) END,
        @lockCookie = LockCookie = CASE Locked WHEN 0 THEN LockCookie + 1 ELSE LockCookie END,
        @itemShort = CASE Locked WHEN 0 THEN SessionItemShort ELSE NULL END,
        @where = CASE Locked WHEN 0 THEN TEXTPTR(SessionItemLong) ELSE NULL END,
        @size = CASE Locked WHEN 0 THEN DATALENGTH(SessionItemLong) ELSE NULL END,
        @locked = Locked,
        Locked = 1
    WHERE SessionId = @id

    IF @size IS NOT NULL
        READTEXT [tempdb]..ASPStateTempSessions.SessionItemLong @where 0 @size

    RETURN 0
GO

/* ---- writing ---- */

CREATE PROCEDURE TempReleaseStateItemExclusive
    @id tSessionId,
    @lockCookie int
AS
    UPDATE [tempdb]..ASPStateTempSessions
    SET Expires = DATEADD(n, Timeout, GETUTCDATE()),
        Locked = 0
    WHERE SessionId = @id AND LockCookie = @lockCookie

    RETURN 0
GO

DECLARE @major int
DECLARE @text nchar(4000)

EXEC GetMajorVersion @@ver = @major OUTPUT

IF (@major >= 8)
    SET @text = N'
    CREATE PROCEDURE TempInsertStateItemShort
        @id tSessionId,
        @itemShort tSessionItemShort,
        @timeout int
    AS
        DECLARE @utc datetime
        DECLARE @local datetime
        SELECT @utc = GETUTCDATE(), @local = GETDATE()

        INSERT [tempdb]..ASPStateTempSessions
            (SessionId, SessionItemShort, Timeout, Expires, Locked, LockDate, LockDateLocal, LockCookie)
        VALUES
            (@id, @itemShort, @timeout, DATEADD(n, @timeout, @utc), 0, @utc, @local, 1)

        RETURN 0'
ELSE
    SET @text = N'
    CREATE PROCEDURE TempInsertStateItemShort
        @id tSessionId,
        @itemShort tSessionItemShort,
        @timeout int
    AS
        INSERT [tempdb]..ASPStateTempSessions
            (SessionId, SessionItemShort, Timeout, Expires, Locked, LockDate, LockCookie)
        VALUES
            (@id, @itemShort, @timeout, DATEADD(n, @timeout, GETDATE()), 0, GETDATE(), 1)

        RETURN 0'

EXEC (@text)
GO

CREATE PROCEDURE TempInsertStateItemLong
    @id tSessionId,
    @itemLong tSessionItemLong,
    @timeout int
AS
    DECLARE @utc datetime
    DECLARE @local datetime
    SELECT @utc = GETUTCDATE(), @local = GETDATE()

    INSERT [tempdb]..ASPStateTempSessions
        (SessionId, SessionItemLong, Timeout, Expires, Locked, LockDate, LockDateLocal, LockCookie)
    VALUES
        (@id, @itemLong, @timeout, DATEADD(n, @timeout, @utc), 0, @utc, @local, 1)

    RETURN 0
GO

CREATE PROCEDURE TempUpdateStateItemShort
    @id tSessionId,
    @itemShort tSessionItemShort,
    @timeout int,
    @lockCookie int
AS
    UPDATE [tempdb]..ASPStateTempSessions
    SET Expires = DATEADD(n, Timeout, GETUTCDATE()),
        SessionItemShort = @itemShort,
        Timeout = @timeout,
        Locked = 0
    WHERE SessionId = @id AND LockCookie = @lockCookie

    RETURN 0
GO

CREATE PROCEDURE TempUpdateStateItemShortNullLong
    @id tSessionId,
    @itemShort tSessionItemShort,
    @timeout int,
    @lockCookie int
AS
    UPDATE [tempdb]..ASPStateTempSessions
    SET Expires = DATEADD(n, Timeout, GETUTCDATE()),
        SessionItemShort = @itemShort,
        SessionItemLong = NULL,
        Timeout = @timeout,
        Locked = 0
    WHERE SessionId = @id AND LockCookie = @lockCookie

    RETURN 0
GO

CREATE PROCEDURE TempUpdateStateItemLong
    @id tSessionId,
    @itemLong tSessionItemLong,
    @timeout int,
    @lockCookie int
AS
    UPDATE [tempdb]..ASPStateTempSessions
    SET Expires = DATEADD(n, Timeout, GETUTCDATE()),
        SessionItemLong = @itemLong,
        Timeout = @timeout,
        Locked = 0
    WHERE SessionId = @id AND LockCookie = @lockCookie

    RETURN 0
GO

CREATE PROCEDURE TempUpdateStateItemLongNullShort
    @id tSessionId,
    @itemLong tSessionItemLong,
    @timeout int,
    @lockCookie int
AS
    UPDATE [tempdb]..ASPStateTempSessions
    SET Expires = DATEADD(n, Timeout, GETUTCDATE()),
        SessionItemLong = @itemLong,
        SessionItemShort = NULL,
        Timeout = @timeout,
        Locked = 0
    WHERE SessionId = @id AND LockCookie = @lockCookie

    RETURN 0
GO

CREATE PROCEDURE TempRemoveStateItem
    @id tSessionId,
    @lockCookie int
AS
    DELETE [tempdb]..ASPStateTempSessions
    WHERE SessionId = @id AND LockCookie = @lockCookie

    RETURN 0
GO

CREATE PROCEDURE TempResetTimeout
    @id tSessionId
AS
    UPDATE [tempdb]..ASPStateTempSessions
    SET Expires = DATEADD(n, Timeout, GETUTCDATE())
    WHERE SessionId = @id

    RETURN 0
GO

{DeleteExpiredSessions}GO

EXEC CreateTempTables
GO

USE master
GO

-- <temporary>
CREATE PROCEDURE ASPState_Startup
AS
    EXEC ASPState..CreateTempTables

    RETURN 0
GO

EXEC sp_procoption 'ASPState_Startup', 'startup', 'true'
GO
-- </temporary>

/* ---- the job that ends sessions, every minute ---- */

DECLARE @failed int
DECLARE @id binary(16)
DECLARE @job nchar(200)
DECLARE @step nchar(200)
DECLARE @schedule nchar(200)

SELECT @failed = 0,
    @job = N'ASPState' + N'_Job_DeleteExpiredSessions',
    @step = N'ASPState' + N'_JobStep_DeleteExpiredSessions',
    @schedule = N'ASPState' + N'_JobSchedule_DeleteExpiredSessions'

BEGIN TRANSACTION

IF (SELECT COUNT(*) FROM msdb.dbo.syscategories WHERE name = N'[Uncategorized (Local)]') < 1
    EXECUTE msdb.dbo.sp_add_category N'JOB', N'LOCAL', N'[Uncategorized (Local)]'

EXECUTE @failed = msdb.dbo.sp_add_job @job_id = @id OUTPUT, @job_name = @job, @owner_login_name = NULL,
    @description = N'Deletes expired sessions from the session state database.',
    @category_name = N'[Uncategorized (Local)]', @enabled = 1, @notify_level_email = 0, @notify_level_page = 0,
    @notify_level_netsend = 0, @notify_level_eventlog = 0, @delete_level = 0
IF (@@ERROR <> 0 OR @failed <> 0) GOTO TakeBack

EXECUTE @failed = msdb.dbo.sp_add_jobstep @job_id = @id, @step_id = 1, @step_name = @step,
    @command = N'EXECUTE DeleteExpiredSessions', @database_name = N'ASPState', @server = N'',
    @database_user_name = N'', @subsystem = N'TSQL', @cmdexec_success_code = 0, @flags = 0, @retry_attempts = 0,
    @retry_interval = 1, @output_file_name = N'', @on_success_step_id = 0, @on_success_action = 1,
    @on_fail_step_id = 0, @on_fail_action = 2
IF (@@ERROR <> 0 OR @failed <> 0) GOTO TakeBack

EXECUTE @failed = msdb.dbo.sp_update_job @job_id = @id, @start_step_id = 1
IF (@@ERROR <> 0 OR @failed <> 0) GOTO TakeBack

EXECUTE @failed = msdb.dbo.sp_add_jobschedule @job_id = @id, @name = @schedule, @enabled = 1, @freq_type = 4,
    @active_start_date = 20001016, @active_start_time = 0, @freq_interval = 1, @freq_subday_type = 4,
    @freq_subday_interval = 1, @freq_relative_interval = 0, @freq_recurrence_factor = 0,
    @active_end_date = 99991231, @active_end_time = 235959
IF (@@ERROR <> 0 OR @failed <> 0) GOTO TakeBack

EXECUTE @failed = msdb.dbo.sp_add_jobserver @job_id = @id, @server_name = N'(local)'
IF (@@ERROR <> 0 OR @failed <> 0) GOTO TakeBack

COMMIT TRANSACTION
GOTO Finished

TakeBack:
IF (@@TRANCOUNT > 0) ROLLBACK TRANSACTION

Finished:
PRINT "Session state for ASP.NET 1.1 is installed"
GO
