-- Deletes the sessions that had expired when it was called, in transactions of at most @batchSize rows, so that
-- no request waits long. Of two runs at once, one ends early. A row that is locked is left to the next run.
CREATE PROCEDURE dbo.DeleteExpiredSessions
    @batchSize int = 1000,
    @deleted int = NULL OUTPUT
AS
BEGIN
    SET NOCOUNT ON
    SET XACT_ABORT ON
    SET DEADLOCK_PRIORITY LOW
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED

    DECLARE @now datetime = GETUTCDATE()
    DECLARE @rows int = 1
    DECLARE @lock int

    SET @deleted = 0

    WHILE @rows > 0
    BEGIN
        BEGIN TRANSACTION

        -- the transaction owns the lock, so that it cannot outlive a run that was cut off
        EXEC @lock = sys.sp_getapplock
            @Resource = N'ASPState.DeleteExpiredSessions',
            @LockMode = 'Exclusive',
            @LockOwner = 'Transaction',
            @LockTimeout = 0

        IF @lock < 0
        BEGIN
            COMMIT TRANSACTION
            RETURN 0
        END

        -- tests Expires where it deletes: a session renewed a moment ago stays;
        -- READPAST needs READCOMMITTEDLOCK where the database has READ_COMMITTED_SNAPSHOT on
        DELETE TOP (@batchSize) FROM dbo.ASPStateTempSessions WITH (ROWLOCK, READPAST, READCOMMITTEDLOCK)
        WHERE Expires < @now

        SET @rows = @@ROWCOUNT

        COMMIT TRANSACTION

        SET @deleted = @deleted + @rows
    END

    RETURN 0
END
