CREATE PROCEDURE dbo.DeleteExpiredSessions
AS
    DECLARE @utc datetime
    SET @utc = GETUTCDATE()

    DELETE [tempdb].dbo.ASPStateTempSessions
    WHERE Expires < @utc

    RETURN 0
