-- Session.Abandon(): removes a session, where @lockCookie is the one of its lock.
CREATE PROCEDURE dbo.TempRemoveStateItem
    @id tSessionId,
    @lockCookie int
AS
BEGIN
    SET NOCOUNT ON

    DELETE dbo.ASPStateTempSessions
    WHERE SessionId = @id AND LockCookie = @lockCookie

    RETURN 0
END
