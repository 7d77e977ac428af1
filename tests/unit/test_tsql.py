"""T-SQL as tokens."""

from __future__ import annotations

from aspstate.tsql import significant, tokens
from hypothesis import given
from hypothesis import strategies as st

_FRAGMENT = st.sampled_from(
    ["'", "''", '"', "[", "]", "]]", "/*", "*/", "--", "\n", " ", "N'x'", "@@ver", "#t", "a_1", "0x0F", ";", "é"]
)


@given(st.lists(_FRAGMENT).map("".join))
def test_tokens_are_the_text_in_order_without_a_gap(text: str) -> None:
    found = list(tokens(text))
    assert "".join(token.text for token in found) == text
    assert all(text.startswith(token.text, token.start) for token in found)


def test_comments_and_white_space_are_not_significant() -> None:
    found = significant("-- a\nSELECT /* b /* c */ d */ N'e--f' , [g h]")
    assert [(token.kind, token.text) for token in found] == [
        ("word", "SELECT"),
        ("string", "N'e--f'"),
        ("symbol", ","),
        ("bracket", "[g h]"),
    ]
