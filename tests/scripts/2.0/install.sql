/* Session state for ASP.NET {dialect}, of the project's own making: see ../README.md. */

SET QUOTED_IDENTIFIER OFF
SET ANSI_NULLS ON
GO

PRINT ''
PRINT "Installing session state of type " + 'sstype_temp'
PRINT @@VERSION
GO

/* ---- the database, which may be there already ---- */

Use Master
GO

DECLARE @make nvarchar(500)

IF DB_ID(N'ASPState') IS NULL
BEGIN
    SET @make = N'CREATE DATABASE [ASPState]'
    EXEC (@make)
END
GO

/* ---- what an earlier run left: the job first, since nothing may expire sessions meanwhile ---- */

DECLARE @job nchar(200)
SET @job = N'ASPState' + N'_Job_DeleteExpiredSessions'

USE msdb
EXECUTE sp_delete_job @job_name = @job      -- error 14262 on a first run
GO

USE master

DECLARE @type nvarchar(20)
SET @type = N'sstype_temp'

IF UPPER(@type) = 'SSTYPE_TEMP'
    AND EXISTS (SELECT name FROM master.dbo.sysobjects WHERE name = N'ASPState_Startup' AND type = 'P')
    DROP PROCEDURE dbo.ASPState_Startup
GO

IF EXISTS (SELECT name FROM [tempdb]..sysobjects WHERE name = 'ASPStateTempSessions' AND type = 'U')
    DROP TABLE [tempdb].dbo.ASPStateTempSessions

IF EXISTS (SELECT name FROM [tempdb]..sysobjects WHERE name = 'ASPStateTempApplications' AND type = 'U')
    DROP TABLE [tempdb].dbo.ASPStateTempApplications
GO

use [ASPState]
GO

DECLARE @procedure sysname
DECLARE @drop nvarchar(500)

SELECT @procedure = MIN(name) FROM sysobjects WHERE type = 'P' AND (name LIKE 'Temp%StateItem%' OR name IN (
    'GetMajorVersion', 'GetHashCode', 'CreateTempTables', 'TempGetVersion', 'TempGetAppID', 'TempResetTimeout',
    'TempInsertUninitializedItem', 'DeleteExpiredSessions', 'DropTempTables', 'ResetData'))

WHILE @procedure IS NOT NULL
BEGIN
    SET @drop = N'DROP PROCEDURE dbo.[' + @procedure + N']'
    EXEC (@drop)

    SELECT @procedure = MIN(name) FROM sysobjects WHERE type = 'P' AND (name LIKE 'Temp%StateItem%' OR name IN (
        'GetMajorVersion', 'GetHashCode', 'CreateTempTables', 'TempGetVersion', 'TempGetAppID', 'TempResetTimeout',
        'TempInsertUninitializedItem', 'DeleteExpiredSessions', 'DropTempTables', 'ResetData'))
END
GO

IF EXISTS (SELECT name FROM [ASPState].dbo.systypes WHERE name = 'tSessionId') EXEC sp_droptype tSessionId
IF EXISTS (SELECT name FROM [ASPState].dbo.systypes WHERE name = 'tAppName') EXEC sp_droptype tAppName
IF EXISTS (SELECT name FROM [ASPState].dbo.systypes WHERE name = 'tSessionItemShort') EXEC sp_droptype tSessionItemShort
IF EXISTS (SELECT name FROM [ASPState].dbo.systypes WHERE name = 'tSessionItemLong') EXEC sp_droptype tSessionItemLong
IF EXISTS (SELECT name FROM [ASPState].dbo.systypes WHERE name = 'tTextPtr') EXEC sp_droptype 'tTextPtr'
GO

/* ---- types ---- */

EXECUTE sp_addtype tSessionId, 'nvarchar(88)', 'NOT NULL'
EXECUTE sp_addtype tAppName, 'varchar(280)', 'NOT NULL'
EXECUTE sp_addtype tSessionItemShort, 'varbinary(7000)'
EXECUTE sp_addtype tSessionItemLong, 'image'
EXECUTE sp_addtype tTextPtr, 'varbinary(16)'
GO

/* ---- the server's version: text after the dash, up to the first dot; 7 if that cannot be read ---- */

CREATE PROCEDURE dbo.GetMajorVersion
    @@ver int OUTPUT
