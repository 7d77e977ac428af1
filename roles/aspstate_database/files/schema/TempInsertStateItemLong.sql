-- A new session of more than 7,000 bytes. A second one with the same id is error 2627, which System.Web expects.
CREATE PROCEDURE dbo.TempInsertStateItemLong
    @id tSessionId,
    @itemLong tSessionItemLong,
    @timeout int
AS
BEGIN
    SET NOCOUNT ON

    DECLARE @now datetime = GETUTCDATE()

    INSERT dbo.ASPStateTempSessions
        (SessionId, SessionItemLong, Timeout, Expires, Locked, LockDate, LockDateLocal, LockCookie)
    VALUES
        (@id, @itemLong, @timeout, DATEADD(minute, @timeout, @now), 0, @now, GETDATE(), 1)

    RETURN 0
END
