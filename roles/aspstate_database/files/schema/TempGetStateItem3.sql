-- Reads a session without locking it; of a locked one only the lock. For ASP.NET 2.0 and later.
-- One UPDATE, so that of two requests one sees the other's result. Where there is no such session, OUTPUTs stay NULL.
CREATE PROCEDURE dbo.TempGetStateItem3
    @id tSessionId,
    @itemShort tSessionItemShort OUTPUT,
    @locked bit OUTPUT,
    @lockAge int OUTPUT,
    @lockCookie int OUTPUT,
    @actionFlags int OUTPUT
AS
BEGIN
    SET NOCOUNT ON

    DECLARE @now datetime = GETUTCDATE()
    DECLARE @itemLong varbinary(max)

    UPDATE dbo.ASPStateTempSessions
    SET Expires = DATEADD(minute, Timeout, @now),
        @lockAge = DATEDIFF(second, LockDate, @now),
        @lockCookie = LockCookie,
        @itemShort = CASE Locked WHEN 0 THEN SessionItemShort END,
        @itemLong = CASE Locked WHEN 0 THEN CONVERT(varbinary(max), SessionItemLong) END,
        @actionFlags = Flags & 1,
        Flags = Flags & ~1,
        @locked = Locked
    WHERE SessionId = @id

    -- the long item goes out as a row, and there is no row without one: System.Web fails on NULL
    IF @itemLong IS NOT NULL
        SELECT @itemLong AS SessionItemLong

    RETURN 0
END