AS
    DECLARE @from int, @upTo int

    SELECT @@ver = 7
    SELECT @from = CHARINDEX(N' - ', @@VERSION)

    IF @from > 0
    BEGIN
        SELECT @from = @from + 3
        SELECT @upTo = CHARINDEX(N'.', @@VERSION, @from)

        IF @upTo > @from
            SELECT @@ver = CONVERT(int, SUBSTRING(@@VERSION, @from, @upTo - @from))
    END

    RETURN 0
GO

/* ---- tables ---- */

DECLARE @major int
DECLARE @text nchar(4000)

EXEC dbo.GetMajorVersion @@ver = @major OUTPUT

IF (@major >= 8)
    SET @text = N'
    CREATE PROCEDURE dbo.CreateTempTables
    AS
        CREATE TABLE [tempdb].dbo.ASPStateTempSessions (
            SessionId nvarchar(88) NOT NULL PRIMARY KEY,
            Created datetime NOT NULL DEFAULT GETUTCDATE(),
            Expires datetime NOT NULL,
            LockDate datetime NOT NULL,
            LockDateLocal datetime NOT NULL,
            LockCookie int NOT NULL,
            Timeout int NOT NULL,
            Locked bit NOT NULL,
            SessionItemShort VARBINARY(7000) NULL,
            SessionItemLong image NULL,
            Flags int NOT NULL DEFAULT 0,
        )

        CREATE NONCLUSTERED INDEX Index_Expires ON [tempdb].dbo.ASPStateTempSessions(Expires)

        CREATE TABLE [tempdb].dbo.ASPStateTempApplications (
            AppId int NOT NULL PRIMARY KEY,
            AppName char(280) NOT NULL,
        )

        CREATE NONCLUSTERED INDEX Index_AppName ON [tempdb].dbo.ASPStateTempApplications(AppName)

        RETURN 0'
ELSE
    SET @text = N'
    CREATE PROCEDURE dbo.CreateTempTables
    AS
        CREATE TABLE [tempdb].dbo.ASPStateTempSessions (
            SessionId nvarchar(88) NOT NULL PRIMARY KEY,
            Created datetime NOT NULL DEFAULT GETDATE(),
            Expires datetime NOT NULL,
            LockDate datetime NOT NULL,
            LockCookie int NOT NULL,
            Timeout int NOT NULL,
            Locked bit NOT NULL,
            SessionItemShort VARBINARY(7000) NULL,
            SessionItemLong image NULL,
            Flags int NOT NULL DEFAULT 0,
        )

        CREATE NONCLUSTERED INDEX Index_Expires ON [tempdb].dbo.ASPStateTempSessions(Expires)

        CREATE TABLE [tempdb].dbo.ASPStateTempApplications (
            AppId int NOT NULL PRIMARY KEY,
            AppName char(280) NOT NULL,
        )

        CREATE NONCLUSTERED INDEX Index_AppName ON [tempdb].dbo.ASPStateTempApplications(AppName)

        RETURN 0'

EXEC (@text)
GO

/* ---- applications ---- */

CREATE PROCEDURE dbo.TempGetVersion
    @ver char(10) OUTPUT
AS
    SELECT @ver = "2"
    RETURN 0
GO

CREATE PROCEDURE dbo.GetHashCode
    @input tAppName,
    @hash int OUTPUT
AS
    DECLARE @sum bigint
    DECLARE @at int
    DECLARE @last int

    SET @sum = 5381
    SET @at = 1
    SET @last = DATALENGTH(@input)

    WHILE @at <= @last
    BEGIN
        SET @sum = ((@sum * 33) ^ ASCII(SUBSTRING(@input, @at, 1))) & 0x00000000FFFFFFFF
        SET @at = @at + 1
    END

    -- the upper half of 32 bits is the negative numbers
    IF @sum > 2147483647
        SET @sum = (@sum - 2147483647 - 1) - 2147483647 - 1

    SET @hash = @sum
    RETURN 0
GO

CREATE PROCEDURE dbo.TempGetAppID
    @appName tAppName,
    @appId int OUTPUT
