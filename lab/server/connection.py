"""One client, from its first byte to its last."""

from __future__ import annotations

import logging
import socket
from dataclasses import dataclass

from lab.server.errors import SqlError, as_sql_error, unsupported
from lab.server.interface import Engine, Session
from lab.server.product import PROGRAM, SERVER_NAME
from lab.server.watch import Watch
from lab.server.wire import login, prelogin, requests, tokens
from lab.server.wire.answer import Answer
from lab.server.wire.login import Login
from lab.server.wire.packets import (
    DEFAULT_PACKET_SIZE,
    IGNORE,
    RESET,
    RESET_KEEPING_TRANSACTION,
    Message,
    PacketType,
    ProtocolError,
    read_message,
    write_reply,
)
from lab.server.wire.tokens import Done, DoneKind

LOGIN_SECONDS = 15
LOGIN_LIMIT = 128 * 1024
REQUEST_LIMIT = 256 * 1024 * 1024
"""Bytes of the largest message before and after login."""

log = logging.getLogger(__name__)


def serve(sock: socket.socket, engine: Engine, watch: Watch) -> None:
    """Log one client in and answer its requests until it goes. Closes the session and the socket."""
    with sock:
        try:
            sock.settimeout(LOGIN_SECONDS)
            connection = _log_in(sock, engine)
            if connection:
                sock.settimeout(None)
                connection.answer_requests(watch)
        except ProtocolError as error:
            log.warning("connection ended: %s", error)
        except OSError as error:
            log.info("client gone: %s", error)


@dataclass
class Connection:
    """A client that is logged in."""

    sock: socket.socket
    session: Session
    wide: bool
    packet_size: int

    def answer_requests(self, watch: Watch) -> None:
        """Until the client goes, or an error of the class that ends connections. Closes the session."""
        self.session.hang_up = self._hang_up
        try:
            while message := read_message(self.sock, REQUEST_LIMIT):
                if message.type is PacketType.ATTENTION or message.status & IGNORE:
                    self._send(Done(DoneKind.BATCH, attention=True).encode(self.wide, more=False))
                    continue
                self.session.renew()
                answer = Answer(SERVER_NAME, self.wide, call=message.type is PacketType.RPC)
                with watch.watching(self.sock, self.session.cancel):
                    self._run(message, answer)
                self._send(answer.finish())
                if answer.ends_connection:
                    return
        finally:
            self.session.close()

    def _run(self, message: Message, answer: Answer) -> None:
        """Any error but the client's own breach of the protocol becomes part of the answer."""
        try:
            self._dispatch(message, answer)
        except ProtocolError:
            raise
        except Exception as error:  # noqa: BLE001 - the server's own mistakes too end the request, not the connection
            answer.error(as_sql_error(error))

    def _dispatch(self, message: Message, answer: Answer) -> None:
        if message.status & RESET_KEEPING_TRANSACTION:
            raise unsupported("reset of the connection that keeps its transaction")
        if message.status & RESET:
            old = self.session.database
            self.session.reset()
            answer.connection_reset(self.session.database, old)
        if message.type is PacketType.BATCH:
            self.session.batch(requests.parse_batch(message.body, self.wide), answer)
        elif message.type is PacketType.RPC:
            call = requests.parse_call(message.body, self.wide)
            answer.positional = sum(not parameter.name for parameter in call.parameters)
            self.session.rpc(call.procedure, call.parameters, answer)
        elif message.type in (PacketType.BULK_LOAD, PacketType.TRANSACTION_MANAGER):
            raise unsupported(f"{message.type.name.lower().replace('_', ' ')} request")
        else:
            raise ProtocolError(f"a {message.type.name} message after login")

    def _hang_up(self) -> None:
        """End the stream both ways, from any thread; the connection's own thread then closes the socket."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:  # the client was faster
            return

    def _send(self, reply: bytes) -> None:
        write_reply(self.sock, reply, self.session.spid, self.packet_size)


def _log_in(sock: socket.socket, engine: Engine) -> Connection | None:
    """The connection; None if the client went, wants encryption, or was refused (and told so)."""
    message = read_message(sock, LOGIN_LIMIT)
    if message and message.type is PacketType.PRELOGIN:
        refused = prelogin.requires_encryption(message.body)
        write_reply(sock, prelogin.answer(engine.version))
        if refused:
            log.info("client refused: it requires encryption")
            return None
        message = read_message(sock, LOGIN_LIMIT)
    if not message:
        return None
    if message.type is not PacketType.LOGIN:
        raise ProtocolError(f"a {message.type.name} message in place of LOGIN7")
    client = login.parse(message.body)
    try:
        session = _open_session(client, engine)
    except SqlError as error:
        write_reply(sock, _refusal(client, error))
        return None
    try:
        write_reply(sock, _welcome(client, session, engine.version), session.spid)
    except OSError:
        session.close()
        raise
    return Connection(sock, session, client.wide, client.packet_size)


def _open_session(client: Login, engine: Engine) -> Session:
    if client.integrated:
        text = "Login failed. The login is from an untrusted domain and cannot be used with Integrated authentication."
        raise SqlError(18452, text, severity=14)
    return engine.login(client.request)


def _refusal(client: Login, error: SqlError) -> bytes:
    """The error, after that of a database also the one of the login, and the end."""
    errors = [error]
    if error.number == 4060:
        errors.append(SqlError(18456, f"Login failed for user '{client.request.user}'.", severity=14))
    told = b"".join(tokens.message(each, SERVER_NAME, client.wide) for each in errors)
    return told + Done(DoneKind.BATCH, failed=True).encode(client.wide, more=False)


def _welcome(client: Login, session: Session, version: tuple[int, int, int, int]) -> bytes:
    """The reply to a login; it still goes out in packets of the default size."""
    changed = SqlError(5701, f"Changed database context to '{session.database}'.", severity=10, state=2)
    return b"".join(
        (
            tokens.database_changed(session.database, "master"),
            tokens.message(changed, SERVER_NAME, client.wide),
            tokens.collation(),
            tokens.login_ack(client.tds_version, PROGRAM, version),
            tokens.packet_size_changed(client.packet_size, DEFAULT_PACKET_SIZE),
            Done(DoneKind.BATCH).encode(client.wide, more=False),
        )
    )
