-- Takes a session's lock where it is free and reads the session; where it is not, tells whose lock it is.
-- @locked is what it was before. For ASP.NET 1.0.
-- One UPDATE, so that of two requests one sees the other's result. Where there is no such session, OUTPUTs stay NULL.
CREATE PROCEDURE dbo.TempGetStateItemExclusive
    @id tSessionId,
    @itemShort tSessionItemShort OUTPUT,
    @locked bit OUTPUT,
    @lockDate datetime OUTPUT,
    @lockCookie int OUTPUT
AS
BEGIN
    SET NOCOUNT ON

    DECLARE @now datetime = GETUTCDATE()
    DECLARE @nowLocal datetime = GETDATE()
    DECLARE @itemLong varbinary(max)

    UPDATE dbo.ASPStateTempSessions
    SET Expires = DATEADD(minute, Timeout, @now),
        @lockDate = LockDateLocal = CASE Locked WHEN 0 THEN @nowLocal ELSE LockDateLocal END,
        LockDate = CASE Locked WHEN 0 THEN @now ELSE LockDate END,
        @lockCookie = LockCookie = CASE Locked WHEN 0 THEN LockCookie + 1 ELSE LockCookie END,
        @itemShort = CASE Locked WHEN 0 THEN SessionItemShort END,
        @itemLong = CASE Locked WHEN 0 THEN CONVERT(varbinary(max), SessionItemLong) END,
        @locked = Locked,
        Locked = 1
    WHERE SessionId = @id

    -- the long item goes out as a row, and there is no row without one: System.Web fails on NULL
    IF @itemLong IS NOT NULL
        SELECT @itemLong AS SessionItemLong

    RETURN 0
END
