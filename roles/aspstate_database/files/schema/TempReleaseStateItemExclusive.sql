-- Gives a session's lock back, where @lockCookie is still the one of the lock.
CREATE PROCEDURE dbo.TempReleaseStateItemExclusive
    @id tSessionId,
    @lockCookie int
AS
BEGIN
    SET NOCOUNT ON

    UPDATE dbo.ASPStateTempSessions
    SET Expires = DATEADD(minute, Timeout, GETUTCDATE()),
        Locked = 0
    WHERE SessionId = @id AND LockCookie = @lockCookie

    RETURN 0
END
