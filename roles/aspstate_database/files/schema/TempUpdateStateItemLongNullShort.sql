-- Stores a session that has grown to more than 7,000 bytes. Gives the lock back;
-- with another's @lockCookie nothing happens.
CREATE PROCEDURE dbo.TempUpdateStateItemLongNullShort
    @id tSessionId,
    @itemLong tSessionItemLong,
    @timeout int,
    @lockCookie int
AS
BEGIN
    SET NOCOUNT ON

    UPDATE dbo.ASPStateTempSessions
    SET Expires = DATEADD(minute, @timeout, GETUTCDATE()),
        SessionItemLong = @itemLong,
        SessionItemShort = NULL,
        Timeout = @timeout,
        Locked = 0
    WHERE SessionId = @id AND LockCookie = @lockCookie

    RETURN 0
END
