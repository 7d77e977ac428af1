"""A script's placeholder and variables are filled as text, and nothing of it leaves its place."""

from __future__ import annotations

import pytest
from aspstate.errors import Refused
from aspstate.script_text import PLACEHOLDER, fill, has_placeholder
from hypothesis import given
from hypothesis import strategies as st

# each row: what it is about, the script, what becomes of it for database Shop with $(who) = Ann
FILLED = [
    ("the placeholder in brackets", "USE [DatabaseNamePlaceHolder]", "USE [Shop]"),
    ("the placeholder in a string", "DB_ID(N'DatabaseNamePlaceHolder')", "DB_ID(N'Shop')"),
    ("the placeholder as part of a string", "'DatabaseNamePlaceHolder_Job'", "'Shop_Job'"),
    ("the placeholder as a plain word", "USE DatabaseNamePlaceHolder", "USE Shop"),
    ("a variable in a string", "PRINT 'by $(who)'", "PRINT 'by Ann'"),
    ("a variable in any case", "PRINT '$(WHO)'", "PRINT 'Ann'"),
    ("a variable as a plain word", "EXEC $(who)_proc", "EXEC Ann_proc"),
    ("two on a line", "PRINT '$(who)' + '$(who)'", "PRINT 'Ann' + 'Ann'"),
    (
        "a colon that is no command",
        "PRINT ':r x'\nend_of_it:\nPRINT '\n:r\n'",
        "PRINT ':r x'\nend_of_it:\nPRINT '\n:r\n'",
    ),
    (
        "a comment stays",
        "-- DatabaseNamePlaceHolder $(nobody) it's\nPRINT 1",
        "-- DatabaseNamePlaceHolder $(nobody) it's\nPRINT 1",
    ),
]


@pytest.mark.parametrize(("script", "filled"), [row[1:] for row in FILLED], ids=[row[0] for row in FILLED])
def test_what_stands_for_something_is_replaced_where_it_counts(script: str, filled: str) -> None:
    variables = {"who": "Ann"} if "$(who)" in script.casefold() else {}
    assert fill(script, "x.sql", "Shop", variables) == filled


# each row: what is wrong, the script, the database, the variables, what the message says
REFUSED = [
    ("no value", "PRINT 1\nPRINT '$(Who)'", "Shop", {}, r"x\.sql, line 2: the variable \$\(Who\) has no value"),
    ("nothing asks for it", "PRINT 1", "Shop", {"who": "Ann"}, r"it has no variable \$\(who\)"),
    ("only a comment asks for it", "-- $(who)", "Shop", {"who": "Ann"}, r"it has no variable \$\(who\)"),
    ("a quote in a string", "PRINT '$(who)'", "Shop", {"who": "O'Hara"}, "line 1: .* stands in a string"),
    ("a bracket in brackets", "USE [$(who)]", "Shop", {"who": "a]b"}, "stands in a name in brackets"),
    ("a double quote in double quotes", 'PRINT "$(who)"', "Shop", {"who": 'a"b'}, "stands in double quotes"),
    ("a statement as a plain word", "USE $(who)", "Shop", {"who": "a DROP"}, "stands in plain text"),
    ("a line end", "PRINT '$(who)'", "Shop", {"who": "a\nGO\nb"}, "stands in a string"),
    ("a database's name with a blank", "USE DatabaseNamePlaceHolder", "My Shop", {}, "stands in plain text"),
    ("a command of sqlcmd", "PRINT 1\n  :r other.sql", "Shop", {}, "line 2: ':r other.sql' is a command of sqlcmd"),
    ("a command of the system", "!!dir", "Shop", {}, "line 1: '!!dir' is a command of sqlcmd"),
]


@pytest.mark.parametrize(
    ("script", "database", "variables", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_what_cannot_be_filled_is_refused_with_its_line(
    script: str, database: str, variables: dict[str, str], message: str
) -> None:
    with pytest.raises(Refused, match=message):
        fill(script, "x.sql", database, variables)


def test_a_template_is_told_from_a_script_that_only_mentions_the_placeholder() -> None:
    assert has_placeholder(f"USE [{PLACEHOLDER}]")
    assert not has_placeholder(f"-- replace {PLACEHOLDER}\nUSE [Shop]")


_PIECE = st.sampled_from(
    [
        "PRINT '$(who)'",
        "/* $(none)\n*/",
        "USE [DatabaseNamePlaceHolder]",
        "PRINT 'a\nb'",
        "-- it's $(x)",
        "SELECT $(who)",
    ]
)


@given(st.lists(_PIECE, max_size=12), st.sampled_from(["\n", "\r\n"]), st.text("abc_", min_size=1))
def test_every_line_stays_where_it_was(pieces: list[str], end: str, value: str) -> None:
    script = "\n".join([*pieces, "PRINT '$(who)'"]).replace("\n", end)
    filled = fill(script, "x.sql", value, {"who": value})
    assert filled.count("\n") == script.count("\n")
    for before, after in zip(script.split(end), filled.split("\n"), strict=True):
        assert before == after or "$(who)" in before or PLACEHOLDER in before
