"""Forms of DeleteExpiredSessions that databases have, in words of this project's own, and sessions for them to delete.

https://support.microsoft.com/topic/kb973849 tells of the second, which is before the third: at first one DELETE, then a
list of ids worked off row by row, without and later with a test of Expires where a row is deleted.
"""

from __future__ import annotations

from aspstate.server import Server

ONE_DELETE = """
CREATE PROCEDURE dbo.DeleteExpiredSessions
AS
    DECLARE @now datetime
    SET @now = GETUTCDATE()
    DELETE dbo.ASPStateTempSessions
    WHERE Expires < @now
    RETURN 0
"""

ROW_BY_ROW = """
CREATE PROCEDURE dbo.DeleteExpiredSessions
AS
    SET NOCOUNT ON
    SET DEADLOCK_PRIORITY LOW
    DECLARE @now datetime
    SET @now = GETUTCDATE()
    CREATE TABLE #tblExpiredSessions (SessionId nvarchar(88) NOT NULL PRIMARY KEY)
    INSERT #tblExpiredSessions (SessionId)
    SELECT SessionId FROM dbo.ASPStateTempSessions WITH (READUNCOMMITTED) WHERE Expires < @now
    IF @@ROWCOUNT > 0
    BEGIN
        DECLARE @id nvarchar(88)
        DECLARE each_gone CURSOR LOCAL FORWARD_ONLY READ_ONLY FOR SELECT SessionId FROM #tblExpiredSessions
        OPEN each_gone
        FETCH NEXT FROM each_gone INTO @id
        WHILE @@FETCH_STATUS = 0
        BEGIN
            DELETE FROM dbo.ASPStateTempSessions WHERE SessionId = @id
            FETCH NEXT FROM each_gone INTO @id
        END
        CLOSE each_gone
        DEALLOCATE each_gone
    END
    DROP TABLE #tblExpiredSessions
    RETURN 0
"""

ROW_BY_ROW_TESTED = ROW_BY_ROW.replace("WHERE SessionId = @id", "WHERE SessionId = @id AND Expires < @now")

_FILL = """
SET NOCOUNT ON
DECLARE @left int = @rows - 1
DECLARE @more int
INSERT dbo.ASPStateTempSessions (SessionId, Expires, LockDate, LockDateLocal, LockCookie, Timeout, Locked)
VALUES (@prefix, DATEADD(second, @expires, GETUTCDATE()), GETUTCDATE(), GETDATE(), 1, 20, 0)
WHILE @left > 0
BEGIN
    INSERT dbo.ASPStateTempSessions (SessionId, Expires, LockDate, LockDateLocal, LockCookie, Timeout, Locked)
    SELECT TOP (CASE WHEN @left > 4000 THEN 4000 ELSE @left END) SessionId + N'-' + CONVERT(nvarchar(12), @left),
        Expires, LockDate, LockDateLocal, LockCookie, Timeout, Locked
    FROM dbo.ASPStateTempSessions
    WHERE SessionId LIKE @prefix + N'%'
    SET @more = @@ROWCOUNT
    SET @left = @left - @more
END
"""
_DECLARE = "@rows int, @prefix nvarchar(40), @expires int"


def fill(server: Server, database: str, rows: int, *, expires: int = -60, prefix: str = "expired") -> None:
    """So many sessions that expire in so many seconds. One statement a row would be slow: a doubling SELECT."""
    values = {"rows": rows, "prefix": prefix, "expires": expires}
    server.run_in(database, _FILL, _DECLARE, values)
