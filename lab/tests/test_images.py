"""image: kept and read as it went, through pointers too; what cannot be done with it is refused."""

from __future__ import annotations

import os

import pytest

from lab.server.errors import UNSUPPORTED
from lab.server.types import IMAGE
from lab.tests.recorder import log_in, ok, open_engine, run

LONG = bytes(range(256)) * 78 + bytes(32)
POINT = "DECLARE @p varbinary(16) UPDATE t SET n = n, @p = TEXTPTR(item) WHERE id = {id} "


@pytest.fixture
def session(tmp_path):
    session = log_in(open_engine(tmp_path))
    ok(
        session,
        "CREATE DATABASE d",
        "USE d",
        "EXEC sp_addtype tItem, 'image'",
        "CREATE TABLE t (id int NOT NULL PRIMARY KEY, item tItem NULL, other image NULL, n int NULL)",
        "CREATE PROCEDURE put @id int, @item tItem AS INSERT t (id, item) VALUES (@id, @item)",
        f"EXEC put 1, 0x{LONG.hex()}",
        "EXEC put 2, NULL INSERT t (id, item) VALUES (3, 0x)",
    )
    return session


def point(session, id_, text):
    """The answer to a text in which @p points to the item of a row."""
    return run(session, POINT.replace("{id}", str(id_)) + text)


def test_an_image_is_read_as_it_was_put_also_after_a_restart(session, tmp_path):
    query = "SELECT item, DATALENGTH(item) FROM t ORDER BY id"
    before = ok(session, query)
    assert before.rows == [(LONG, 20_000), (None, None), (b"", 0)]
    assert before.sets[0][0][0].type == IMAGE
    os.close(session.engine._log._file)
    assert ok(log_in(open_engine(tmp_path), "d"), query).sets == before.sets


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("SELECT CONVERT(varbinary(2), item) FROM t WHERE id = 1", b"\0\1"),
        ("DECLARE @v varbinary(max) SELECT @v = item FROM t WHERE id = 1 SELECT DATALENGTH(@v)", 20_000),
        ("DECLARE @v varbinary(max) = 0x0102 UPDATE t SET item = @v SELECT item FROM t WHERE id = 2", b"\1\2"),
        ("SELECT CASE WHEN item IS NULL THEN 0x05 ELSE item END FROM t WHERE id = 2", b"\5"),
        ("SELECT item FROM t WHERE id = 3 UNION ALL SELECT 0x WHERE 1 = 0", b""),
        ("SELECT COUNT(*) FROM t WHERE item IS NULL", 1),
        ("SET TEXTSIZE 3 SELECT item FROM t WHERE id = 1", b"\0\1\2"),
    ],
)
def test_it_becomes_binary_and_comes_of_it(session, text, value):
    assert ok(session, text).value == value


REFUSED = {
    "SELECT id FROM t WHERE item = 0x01": (402, "image and varbinary are incompatible in the equal to operator"),
    "SELECT id FROM t WHERE item > other": (402, "image and image are incompatible in the greater than operator"),
    "SELECT id FROM t WHERE item IN (NULL)": (402, "image and NULL"),
    "SELECT item + 0x01 FROM t": (402, "add operator"),
    "SELECT id FROM t ORDER BY item": (306, "cannot be compared or sorted"),
    "SELECT item FROM t UNION ALL SELECT 0x ORDER BY item": (306, "cannot be compared or sorted"),
    "SELECT item FROM t GROUP BY item": (306, "cannot be compared or sorted"),
    "SELECT DISTINCT item FROM t": (421, "DISTINCT"),
    "SELECT item FROM t UNION SELECT 0x": (5335, "UNION"),
    "SELECT MAX(item) FROM t": (8117, "image is invalid for max operator"),
    "SELECT COUNT(item) FROM t": (8117, "image is invalid for count operator"),
    "CREATE INDEX i ON t (item)": (1919, "'item'"),
    "CREATE TABLE u (a image PRIMARY KEY)": (1919, "'a'"),
    "DECLARE @v tItem": (2739, "local variables"),
    "CREATE TABLE u (a image(5))": (2716, "image"),
    "UPDATE t SET n = DATALENGTH(TEXTPTR(n))": (8116, "int is invalid for argument 1 of textptr"),
    "UPDATE t SET item = 5": (UNSUPPORTED, "int to image"),
    "UPDATE t SET item = 'x'": (UNSUPPORTED, "varchar to image"),
    "SELECT CONVERT(int, item) FROM t": (UNSUPPORTED, "image to int"),
    "SELECT LEN(item) FROM t": (UNSUPPORTED, "LEN of image"),
    "SELECT SUBSTRING(item, 1, 1) FROM t": (UNSUPPORTED, "SUBSTRING of image"),
    "SELECT TEXTPTR(item) FROM t": (UNSUPPORTED, "TEXTPTR"),
    "UPDATE t SET n = 1 WHERE TEXTPTR(item) = 0x": (UNSUPPORTED, "TEXTPTR"),
    "CREATE PROCEDURE q @a tItem OUTPUT AS SELECT 1": (UNSUPPORTED, "@a"),
    "READTEXT t.id 0x 0 1": (UNSUPPORTED, "READTEXT of int"),
    "READTEXT t.nix 0x 0 1": (207, "'nix'"),
    "READTEXT nix.item 0x 0 1": (208, "'nix'"),
}


