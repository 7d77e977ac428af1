-- Stores a session that has shrunk to at most 7,000 bytes. Gives the lock back;
-- with another's @lockCookie nothing happens.
CREATE PROCEDURE dbo.TempUpdateStateItemShortNullLong
    @id tSessionId,
    @itemShort tSessionItemShort,
    @timeout int,
    @lockCookie int
AS
BEGIN
    SET NOCOUNT ON

    UPDATE dbo.ASPStateTempSessions
    SET Expires = DATEADD(minute, @timeout, GETUTCDATE()),
        SessionItemShort = @itemShort,
        SessionItemLong = NULL,
        Timeout = @timeout,
        Locked = 0
    WHERE SessionId = @id AND LockCookie = @lockCookie

    RETURN 0
END
