"""Accepts clients, a thread for each, and lets go of them at the end."""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading

from lab.server.connection import serve
from lab.server.interface import Engine
from lab.server.watch import Watch

STOP_SECONDS = 5
"""How long a client's running request may take to notice that the server ends."""


log = logging.getLogger(__name__)


class AddressError(ValueError):
    """An address that the server does not listen on, in words for the user."""


def parse_address(text: str) -> tuple[str, int]:
    """`HOST:PORT` to both; HOST is localhost or a loopback address, port 0 means any that is free.

    Raises AddressError. Nothing but loopback is accepted: logins and data cross the wire in the clear.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise AddressError(f"{text!r} is not an address of the form HOST:PORT")
    host = "127.0.0.1" if host == "localhost" else host.removeprefix("[").removesuffix("]")
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        raise AddressError(f"{host!r} is neither localhost nor an IP address") from None
    if not loopback:
        raise AddressError(f"{host} is not a loopback address, and the lab server listens on no other")
    return host, int(port)


class Listener:
    """The listening socket and the connections that came from it."""

    def __init__(self, host: str, port: int, engine: Engine) -> None:
        """Listens at once. Raises OSError if the address cannot be had."""
        self._engine = engine
        self._watch = Watch()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._clients: dict[threading.Thread, socket.socket] = {}
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=128)
        self._thread = threading.Thread(target=self._accept, name="listener", daemon=True)

    @property
    def address(self) -> str:
        """`HOST:PORT` as it really is."""
        host, port = self._socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def start(self) -> None:
        """Accept clients, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Refuse new clients, hang up on the others and wait until their sessions are closed."""
        self._stopping.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        with self._lock:
            clients = dict(self._clients)
        for sock in clients.values():
            _hang_up(sock)
        for thread in clients:
            thread.join(STOP_SECONDS)
        self._watch.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError as error:
                if self._stopping.is_set():
                    return
                log.error("cannot accept a client: %s", error)
                self._stopping.wait(1)
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            with self._lock:
                self._clients[thread] = sock
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            serve(sock, self._engine, self._watch)
        finally:
            with self._lock:
                del self._clients[threading.current_thread()]


def _hang_up(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
