"""Scripts are split at GO as SQL Server's own clients split them."""

from __future__ import annotations

import codecs

import pytest
from aspstate.batches import Batch, decode, split
from aspstate.errors import Refused
from hypothesis import given
from hypothesis import strategies as st

# each row: what it is about, the script, (text, line, count) of its batches
SCRIPTS = [
    ("one batch without GO", "SELECT 1", [("SELECT 1", 1, 1)]),
    ("nothing", "", []),
    ("only comments and blanks", "-- a\n/* b */\n\nGO\n", []),
    ("two batches", "SELECT 1\nGO\nSELECT 2\nGO\n", [("SELECT 1", 1, 1), ("SELECT 2", 3, 1)]),
    ("any case, blanks around", "a\n \t gO \t\nb", [("a", 1, 1), ("b", 3, 1)]),
    ("a count", "a\nGO 5\nb", [("a", 1, 5), ("b", 3, 1)]),
    ("a count of nothing", "a\nGO 0\nb", [("b", 3, 1)]),
    ("a line comment after it", "a\nGO -- done\nb", [("a", 1, 1), ("b", 3, 1)]),
    ("a count and a comment", "a\nGO 2--done\nb", [("a", 1, 2), ("b", 3, 1)]),
    ("a block comment after it", "a\nGO /* x */ -- y\nb", [("a", 1, 1), ("b", 3, 1)]),
    ("line ends of Windows", "a\r\nGO\r\n\r\nb\r\n", [("a", 1, 1), ("b", 4, 1)]),
    ("line ends of old Macs", "a\rGO\rb", [("a", 1, 1), ("b", 3, 1)]),
    ("within a string", "SELECT 'a\nGO\nb'", [("SELECT 'a\nGO\nb'", 1, 1)]),
    ("a doubled quote keeps the string open", "SELECT 'a''\nGO\n'", [("SELECT 'a''\nGO\n'", 1, 1)]),
    ("within brackets", "SELECT [a\nGO\n]", [("SELECT [a\nGO\n]", 1, 1)]),
    ("a doubled bracket keeps the name open", "SELECT [a]]\nGO\n]", [("SELECT [a]]\nGO\n]", 1, 1)]),
    ("within a quoted name", 'SELECT "a\nGO\n"', [('SELECT "a\nGO\n"', 1, 1)]),
    ("within a comment", "/*\nGO\n*/ a", [("/*\nGO\n*/ a", 1, 1)]),
    ("within nested comments", "/* /* */\nGO\n*/ a", [("/* /* */\nGO\n*/ a", 1, 1)]),
    ("after a string that spans lines", "SELECT 'x\ny'\nGO\nb", [("SELECT 'x\ny'", 1, 1), ("b", 4, 1)]),
    ("a quote in a line comment opens nothing", "-- it's\nGO\nb", [("b", 3, 1)]),
    ("not alone on its line", "SELECT GO\nGOTO x\nGO_ON", [("SELECT GO\nGOTO x\nGO_ON", 1, 1)]),
    ("the last line, without a line end", "a\nGO", [("a", 1, 1)]),
    ("the line of a batch is that of its first text", "\n\n  a\nGO\n\n-- c\nb", [("a", 3, 1), ("-- c\nb", 6, 1)]),
]


@pytest.mark.parametrize(("script", "batches"), [row[1:] for row in SCRIPTS], ids=[row[0] for row in SCRIPTS])
def test_go_separates(script: str, batches: list[tuple[str, int, int]]) -> None:
    assert split(script) == [Batch(*batch) for batch in batches]


# each row: what is wrong, the script, what the message must say
REFUSED = [
    ("a semicolon after GO", "a\nGO;\n", "line 2: 'GO;' is no separator"),
    ("a semicolon after a count", "a\nb\nGO 3 ;", "line 3: 'GO 3 ;' is no separator"),
    ("a negative count", "a\nGO -1", "line 2: 'GO -1' is no separator"),
    ("a count in other digits", "a\nGO ٣", "line 2: 'GO ٣' is no separator"),
    ("a statement after GO", "a\nGO SELECT 1", "line 2: 'GO SELECT 1' is no separator"),
    ("an open string", "a\n'b\nGO\n", "line 2: the string that begins here does not end"),
    ("an open bracket", "[b", "line 1: the name that begins here does not end"),
    ("an open quoted name", 'a "b', "line 1: the name that begins here does not end"),
    ("an open comment", "a\n\n/* /* */", "line 3: the comment that begins here does not end"),
]


@pytest.mark.parametrize(("script", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_cannot_be_split_is_refused_with_its_line(script: str, message: str) -> None:
    with pytest.raises(Refused, match=message):
        split(script)


_STATEMENT = st.sampled_from(["SELECT 'GO'", "PRINT 1 -- GO", "/* GO\nGO */ SELECT [x\nGO\n]", 'EXEC "a\nGO"'])


@given(st.lists(st.tuples(_STATEMENT, st.integers(1, 9)), min_size=1), st.sampled_from(["\n", "\r\n"]))
def test_joining_batches_with_go_and_splitting_gives_them_back(parts: list[tuple[str, int]], end: str) -> None:
    script = "".join(f"{text}\nGO {count}\n" for text, count in parts).replace("\n", end)
    batches = split(script)
    assert [(batch.text, batch.count) for batch in batches] == parts
    lines = script.replace("\r\n", "\n").split("\n")
    assert all(lines[batch.line - 1] == batch.text.split("\n")[0] for batch in batches)


TEXT = "PRINT 'Größe 😀'"


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
        codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"),
    ],
    ids=["no mark", "utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"],
)
def test_a_file_is_read_by_its_byte_order_mark(content: bytes) -> None:
    assert decode(content, "x.sql") == TEXT


def test_a_file_without_a_mark_is_read_in_the_named_encoding() -> None:
    assert decode("é".encode("cp1252"), "x.sql", "cp1252") == "é"


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        (b"abc\xff", None, r"x\.sql: the byte at offset 3 is not utf-8; nothing was changed"),
        (b"a\0b\0", None, r"x\.sql: the byte at offset 1 is zero, .* nothing was changed"),
        (b"abc", "latin-99", r"x\.sql: 'latin-99' is no encoding that Python knows; nothing was changed"),
        (b"abc", "undefined", r"x\.sql: 'undefined' is no encoding that Python knows"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_offset(
    content: bytes, encoding: str | None, message: str
) -> None:
    with pytest.raises(Refused, match=message):
        decode(content, "x.sql", encoding)
