"""Who is to keep sessions, and what each kind of client calls: what was chosen, judged before a server is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import Refused
from .names import characters
from .principals import Permission

# What System.Web of ASP.NET 2.0 to 4.8 calls, and TempGetVersion, which it must see: see `client`.
_SYSTEM_WEB = (
    "GetMajorVersion",
    "TempGetAppID",
    "TempGetStateItem3",
    "TempGetStateItemExclusive3",
    "TempGetVersion",
    "TempInsertStateItemLong",
    "TempInsertStateItemShort",
    "TempInsertUninitializedItem",
    "TempReleaseStateItemExclusive",
    "TempRemoveStateItem",
    "TempResetTimeout",
    "TempUpdateStateItemLong",
    "TempUpdateStateItemLongNullShort",
    "TempUpdateStateItemShort",
    "TempUpdateStateItemShortNullLong",
)
_ADDED = {
    "system_web": (),
    "system_web_1": (
        "TempGetStateItem",
        "TempGetStateItem2",
        "TempGetStateItemExclusive",
        "TempGetStateItemExclusive2",
    ),
    "async_compat": ("DeleteExpiredSessions",),
}
CLIENTS = tuple(_ADDED)

# The asynchronous provider tells the schema by the columns of this table, which it does not see otherwise:
# https://github.com/aspnet/AspNetSessionState, SqlFxCompatSessionStateRepository.cs
_SEEN_BY_ASYNC = Permission("VIEW DEFINITION", name="ASPStateTempSessions")

# Names of SQL Server's own; what else is a role of the server is found there.
_RESERVED = ("sa", "dbo", "guest", "public", "sys", "information_schema", "sysadmin")
FIXED_ROLES = (
    "public",
    "db_accessadmin",
    "db_backupoperator",
    "db_datareader",
    "db_datawriter",
    "db_ddladmin",
    "db_denydatareader",
    "db_denydatawriter",
    "db_owner",
    "db_securityadmin",
)


def needed(clients: Iterable[str]) -> tuple[Permission, ...]:
    """What the role must have for these clients."""
    names = {*_SYSTEM_WEB, *(name for client in clients for name in _ADDED[client])}
    permissions = [Permission("EXECUTE", name=name) for name in sorted(names)]
    return (*permissions, _SEEN_BY_ASYNC) if "async_compat" in clients else tuple(permissions)


OURS = frozenset(permission.key for permission in needed(CLIENTS))
"""What a role of this project may have."""


@dataclass(frozen=True)
class WantedLogin:
    """A login that is to keep sessions; `create`: where it is missing, it is made. The password is not kept here."""

    name: str
    create: bool = False
    has_password: bool = False

    def __post_init__(self) -> None:
        """Raises Refused for what could not work."""
        if why := _why_not(self.name):
            raise Refused(f"login {self.name!r}: {why}; correct it in aspstate_grants_logins")
        if self.is_windows and self.has_password:
            raise Refused(
                f"login {self.name}: Windows has the password of a Windows account; leave it out in "
                "aspstate_grants_logins"
            )
        if self.create and not self.is_windows and not self.has_password:
            raise Refused(f"login {self.name}: create_login of an SQL login needs a password in aspstate_grants_logins")

    @property
    def is_windows(self) -> bool:
        """Whether it is an account or group of Windows, as DOMAIN\\name."""
        return "\\" in self.name

    @property
    def kind(self) -> str:
        """For messages."""
        return "a Windows account" if self.is_windows else "an SQL login"

    @property
    def types(self) -> tuple[str, ...]:
        """What the catalogue calls such a login or user."""
        return ("U", "G") if self.is_windows else ("S",)


@dataclass(frozen=True)
class GrantChoices:
    """What the operator chose for the grants."""

    logins: tuple[WantedLogin, ...]
    role: str = "aspstate_application"
    clients: tuple[str, ...] = ("system_web",)
    exclusive: bool = False
    manage_ownership_chain: bool = False

    def __post_init__(self) -> None:
        """Raises Refused for what could not work."""
        names = [login.name.casefold() for login in self.logins]
        for login in self.logins:
            if names.count(login.name.casefold()) > 1:
                raise Refused(f"login {login.name!r} is in aspstate_grants_logins twice, be it in another case")
        if self.role.casefold() in names:
            raise Refused(f"role {self.role!r}: a login has that name; give another one in aspstate_grants_role")
        if why := _why_no_role(self.role):
            raise Refused(f"role {self.role!r}: {why}; give another one in aspstate_grants_role")
        if not self.clients:
            raise Refused(f"clients is empty; give one or more of {', '.join(CLIENTS)} in aspstate_grants_clients")

    def judge(self, type_: str) -> None:
        """Raises Refused for what has no meaning with a type of session state."""
        if type_ == "temporary" and "async_compat" in self.clients:
            raise Refused(
                "client async_compat looks for its table in the session database, and type temporary has it in tempdb; "
                "leave it out of aspstate_grants_clients"
            )

    @property
    def needed(self) -> tuple[Permission, ...]:
        """What the role must have."""
        return needed(self.clients)


GRANT_ARGUMENTS: dict[str, dict[str, Any]] = {
    "logins": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "create_login": {"type": "bool", "default": False},
            "password": {"type": "str", "no_log": True},
        },
    },
    "role": {"type": "str", "default": "aspstate_application"},
    "clients": {"type": "list", "elements": "str", "default": ["system_web"], "choices": list(CLIENTS)},
    "exclusive": {"type": "bool", "default": False},
    "manage_ownership_chain": {"type": "bool", "default": False},
}
"""Of the modules that are told the logins."""


def grant_choices(params: Mapping[str, Any]) -> GrantChoices:
    """What GRANT_ARGUMENTS choose; the passwords are not in it. Raises Refused for values that could not work."""
    logins = (WantedLogin(each["name"], each["create_login"], bool(each["password"])) for each in params["logins"])
    rest = {name: params[name] for name in ("role", "exclusive", "manage_ownership_chain")}
    return GrantChoices(tuple(logins), clients=tuple(params["clients"]), **rest)


def _why_not(name: str) -> str:
    if why := _why_no_name(name):
        return why
    if name.casefold() in _RESERVED:
        return "that is SQL Server's own name; an application needs a login of its own"
    if "\\" not in name:
        return ""
    if found := sorted({character for character in name if character in "\"'[]"}):
        return f"it contains {' and '.join(found)}, which no Windows account has"
    domain, _, account = name.partition("\\")
    return "" if domain and account and "\\" not in account else "a Windows account is written DOMAIN\\name"


def _why_no_role(name: str) -> str:
    if why := _why_no_name(name):
        return why
    if name.casefold() in FIXED_ROLES:
        return "it is a role that comes with every database"
    if name.casefold() in _RESERVED:
        return "that is SQL Server's own name"
    return "it contains a backslash, which no role may" if "\\" in name else ""


def _why_no_name(name: str) -> str:
    if not name.strip():
        return "it is blank"
    if name != name.strip():
        return "it begins or ends with a blank"
    if any(ord(character) < 32 for character in name):
        return "it contains a control character"
    return f"it has {characters(name)} characters, and SQL Server allows 128" if characters(name) > 128 else ""
