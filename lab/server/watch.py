"""Notices that a client wants an end, or has gone, while its request runs."""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lab.server.wire.packets import PacketType


class Watch:
    """One thread for all connections; the thread of a connection itself is busy with the request."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._lock = threading.Lock()
        self._watched: dict[int, tuple[socket.socket, Callable[[], None]]] = {}
        self._end = os.eventfd(0)
        self._epoll.register(self._end, select.EPOLLIN)
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread. No connection may be watched any more."""
        os.eventfd_write(self._end, 1)
        self._thread.join()
        self._epoll.close()
        os.close(self._end)

    @contextmanager
    def watching(self, sock: socket.socket, cancel: Callable[[], None]) -> Iterator[None]:
        """Within the block, `cancel` is called (once, from another thread) if an attention or the stream's end comes.

        After the block it is not called any more, so that it never hits the next request.
        """
        number = sock.fileno()
        with self._lock:
            self._watched[number] = (sock, cancel)
            self._epoll.register(number, select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLONESHOT)
        try:
            yield
        finally:
            with self._lock:
                del self._watched[number]
                self._epoll.unregister(number)

    def _run(self) -> None:
        while True:
            for number, _ in self._epoll.poll():
                if number == self._end:
                    return
                with self._lock:
                    sock, cancel = self._watched.get(number, (None, None))
                    if sock and _wants_end(sock):
                        cancel()


def _wants_end(sock: socket.socket) -> bool:
    try:
        first = sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return first in (b"", bytes([PacketType.ATTENTION]))