AS
    DECLARE @other tAppName

    SET @appName = LOWER(@appName)
    SET @appId = NULL

    SELECT @appId = AppId
    FROM [tempdb].dbo.ASPStateTempApplications
    WHERE AppName = @appName

    IF @appId IS NULL
    BEGIN
        BEGIN TRAN

        SELECT @appId = AppId
        FROM [tempdb].dbo.ASPStateTempApplications WITH (TABLOCKX)
        WHERE AppName = @appName

        IF @appId IS NULL
        BEGIN
            EXEC GetHashCode @appName, @appId OUTPUT

            INSERT [tempdb].dbo.ASPStateTempApplications
            VALUES (@appId, @appName)

            IF @@ERROR = 2627
            BEGIN
                SELECT @other = AppName
                FROM [tempdb].dbo.ASPStateTempApplications
                WHERE AppId = @appId

                RAISERROR('SQL session state fatal error: hash-code collision between applications ''%s'' and ''%s''. Rename the first.', 18, 1, @other, @appName)
            END
        END

        COMMIT
    END

    RETURN 0
GO

/* ---- reading: the plain and the locking one, each for clients of 1.0, of 1.1 (2) and of 2.0 and later (3) ---- */

DECLARE @major int
DECLARE @text nchar(4000)

EXEC dbo.GetMajorVersion @@ver = @major OUTPUT

IF (@major >= 8)
    SET @text = N'
    CREATE PROCEDURE dbo.TempGetStateItem
        @id tSessionId,
        @itemShort tSessionItemShort OUTPUT,
        @locked bit OUTPUT,
        @lockDate datetime OUTPUT,
        @lockCookie int OUTPUT
    AS
        DECLARE @where AS tTextPtr
        DECLARE @size AS int
        DECLARE @utc AS datetime
        SET @utc = GETUTCDATE()

        UPDATE [tempdb].dbo.ASPStateTempSessions
        SET Expires = DATEADD(n, Timeout, @utc),
            @locked = Locked,
            @lockDate = LockDateLocal,
            @lockCookie = LockCookie,
            @itemShort = CASE @locked WHEN 0 THEN SessionItemShort ELSE NULL END,
            @where = CASE @locked WHEN 0 THEN TEXTPTR(SessionItemLong) ELSE NULL END,
            @size = CASE @locked WHEN 0 THEN DATALENGTH(SessionItemLong) ELSE NULL END
        WHERE SessionId = @id

        IF @size IS NOT NULL
            READTEXT [tempdb].dbo.ASPStateTempSessions.SessionItemLong @where 0 @size

        RETURN 0'
ELSE
    SET @text = N'
    CREATE PROCEDURE dbo.TempGetStateItem
        @id tSessionId,
        @itemShort tSessionItemShort OUTPUT,
        @locked bit OUTPUT,
        @lockDate datetime OUTPUT,
        @lockCookie int OUTPUT
    AS
        DECLARE @where AS tTextPtr
        DECLARE @size AS int

        UPDATE [tempdb].dbo.ASPStateTempSessions
        SET Expires = DATEADD(n, Timeout, GETDATE()),
            @locked = Locked,
            @lockDate = LockDate,
            @lockCookie = LockCookie,
            @itemShort = CASE @locked WHEN 0 THEN SessionItemShort ELSE NULL END,
            @where = CASE @locked WHEN 0 THEN TEXTPTR(SessionItemLong) ELSE NULL END,
            @size = CASE @locked WHEN 0 THEN DATALENGTH(SessionItemLong) ELSE NULL END
        WHERE SessionId = @id

        IF @size IS NOT NULL
            READTEXT [tempdb].dbo.ASPStateTempSessions.SessionItemLong @where 0 @size

        RETURN 0'

EXEC (@text)
GO

CREATE PROCEDURE dbo.TempGetStateItem2
    @id tSessionId,
    @itemShort tSessionItemShort OUTPUT,
    @locked bit OUTPUT,
    @lockAge int OUTPUT,
    @lockCookie int OUTPUT
AS
    DECLARE @where AS tTextPtr
    DECLARE @size AS int
    DECLARE @utc AS datetime
    SET @utc = GETUTCDATE()

    UPDATE [tempdb].dbo.ASPStateTempSessions
    SET Expires = DATEADD(n, Timeout, @utc),
        @locked = Locked,
        @lockAge = DATEDIFF(second, LockDate, @utc),
        @lockCookie = LockCookie,
        @itemShort = CASE @locked WHEN 0 THEN SessionItemShort ELSE NULL END,
        @where = CASE @locked WHEN 0 THEN TEXTPTR(SessionItemLong) ELSE NULL END,
        @size = CASE @locked WHEN 0 THEN DATALENGTH(SessionItemLong) ELSE NULL END
    WHERE SessionId = @id

    IF @size IS NOT NULL
        READTEXT [tempdb].dbo.ASPStateTempSessions.SessionItemLong @where 0 @size

    RETURN 0
