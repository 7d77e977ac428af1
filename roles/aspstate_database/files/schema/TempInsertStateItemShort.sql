-- A new session of at most 7,000 bytes. A second one with the same id is error 2627, which System.Web expects.
CREATE PROCEDURE dbo.TempInsertStateItemShort
    @id tSessionId,
    @itemShort tSessionItemShort,
    @timeout int
AS
BEGIN
    SET NOCOUNT ON

    DECLARE @now datetime = GETUTCDATE()

    INSERT dbo.ASPStateTempSessions
        (SessionId, SessionItemShort, Timeout, Expires, Locked, LockDate, LockDateLocal, LockCookie)
    VALUES
        (@id, @itemShort, @timeout, DATEADD(minute, @timeout, @now), 0, @now, GETDATE(), 1)

    RETURN 0
END
