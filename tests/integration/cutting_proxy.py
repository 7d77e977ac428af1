"""A TCP proxy on loopback that loses the connection after a number of requests: a real fault, not a mock."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from aspstate.login import Login

_PACKET_HEADER = 8  # TDS: type, status, length (two bytes, big-endian), and four more
_END_OF_MESSAGE = 0x01


class CuttingProxy:
    """Passes `requests` messages of the client on, then closes both sides.

    With `after_answer` the last of them is answered by the server first, so that it has surely been carried out and
    only the answer is lost; without, the server does not get it.
    """

    def __init__(self, target: tuple[str, int], requests: int, after_answer: bool) -> None:
        self._target = target
        self._left = requests
        self._after_answer = after_answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.seen = 0

    def serve_one(self) -> None:
        """Serve the first connection to its end."""
        client, _ = self._listener.accept()
        with client, socket.create_connection(self._target) as server:
            while message := _message(client):
                self.seen += 1
                if self._left == 0 and not self._after_answer:
                    return
                server.sendall(message)
                answer = _message(server)
                if self._left == 0 or not answer:
                    return
                self._left -= 1
                client.sendall(answer)

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()


def _message(side: socket.socket) -> bytes:
    """One TDS message, of as many packets as it has; empty at the end of the stream."""
    message = b""
    while True:
        header = _exactly(side, _PACKET_HEADER)
        if not header:
            return b""
        _, status, length = struct.unpack(">BBH", header[:4])
        message += header + _exactly(side, length - _PACKET_HEADER)
        if status & _END_OF_MESSAGE:
            return message


def _exactly(side: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        try:
            more = side.recv(count - len(data))
        except ConnectionError:
            return b""
        if not more:
            return b""
        data += more
    return data


@contextmanager
def losing(login: Login, requests: int, *, after_answer: bool) -> Iterator[tuple[Login, CuttingProxy]]:
    """A login whose connection is lost at the message after `requests` (login and prelogin are messages too)."""
    proxy = CuttingProxy((login.host, login.port), requests, after_answer)
    thread = threading.Thread(target=proxy.serve_one)
    thread.start()
    try:
        # off: the proxy reads packets, which encryption would hide from it
        yield replace(login, host="127.0.0.1", port=proxy.port, encrypt="off"), proxy
    finally:
        thread.join(30)
        proxy.close()