GO

CREATE PROCEDURE dbo.TempGetStateItem3
    @id tSessionId,
    @itemShort tSessionItemShort OUTPUT,
    @locked bit OUTPUT,
    @lockAge int OUTPUT,
    @lockCookie int OUTPUT,
    @actionFlags int OUTPUT
AS
    DECLARE @where AS tTextPtr
    DECLARE @size AS int
    DECLARE @utc AS datetime
    SET @utc = GETUTCDATE()

    UPDATE [tempdb].dbo.ASPStateTempSessions
    SET Expires = DATEADD(n, Timeout, @utc),
        @locked = Locked,
        @lockAge = DATEDIFF(second, LockDate, @utc),
        @lockCookie = LockCookie,
        @itemShort = CASE @locked WHEN 0 THEN SessionItemShort ELSE NULL END,
        @where = CASE @locked WHEN 0 THEN TEXTPTR(SessionItemLong) ELSE NULL END,
        @size = CASE @locked WHEN 0 THEN DATALENGTH(SessionItemLong) ELSE NULL END,
        Flags = CASE WHEN (Flags & 1) <> 0 THEN (Flags & ~1) ELSE Flags END,
        @actionFlags = CASE WHEN (Flags & 1) <> 0 THEN 1 ELSE 0 END
    WHERE SessionId = @id

    IF @size IS NOT NULL
        READTEXT [tempdb].dbo.ASPStateTempSessions.SessionItemLong @where 0 @size

    RETURN 0
GO

CREATE PROCEDURE dbo.TempGetStateItemExclusive
    @id tSessionId,
    @itemShort tSessionItemShort OUTPUT,
    @locked bit OUTPUT,
    @lockDate datetime OUTPUT,
    @lockCookie int OUTPUT
AS
    DECLARE @where AS tTextPtr
    DECLARE @size AS int
    DECLARE @utc AS datetime
    DECLARE @local AS datetime
    SET @utc = GETUTCDATE()
    SET @local = GETDATE()

    UPDATE [tempdb].dbo.ASPStateTempSessions
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
        READTEXT [tempdb].dbo.ASPStateTempSessions.SessionItemLong @where 0 @size

    RETURN 0
GO

CREATE PROCEDURE dbo.TempGetStateItemExclusive2
    @id tSessionId,
    @itemShort tSessionItemShort OUTPUT,
    @locked bit OUTPUT,
    @lockAge int OUTPUT,
    @lockCookie int OUTPUT
AS
    DECLARE @where AS tTextPtr
    DECLARE @size AS int
    DECLARE @utc AS datetime
    DECLARE @local AS datetime
    SET @utc = GETUTCDATE()
    SET @local = GETDATE()

    UPDATE [tempdb].dbo.ASPStateTempSessions
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
        READTEXT [tempdb].dbo.ASPStateTempSessions.SessionItemLong @where 0 @size

    RETURN 0
GO

DECLARE @major int
DECLARE @text nchar(4000)

EXEC dbo.GetMajorVersion @@ver = @major OUTPUT

