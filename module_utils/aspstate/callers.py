"""Who calls the session procedures of a database, and what of it the same login could not do in another one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .principals import Inside, Permission, User, read_inside, read_logins
from .server import Server

_PEOPLE = ("S", "U", "G", "E", "X")
_LOGIN = "SELECT SUSER_SNAME(%(sid)s)"


@dataclass(frozen=True)
class Caller:
    """A login that may execute session procedures, and is not sysadmin; `lacks` are those that it would lose."""

    login: str
    lacks: tuple[str, ...] = ()


def read_callers(server: Server, source: str, target: str, procedures: Iterable[str]) -> list[Caller]:
    """Those of database `source`; what each lacks in `target`, which is everything where that is "" (not there yet).

    Raises NotKnown where something cannot be seen.
    """
    needed = [Permission("EXECUTE", name=name) for name in sorted(procedures)]
    here, there = read_inside(server, source), read_inside(server, target) if target else Inside()
    found = []
    for user in here.users:
        able = _able(here, user, needed)
        if not able or not user.sid or not user.has_login:
            continue
        (login,) = server.run(_LOGIN, {"sid": user.sid}).row
        if login is None or "server role sysadmin" in read_logins(server, [login])[0].mighty:
            continue
        twin = there.of_login(user.sid)
        kept = {each.name for each in _able(there, twin, able)} if twin else set()
        found.append(Caller(login, tuple(each.name for each in able if each.name not in kept)))
    return found


def _able(inside: Inside, user: User, needed: list[Permission]) -> list[Permission]:
    if user.type not in _PEOPLE:
        return []
    unable = set(inside.unable(user, needed))
    return [each for each in needed if str(each) not in unable]
