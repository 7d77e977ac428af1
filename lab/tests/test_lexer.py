"""Tokens: quoting, comments, lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.server.errors import UNSUPPORTED, SqlError
from lab.server.sql.lexer import Kind, tokens

TOKENS = [
    ("abc", Kind.WORD, "abc"),
    ("_a@#$1", Kind.WORD, "_a@#$1"),
    ("#t", Kind.WORD, "#t"),
    ("##t", Kind.WORD, "##t"),
    ("[a b]]c]", Kind.BRACKETED, "a b]c"),
    ('"a ""b"""', Kind.DOUBLE_QUOTED, 'a "b"'),
    ("'it''s'", Kind.STRING, "it's"),
    ("''", Kind.STRING, ""),
    ("N'it''s'", Kind.NATIONAL_STRING, "it's"),
    ("n'x'", Kind.NATIONAL_STRING, "x"),
    ("0x", Kind.HEXADECIMAL, "0x"),
    ("0xAf", Kind.HEXADECIMAL, "0xAf"),
    ("12", Kind.INTEGER, "12"),
    ("1.5", Kind.DECIMAL, "1.5"),
    (".5", Kind.DECIMAL, ".5"),
    ("1e5", Kind.DECIMAL, "1e5"),
    ("@v", Kind.VARIABLE, "@v"),
    ("@@ROWCOUNT", Kind.VARIABLE, "@@ROWCOUNT"),
    ("<>", Kind.OPERATOR, "<>"),
    ("+=", Kind.OPERATOR, "+="),
]


@pytest.mark.parametrize(("text", "kind", "value"), TOKENS, ids=[text for text, _, _ in TOKENS])
def test_each_kind_of_token_is_read_whole_and_without_its_quotes(text: str, kind: Kind, value: str) -> None:
    token, end = tokens(text)
    assert (token.kind, token.value, token.text, end.kind) == (kind, value, text, Kind.END)


def test_comments_nest_and_line_comments_end_with_their_line() -> None:
    found = tokens("a /* b /* c */ ' d */ e -- f ' /*\ng")
    assert [(token.value, token.line) for token in found[:-1]] == [("a", 1), ("e", 1), ("g", 2)]


def test_a_line_inside_a_string_or_comment_counts() -> None:
    found = tokens("'a\nb' /*\r\n*/ c")
    assert [token.line for token in found] == [1, 3, 3]


@pytest.mark.parametrize(
    ("text", "number", "line", "words"),
    [
        ("SELECT\n'abc", 105, 2, "after the character string 'abc'"),
        ("SELECT N'abc''", 105, 1, "Unclosed quotation mark"),
        ("SELECT [abc", 105, 1, "Unclosed quotation mark"),
        ('SELECT "abc', 105, 1, "Unclosed quotation mark"),
        ("SELECT 1\n/* a /* b */", 113, 2, "'*/'"),
        ("SELECT ?", 102, 1, "near '?'"),
        ("SELECT {fn NOW()}", UNSUPPORTED, 1, "'{fn'"),
        ("SELECT $rowguid", UNSUPPORTED, 1, "'$rowguid'"),
        (f"SELECT {'x' * 129}", 103, 1, "Maximum length is 128"),
    ],
)
def test_text_that_is_no_token_is_refused_with_its_line(text: str, number: int, line: int, words: str) -> None:
    with pytest.raises(SqlError) as caught:
        tokens(text)
    assert (caught.value.number, caught.value.line) == (number, line)
    assert words in caught.value.text


SPACE = st.sampled_from([" ", "\n", "\t", "\r\n", " -- x\n", "/* y\n */", "\n\n"])


@given(st.lists(st.tuples(st.sampled_from([text for text, _, _ in TOKENS]), SPACE)))
def test_tokens_come_back_in_order_at_the_places_where_they_were_written(parts: list[tuple[str, str]]) -> None:
    text = "".join(token + space for token, space in parts)
    found = tokens(text)[:-1]
    assert [token.text for token in found] == [token for token, _ in parts]
    for token in found:
        assert text.startswith(token.text, token.start)
        assert token.line == text.count("\n", 0, token.start) + 1


@given(st.text())
def test_any_text_at_all_is_tokens_or_an_sql_error(text: str) -> None:
    try:
        found = tokens(text)
    except SqlError as error:
        assert error.number in (102, 103, 105, 113, UNSUPPORTED)
    else:
        assert found[-1].kind is Kind.END


@given(st.text())
def test_a_quoted_text_is_read_back_as_it_was(text: str) -> None:
    quoted = text.replace("'", "''")
    assert tokens(f"N'{quoted}'")[0].value == text