IF (@major >= 8)
    SET @text = N'
    CREATE PROCEDURE dbo.TempGetStateItemExclusive3
        @id tSessionId,
        @itemShort tSessionItemShort OUTPUT,
        @locked bit OUTPUT,
        @lockAge int OUTPUT,
        @lockCookie int OUTPUT,
        @actionFlags int OUTPUT
    AS
        DECLARE @where AS tTextPtr
        DECLARE @size AS int
        DECLARE @utc AS datetime
        DECLARE @local AS datetime
        SET @utc = GETUTCDATE()
        SET @local = GETDATE()

        UPDATE [tempdb].dbo.ASPStateTempSessions
        SET Expires = DATEADD(n, Timeout, @utc),
            LockDate = CASE Locked WHEN 0 THEN @utc ELSE LockDate END,
            LockDateLocal = CASE Locked WHEN 0 THEN @local ELSE LockDateLocal END,
            @lockAge = CASE Locked WHEN 0 THEN 0 ELSE DATEDIFF(second, LockDate, @utc) END,
            @lockCookie = LockCookie = CASE Locked WHEN 0 THEN LockCookie + 1 ELSE LockCookie END,
            @itemShort = CASE Locked WHEN 0 THEN SessionItemShort ELSE NULL END,
            @where = CASE Locked WHEN 0 THEN TEXTPTR(SessionItemLong) ELSE NULL END,
            @size = CASE Locked WHEN 0 THEN DATALENGTH(SessionItemLong) ELSE NULL END,
            @locked = Locked,
            Locked = 1,
            Flags = CASE WHEN (Flags & 1) <> 0 THEN (Flags & ~1) ELSE Flags END,
            @actionFlags = CASE WHEN (Flags & 1) <> 0 THEN 1 ELSE 0 END
        WHERE SessionId = @id

        IF @size IS NOT NULL
            READTEXT [tempdb].dbo.ASPStateTempSessions.SessionItemLong @where 0 @size

        RETURN 0'
ELSE
    SET @text = N'
    CREATE PROCEDURE dbo.TempGetStateItemExclusive3
        @id tSessionId,
        @itemShort tSessionItemShort OUTPUT,
        @locked bit OUTPUT,
        @lockDate datetime OUTPUT,
        @lockCookie int OUTPUT,
        @actionFlags int OUTPUT
    AS
        DECLARE @where AS tTextPtr
        DECLARE @size AS int
        DECLARE @local AS datetime
        SET @local = GETDATE()

        UPDATE [tempdb].dbo.ASPStateTempSessions
        SET Expires = DATEADD(n, Timeout, @local),
            @lockDate = LockDate = CASE Locked WHEN 0 THEN @local ELSE LockDate END,
            @lockCookie = LockCookie = CASE Locked WHEN 0 THEN LockCookie + 1 ELSE LockCookie END,
            @itemShort = CASE Locked WHEN 0 THEN SessionItemShort ELSE NULL END,
            @where = CASE Locked WHEN 0 THEN TEXTPTR(SessionItemLong) ELSE NULL END,
            @size = CASE Locked WHEN 0 THEN DATALENGTH(SessionItemLong) ELSE NULL END,
            @locked = Locked,
            Locked = 1,
            Flags = CASE WHEN (Flags & 1) <> 0 THEN (Flags & ~1) ELSE Flags END,
            @actionFlags = CASE WHEN (Flags & 1) <> 0 THEN 1 ELSE 0 END
        WHERE SessionId = @id

        IF @size IS NOT NULL
            READTEXT [tempdb].dbo.ASPStateTempSessions.SessionItemLong @where 0 @size

        RETURN 0'

EXEC (@text)
GO

/* ---- writing ---- */

CREATE PROCEDURE dbo.TempReleaseStateItemExclusive
    @id tSessionId,
    @lockCookie int
AS
    UPDATE [tempdb].dbo.ASPStateTempSessions
    SET Expires = DATEADD(n, Timeout, GETUTCDATE()),
        Locked = 0
    WHERE SessionId = @id AND LockCookie = @lockCookie

    RETURN 0
GO

CREATE PROCEDURE dbo.TempInsertUninitializedItem
    @id tSessionId,
    @itemShort tSessionItemShort,
    @timeout int
AS
    DECLARE @utc AS datetime
    DECLARE @local AS datetime
    SET @utc = GETUTCDATE()
    SET @local = GETDATE()

    INSERT [tempdb].dbo.ASPStateTempSessions
        (SessionId, SessionItemShort, Timeout, Expires, Locked, LockDate, LockDateLocal, LockCookie, Flags)
    VALUES
        (@id, @itemShort, @timeout, DATEADD(n, @timeout, @utc), 0, @utc, @local, 1, 1)

    RETURN 0
GO

DECLARE @major int
DECLARE @text nchar(4000)

EXEC dbo.GetMajorVersion @@ver = @major OUTPUT

