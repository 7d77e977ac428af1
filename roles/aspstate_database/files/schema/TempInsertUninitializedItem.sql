-- A session whose id came with a request, but which nobody has filled yet.
CREATE PROCEDURE dbo.TempInsertUninitializedItem
    @id tSessionId,
    @itemShort tSessionItemShort,
    @timeout int
AS
BEGIN
    SET NOCOUNT ON

    DECLARE @now datetime = GETUTCDATE()

    INSERT dbo.ASPStateTempSessions
        (SessionId, SessionItemShort, Timeout, Expires, Locked, LockDate, LockDateLocal, LockCookie, Flags)
    VALUES
        (@id, @itemShort, @timeout, DATEADD(minute, @timeout, @now), 0, @now, GETDATE(), 1, 1)

    RETURN 0
END
