-- Stores a session that was and is at most 7,000 bytes. Gives the lock back;
-- with another's @lockCookie nothing happens.
CREATE PROCEDURE dbo.TempUpdateStateItemShort
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
        Timeout = @timeout,
        Locked = 0
    WHERE SessionId = @id AND LockCookie = @lockCookie

    RETURN 0
END