IF (@major >= 8)
    SET @text = N'
    CREATE PROCEDURE dbo.TempInsertStateItemShort
        @id tSessionId,
        @itemShort tSessionItemShort,
        @timeout int
    AS
        DECLARE @utc AS datetime
        DECLARE @local AS datetime
        SET @utc = GETUTCDATE()
        SET @local = GETDATE()

        INSERT [tempdb].dbo.ASPStateTempSessions
            (SessionId, SessionItemShort, Timeout, Expires, Locked, LockDate, LockDateLocal, LockCookie)
        VALUES
            (@id, @itemShort, @timeout, DATEADD(n, @timeout, @utc), 0, @utc, @local, 1)

        RETURN 0'
ELSE
    SET @text = N'
    CREATE PROCEDURE dbo.TempInsertStateItemShort
        @id tSessionId,
        @itemShort tSessionItemShort,
        @timeout int
    AS
        INSERT [tempdb].dbo.ASPStateTempSessions
            (SessionId, SessionItemShort, Timeout, Expires, Locked, LockDate, LockCookie)
        VALUES
            (@id, @itemShort, @timeout, DATEADD(n, @timeout, GETDATE()), 0, GETDATE(), 1)

        RETURN 0'

EXEC (@text)
GO

CREATE PROCEDURE dbo.TempInsertStateItemLong
    @id tSessionId,
    @itemLong tSessionItemLong,
    @timeout int
AS
    DECLARE @utc AS datetime
    DECLARE @local AS datetime
    SET @utc = GETUTCDATE()
    SET @local = GETDATE()

    INSERT [tempdb].dbo.ASPStateTempSessions
        (SessionId, SessionItemLong, Timeout, Expires, Locked, LockDate, LockDateLocal, LockCookie)
    VALUES
        (@id, @itemLong, @timeout, DATEADD(n, @timeout, @utc), 0, @utc, @local, 1)

    RETURN 0
GO

CREATE PROCEDURE dbo.TempUpdateStateItemShort
    @id tSessionId,
    @itemShort tSessionItemShort,
    @timeout int,
    @lockCookie int
AS
    UPDATE [tempdb].dbo.ASPStateTempSessions
    SET Expires = DATEADD(n, {minutes}, GETUTCDATE()),
        SessionItemShort = @itemShort,
        Timeout = @timeout,
        Locked = 0
    WHERE SessionId = @id AND LockCookie = @lockCookie

    RETURN 0
GO

CREATE PROCEDURE dbo.TempUpdateStateItemShortNullLong
    @id tSessionId,
    @itemShort tSessionItemShort,
    @timeout int,
    @lockCookie int
AS
    UPDATE [tempdb].dbo.ASPStateTempSessions
    SET Expires = DATEADD(n, {minutes}, GETUTCDATE()),
        SessionItemShort = @itemShort,
        SessionItemLong = NULL,
        Timeout = @timeout,
        Locked = 0
    WHERE SessionId = @id AND LockCookie = @lockCookie

    RETURN 0
GO

CREATE PROCEDURE dbo.TempUpdateStateItemLong
    @id tSessionId,
    @itemLong tSessionItemLong,
    @timeout int,
    @lockCookie int
AS
    UPDATE [tempdb].dbo.ASPStateTempSessions
    SET Expires = DATEADD(n, {minutes}, GETUTCDATE()),
        SessionItemLong = @itemLong,
        Timeout = @timeout,
        Locked = 0
    WHERE SessionId = @id AND LockCookie = @lockCookie

    RETURN 0
GO

CREATE PROCEDURE dbo.TempUpdateStateItemLongNullShort
    @id tSessionId,
    @itemLong tSessionItemLong,
    @timeout int,
    @lockCookie int
AS
    UPDATE [tempdb].dbo.ASPStateTempSessions
    SET Expires = DATEADD(n, {minutes}, GETUTCDATE()),
        SessionItemLong = @itemLong,
        SessionItemShort = NULL,
        Timeout = @timeout,
        Locked = 0
    WHERE SessionId = @id AND LockCookie = @lockCookie

    RETURN 0
GO

CREATE PROCEDURE dbo.TempRemoveStateItem
    @id tSessionId,
    @lockCookie int
AS
    DELETE [tempdb].dbo.ASPStateTempSessions
    WHERE SessionId = @id AND LockCookie = @lockCookie

    RETURN 0
GO

CREATE PROCEDURE dbo.TempResetTimeout
    @id tSessionId
