/* Removes session state of ASP.NET 1.1, of the project's own making: see ../README.md. */

SET QUOTED_IDENTIFIER OFF
SET ANSI_NULLS ON
GO

PRINT "Removing session state for ASP.NET 1.1"
GO

use Master
GO

IF EXISTS (SELECT job_id FROM msdb..sysjobs WHERE name = N'ASPState' + N'_Job_DeleteExpiredSessions')
BEGIN
    DECLARE @job nchar(200)
    SET @job = N'ASPState' + N'_Job_DeleteExpiredSessions'
    EXEC msdb..sp_delete_job @job_name = @job
END
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

IF DB_ID(N'ASPState') IS NOT NULL
BEGIN
    DROP DATABASE [ASPState]
END
GO

PRINT "Session state for ASP.NET 1.1 is removed"
GO