@pytest.mark.parametrize(("text", "number", "words"), [(text, *why) for text, why in REFUSED.items()], ids=REFUSED)
def test_what_cannot_be_done_with_it(session, text, number, words):
    answer = run(session, text)
    assert answer.numbers == [number], [str(error) for error in answer.errors]
    assert words in answer.errors[0].text


def test_a_parameter_of_type_image_is_not_assigned(session):
    ok(session, "CREATE PROCEDURE q @a image AS SET @a = 0x01")
    assert run(session, "EXEC q 0x02").numbers == [UNSUPPORTED]


@pytest.mark.parametrize(("place", "part"), [("0 20000", LONG), ("250 10", LONG[250:260]), ("19999 1", b"\0")])
def test_readtext_reads_a_part_by_pointer(session, place, part):
    for name in ("t", "dbo.t", "d..t", "[d].dbo.[T]"):
        answer = point(session, 1, f"READTEXT {name}.item @p {place} PRINT @@ROWCOUNT")
        assert answer.rows == [(part,)]
        assert [(column.name, column.type) for column in answer.sets[0][0]] == [("item", IMAGE)]
        assert answer.printed == ["1"]


def test_readtext_obeys_textsize(session):
    assert point(session, 1, "SET TEXTSIZE 5 READTEXT t.item @p 0 300").rows == [(LONG[:5],)]


@pytest.mark.parametrize(
    ("id_", "text", "number"),
    [
        (2, "READTEXT t.item @p 0 1", 7133),
        (9, "READTEXT t.item @p 0 1", 7133),
        (1, "READTEXT t.item 0x01 0 1", 7123),
        (1, "UPDATE t SET other = 0x01 READTEXT t.other @p 0 1", 7123),
        (1, "DELETE t WHERE id = 1 READTEXT t.item @p 0 1", 7123),
        (1, "UPDATE t SET item = NULL WHERE id = 1 READTEXT t.item @p 0 1", 7123),
        (1, "READTEXT t.item @p 0 20001", 7124),
        (1, "READTEXT t.item @p 20000 1", 7124),
        (1, "READTEXT t.item @p 0 0", UNSUPPORTED),
    ],
)
def test_a_pointer_to_nothing_or_past_the_end_is_an_error(session, id_, text, number):
    assert point(session, id_, text).numbers == [number]


def test_a_pointer_sees_what_the_row_has_now(session):
    changed = "UPDATE t SET item = 0x0708 WHERE id = 1 READTEXT t.item @p 0 2"
    assert point(session, 1, changed).rows == [(b"\7\x08",)]


def test_a_pointer_waits_for_the_change_of_another(session):
    other = log_in(session.engine, "d")
    ok(other, "BEGIN TRAN UPDATE t SET item = NULL WHERE id = 3")
    pointer = ok(session, POINT.replace("{id}", "1") + "SELECT @p").value
    of_third = pointer[:13] + bytes([3]) + pointer[14:]
    read = f"SET LOCK_TIMEOUT 20 READTEXT t.item 0x{of_third.hex()} 0 1"
    assert run(session, read).numbers == [1222]
    ok(other, "ROLLBACK")
    assert run(session, read).numbers == [7124]


def test_readtext_needs_select_and_a_procedure_is_enough_for_it(session):
    ok(
        session,
        "CREATE PROCEDURE get @id int AS " + POINT.replace("{id}", "@id") + "READTEXT t.item @p 0 3",
        "CREATE LOGIN web WITH PASSWORD = 'x', CHECK_POLICY = OFF",
        "CREATE USER web FOR LOGIN web GRANT EXECUTE ON get TO web",
    )
    assert ok(session, "EXECUTE AS LOGIN = 'web' EXEC get 1").rows == [(LONG[:3],)]
    assert run(session, "READTEXT t.item 0x01 0 1").numbers == [229]


def test_it_takes_space_in_the_data_file(session):
    used = "SELECT FILEPROPERTY('d', 'SpaceUsed')"
    before = ok(session, used).value
    ok(session, f"EXEC put 4, 0x{LONG.hex()}")
    assert ok(session, used).value >= before + 2


def test_the_catalog_knows_the_type(session):
    columns = "SELECT name, system_type_id, max_length, is_ansi_padded FROM sys.columns WHERE name IN ('item', 'id')"
    assert ok(session, columns).rows == [("id", 56, 4, 0), ("item", 34, 16, 0)]
    assert ok(session, "SELECT name, max_length FROM sys.types WHERE system_type_id = 34").rows == [
        ("image", 16),
        ("tItem", 16),
    ]