AS
    UPDATE [tempdb].dbo.ASPStateTempSessions
    SET Expires = DATEADD(n, Timeout, GETUTCDATE())
    WHERE SessionId = @id

    RETURN 0
GO

DECLARE @major int
DECLARE @text nchar(4000)

EXEC dbo.GetMajorVersion @@ver = @major OUTPUT

SET @text = N'
{DeleteExpiredSessions}'

IF (@major < 8)
    SET @text = REPLACE(@text, N'GETUTCDATE', N'GETDATE')

EXEC (@text)
GO

EXECUTE dbo.CreateTempTables
GO

/* ---- tables in tempdb are made anew whenever the server starts ---- */

USE master
GO

DECLARE @type nvarchar(20)
DECLARE @text nchar(4000)
SET @type = N'sstype_temp'

IF (UPPER(@type) = N'SSTYPE_TEMP')
BEGIN
    SET @text = N'
    CREATE PROCEDURE dbo.ASPState_Startup
    AS
        EXECUTE ASPState.dbo.CreateTempTables
        RETURN 0'

    EXEC (@text)
    EXECUTE sp_procoption @ProcName = 'ASPState_Startup', @OptionName = 'startup', @OptionValue = 'true'
END
GO

/* ---- the job that ends sessions, every minute ---- */

USE msdb
EXECUTE sp_add_category @class = N'JOB', @type = N'LOCAL', @name = N'[Uncategorized (Local)]'    -- error 14261
GO

DECLARE @failed int
DECLARE @id binary(16)
DECLARE @job nchar(200)
DECLARE @step nchar(200)
DECLARE @schedule nchar(200)

SET @failed = 0
SET @job = N'ASPState' + N'_Job_DeleteExpiredSessions'
SET @step = N'ASPState' + N'_JobStep_DeleteExpiredSessions'
SET @schedule = N'ASPState' + N'_JobSchedule_DeleteExpiredSessions'

BEGIN TRANSACTION

EXECUTE @failed = msdb.dbo.sp_add_job
    @job_id = @id OUTPUT,
    @job_name = @job,
    @owner_login_name = NULL,
    @description = N'Deletes expired sessions from the session state database.',
    @category_name = N'[Uncategorized (Local)]',
    @enabled = 1,
    @notify_level_email = 0,
    @notify_level_page = 0,
    @notify_level_netsend = 0,
    @notify_level_eventlog = 0,
    @delete_level = 0
IF (@@ERROR <> 0 OR @failed <> 0) GOTO TakeBack

EXECUTE @failed = msdb.dbo.sp_add_jobstep
    @job_id = @id,
    @step_id = 1,
    @step_name = @step,
    @command = N'EXECUTE DeleteExpiredSessions',
    @database_name = N'ASPState',
    @server = N'',
    @subsystem = N'TSQL',
    @cmdexec_success_code = 0,
    @flags = 0,
    @retry_attempts = 0,
    @retry_interval = 1,
    @output_file_name = N'',
    @on_success_step_id = 0,
    @on_success_action = 1,
    @on_fail_step_id = 0,
    @on_fail_action = 2
IF (@@ERROR <> 0 OR @failed <> 0) GOTO TakeBack

EXECUTE @failed = msdb.dbo.sp_update_job @job_id = @id, @start_step_id = 1
IF (@@ERROR <> 0 OR @failed <> 0) GOTO TakeBack

EXECUTE @failed = msdb.dbo.sp_add_jobschedule
    @job_id = @id,
    @name = @schedule,
    @enabled = 1,
    @freq_type = 4,
    @active_start_date = 20001016,
    @active_start_time = 0,
    @freq_interval = 1,
    @freq_subday_type = 4,
    @freq_subday_interval = 1,
    @freq_relative_interval = 0,
    @freq_recurrence_factor = 0,
    @active_end_date = 99991231,
    @active_end_time = 235959
IF (@@ERROR <> 0 OR @failed <> 0) GOTO TakeBack

EXECUTE @failed = msdb.dbo.sp_add_jobserver @job_id = @id, @server_name = N'(local)'
IF (@@ERROR <> 0 OR @failed <> 0) GOTO TakeBack

COMMIT TRANSACTION
GOTO Finished

TakeBack:
    IF (@@TRANCOUNT > 0) ROLLBACK TRANSACTION
Finished:
GO

USE master
PRINT ''
PRINT "Session state is installed"
GO
