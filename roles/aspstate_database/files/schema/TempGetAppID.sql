-- The id of an application by its name (HttpRuntime.AppDomainAppId); the first call with a name records it.
CREATE PROCEDURE dbo.TempGetAppID
    @appName tAppName,
    @appId int OUTPUT
AS
BEGIN
    SET NOCOUNT ON
    SET XACT_ABORT ON

    DECLARE @other varchar(280)

    SET @appName = LOWER(@appName)
    SET @appId = NULL

    SELECT @appId = AppId
    FROM dbo.ASPStateTempApplications
    WHERE AppName = @appName

    IF @appId IS NOT NULL
        RETURN 0

    BEGIN TRANSACTION

    -- asked again with the table locked: two web servers may start the same application at once
    SELECT @appId = AppId
    FROM dbo.ASPStateTempApplications WITH (TABLOCKX, HOLDLOCK)
    WHERE AppName = @appName

    IF @appId IS NULL
    BEGIN
        EXEC dbo.GetHashCode @appName, @appId OUTPUT

        SELECT @other = RTRIM(AppName)
        FROM dbo.ASPStateTempApplications
        WHERE AppId = @appId

        IF @other IS NULL
            INSERT dbo.ASPStateTempApplications (AppId, AppName)
            VALUES (@appId, @appName)
    END

    COMMIT TRANSACTION

    IF @other IS NOT NULL
    BEGIN
        -- no id is better than one that opens another application's sessions
        SET @appId = NULL
        RAISERROR('SQL session state fatal error: hash-code collision between applications ''%s'' and ''%s''. Give the first of them another site id or path.', 18, 1, @appName, @other)
        RETURN 1
    END

    RETURN 0
END
