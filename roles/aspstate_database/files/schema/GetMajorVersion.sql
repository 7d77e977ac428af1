-- System.Web asks this once per application: from 8 on it sends @lockAge, below it would send @lockDate.
CREATE PROCEDURE dbo.GetMajorVersion
    @@ver int OUTPUT
AS
BEGIN
    SET NOCOUNT ON

    SET @@ver = CONVERT(int, PARSENAME(CONVERT(varchar(128), SERVERPROPERTY('ProductVersion')), 4))
    RETURN 0
END
