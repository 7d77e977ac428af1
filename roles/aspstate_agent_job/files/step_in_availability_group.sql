-- Runs in master on every replica, and works on the primary one alone: a secondary may not be entered or written.
DECLARE @role tinyint = (
    SELECT s.role
    FROM sys.databases AS d
    JOIN sys.dm_hadr_availability_replica_states AS s ON s.replica_id = d.replica_id
    WHERE d.name = N'$(database)' AND s.is_local = 1
)

-- NULL where the database has left its group
IF ISNULL(@role, 1) = 1
    EXECUTE [$(database)].dbo.DeleteExpiredSessions
