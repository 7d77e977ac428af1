"""Messages out of shape: whatever they are, the server says `ProtocolError` or tells the client, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.server.errors import SqlError
from lab.server.wire import login, prelogin, requests
from lab.server.wire.packets import ProtocolError
from lab.tests.raw_client import NO_HEADERS, login7, text

LOGIN7 = login7()
CALL = NO_HEADERS + text("p") + b"\0\0" + b"\0\0\x26\4\4" + bytes(4) + b"\0\0\xa5\xff\xff" + bytes(12)


def survives(parse: Callable[[bytes], object], message: bytes) -> None:
    """Fails with what `parse` must not raise."""
    try:
        parse(message)
    except (ProtocolError, SqlError):
        return


@pytest.mark.parametrize(
    "parse",
    [
        prelogin.requires_encryption,
        login.parse,
        lambda message: requests.parse_batch(message, wide=True),
        lambda message: requests.parse_call(message, wide=True),
    ],
    ids=["prelogin", "login", "batch", "call"],
)
@given(message=st.binary(max_size=300))
def test_any_bytes(parse: Callable[[bytes], object], message: bytes) -> None:
    survives(parse, message)


@given(st.integers(0, len(LOGIN7) - 1), st.integers(0, 255))
def test_login_with_one_byte_changed(place: int, byte: int) -> None:
    survives(login.parse, LOGIN7[:place] + bytes([byte]) + LOGIN7[place + 1 :])


@given(st.integers(0, len(CALL) - 1), st.integers(0, 255))
def test_call_with_one_byte_changed(place: int, byte: int) -> None:
    survives(lambda message: requests.parse_call(message, wide=True), CALL[:place] + bytes([byte]) + CALL[place + 1 :])


def test_the_messages_that_are_changed_are_good_ones() -> None:
    assert login.parse(LOGIN7).request.user == "sa"
    call = requests.parse_call(CALL, wide=True)
    assert [parameter.value for parameter in call.parameters] == [0, b""]
