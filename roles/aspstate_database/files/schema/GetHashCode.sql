-- The id of an application: h = h * 33 XOR byte, from 5381, in 32 bits, signed. The caller lower-cases the name.
-- It has to be this hash: every session's key ends with it, on web servers and in databases that exist already.
CREATE PROCEDURE dbo.GetHashCode
    @input tAppName,
    @hash int OUTPUT
AS
BEGIN
    SET NOCOUNT ON

    DECLARE @h bigint = 5381
    DECLARE @bytes varbinary(280) = CONVERT(varbinary(280), @input)
    DECLARE @position int = 1
    DECLARE @length int = DATALENGTH(@bytes)
    DECLARE @mask bigint = CONVERT(bigint, 0x00000000FFFFFFFF)

    WHILE @position <= @length
    BEGIN
        SET @h = ((@h * 33) ^ CONVERT(int, SUBSTRING(@bytes, @position, 1))) & @mask
        SET @position = @position + 1
    END

    -- the low four bytes are the 32-bit number, its sign included
    SET @hash = CONVERT(int, CONVERT(binary(4), @h))
    RETURN 0
END
