-- In master, and run whenever SQL Server has started: tempdb is new then, and session state needs its tables there.
CREATE PROCEDURE dbo.ASPState_Startup
AS
BEGIN
    SET NOCOUNT ON

    EXEC ASPState.dbo.CreateTempTables

    RETURN 0
END
