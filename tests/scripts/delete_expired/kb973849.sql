CREATE PROCEDURE dbo.DeleteExpiredSessions
AS
    SET NOCOUNT ON
    SET DEADLOCK_PRIORITY LOW
    DECLARE @utc datetime
    SET @utc = GETUTCDATE()

    CREATE TABLE #tblExpiredSessions (
        SessionId nvarchar(88) NOT NULL PRIMARY KEY
    )

    INSERT #tblExpiredSessions (SessionId)
    SELECT SessionId FROM [tempdb].dbo.ASPStateTempSessions WITH (READUNCOMMITTED)
    WHERE Expires < @utc

    IF @@ROWCOUNT <> 0
    BEGIN
        DECLARE OneByOne CURSOR LOCAL FORWARD_ONLY READ_ONLY
        FOR SELECT SessionId FROM #tblExpiredSessions
        DECLARE @next nvarchar(88)

        OPEN OneByOne
        FETCH NEXT FROM OneByOne INTO @next

        WHILE @@FETCH_STATUS = 0
        BEGIN
            DELETE FROM [tempdb].dbo.ASPStateTempSessions WHERE SessionId = @next
            FETCH NEXT FROM OneByOne INTO @next
        END

        CLOSE OneByOne
        DEALLOCATE OneByOne
    END

    DROP TABLE #tblExpiredSessions

    RETURN 0
