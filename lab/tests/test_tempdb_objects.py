"""Tables of tempdb that the procedures of another database make and use, as session state in tempdb does."""

from __future__ import annotations

import pytest

from lab.tests.recorder import call, log_in, ok, open_engine, run

CREATE = """CREATE PROCEDURE dbo.CreateTempTables AS
CREATE TABLE [tempdb].dbo.T (
    Id nvarchar(88) NOT NULL,
    Created datetime NOT NULL CONSTRAINT DF_T_Created DEFAULT GETUTCDATE(),
    Expires datetime NOT NULL,
    Locked bit NOT NULL CONSTRAINT DF_T_Locked DEFAULT 0,
    Flags int NOT NULL CONSTRAINT [DF_T_Flags] DEFAULT ((0)),
    Item varbinary(7000) NULL,
    CONSTRAINT PK_T PRIMARY KEY CLUSTERED (Id),
)
CREATE NONCLUSTERED INDEX Index_Expires ON [tempdb].dbo.T (Expires)
RETURN 0"""

PROCEDURES = {
    "dbo.Ensure": "AS IF OBJECT_ID(N'tempdb.dbo.T', 'U') IS NULL EXEC dbo.CreateTempTables",
    "dbo.Put": """@id nvarchar(88), @item varbinary(7000) AS
INSERT [tempdb].dbo.T (Id, Item, Expires) VALUES (@id, @item, DATEADD(n, -1, GETUTCDATE()))""",
    "dbo.Get": """@id nvarchar(88), @item varbinary(7000) OUTPUT, @locked bit OUTPUT AS
UPDATE tempdb.dbo.T WITH (ROWLOCK, XLOCK) SET Locked = 1, @locked = Locked, @item = CASE Locked WHEN 0 THEN Item END
WHERE Id = @id
RETURN @@ROWCOUNT""",
    "dbo.Expire": """AS
WHILE 1 = 1 BEGIN
    DELETE TOP (2) FROM tempdb.dbo.T WITH (READPAST, ROWLOCK) WHERE Expires < GETUTCDATE()
    IF @@ROWCOUNT = 0 BREAK
END""",
    "dbo.Remove": "AS DROP TABLE [tempdb].dbo.T",
}


@pytest.fixture
def session(tmp_path):
    session = log_in(open_engine(tmp_path))
    ok(session, "CREATE DATABASE ASPState", "USE ASPState", CREATE)
    ok(session, *(f"CREATE PROCEDURE {name} {body}" for name, body in PROCEDURES.items()))
    ok(session, "USE master", "EXEC ASPState.dbo.CreateTempTables")
    return session


def test_tables_keys_and_indexes_are_in_tempdb(session):
    assert ok(session, "SELECT name FROM tempdb.sys.tables").rows == [("T",)]
    indexes = "SELECT name, type_desc, is_primary_key FROM [tempdb].sys.indexes ORDER BY index_id"
    assert ok(session, indexes).rows == [("PK_T", "CLUSTERED", 1), ("Index_Expires", "NONCLUSTERED", 0)]
    defaults = "SELECT name FROM tempdb.sys.default_constraints ORDER BY name"
    assert ok(session, defaults).rows == [("DF_T_Created",), ("DF_T_Flags",), ("DF_T_Locked",)]
    assert ok(session, "SELECT COUNT(*) FROM ASPState.sys.tables").value == 0
    assert run(session, "EXEC ASPState.dbo.CreateTempTables").numbers == [2714, 1913]
    ok(session, "EXEC ASPState.dbo.Ensure")


def test_rows_come_and_go_through_the_procedures(session):
    ok(session, "EXEC ASPState.dbo.Put N'a', 0x01", "USE ASPState", "EXEC dbo.Put 'b', 0x02 EXEC dbo.Put 'c', 0x03")
    get = "DECLARE @i varbinary(7000), @l bit, @rc int EXEC @rc = Get N'b', @i OUTPUT, @l OUTPUT SELECT @rc, @i, @l"
    assert ok(session, get).rows == [(1, b"\x02", False)]
    assert ok(session, get).rows == [(1, None, True)]
    assert ok(session, "SELECT Flags, Locked FROM tempdb.dbo.T WITH (NOLOCK) WHERE Id = 'b'").rows == [(0, True)]
    assert call(session, "dbo.Expire").status == 0
    assert ok(session, "SELECT COUNT(*) FROM tempdb.dbo.T").value == 0
    ok(session, "EXEC Remove")
    assert ok(session, "SELECT OBJECT_ID(N'tempdb.dbo.T', 'U')").value is None
    assert run(session, "EXEC Put 'a', 0x01").numbers == [208]
    ok(session, "EXEC Ensure", "EXEC Put 'a', 0x01")


def test_procedures_of_master_are_made_altered_and_dropped_from_anywhere(session):
    ok(session, "USE ASPState")
    for definition in (
        "CREATE PROCEDURE dbo.S AS SELECT 1",
        "ALTER PROCEDURE dbo.S AS EXEC ASPState.dbo.CreateTempTables",
    ):
        ok(session, f"DECLARE @t nvarchar(4000) = N'{definition}' EXEC [master].sys.sp_executesql @t")
    ok(session, "EXEC Remove", "EXEC master.dbo.S")
    assert ok(session, "SELECT name FROM master.sys.procedures").rows == [("S",)]
    ok(session, "EXEC [master].sys.sp_executesql N'DROP PROCEDURE dbo.S'")
    assert run(session, "EXEC master.dbo.S").numbers == [2812]
