-- A request that did not need its session keeps it alive.
CREATE PROCEDURE dbo.TempResetTimeout
    @id tSessionId
AS
BEGIN
    SET NOCOUNT ON

    UPDATE dbo.ASPStateTempSessions
    SET Expires = DATEADD(minute, Timeout, GETUTCDATE())
    WHERE SessionId = @id

    RETURN 0
END
