-- System.Web only looks whether this procedure is visible to its login; "2" is the version of the protocol.
CREATE PROCEDURE dbo.TempGetVersion
    @ver char(10) OUTPUT
AS
BEGIN
    SET NOCOUNT ON

    SET @ver = '2'
    RETURN 0
END
