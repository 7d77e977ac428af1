"""What may be asked for in the grants, and what is refused with a reason."""

from __future__ import annotations

from typing import Any

import pytest
from aspstate.errors import Refused
from aspstate.grant_wishes import GrantChoices, WantedLogin

FINE = ("shop", "shop's", "a]b", "CONTOSO\\WEB01$", "CONTOSO\\svc$", "IIS APPPOOL\\shop", "NT AUTHORITY\\SYSTEM", "😀")

BAD_LOGINS = {
    "no name": ({"name": ""}, "login '': it is blank; correct it in aspstate_grants_logins"),
    "blanks": ({"name": "  "}, "it is blank"),
    "a blank at the end": ({"name": "shop "}, "it begins or ends with a blank"),
    "a control character": ({"name": "sh\top"}, "it contains a control character"),
    "a long name": ({"name": "x" * 129}, "it has 129 characters, and SQL Server allows 128"),
    **{
        name: ({"name": name}, "that is SQL Server's own name; an application needs a login of its own")
        for name in ("sa", "SA", "dbo", "public", "guest", "sysadmin")
    },
    "a quote in a Windows name": ({"name": "CONTOSO\\o'neil"}, "it contains ', which no Windows account has"),
    "brackets in a Windows name": ({"name": "CONTOSO\\[web]"}, "it contains [ and ], which no Windows account has"),
    "no domain": ({"name": "\\web"}, "a Windows account is written DOMAIN\\name"),
    "no account": ({"name": "CONTOSO\\"}, "a Windows account is written DOMAIN\\name"),
    "two backslashes": ({"name": "CONTOSO\\\\web"}, "a Windows account is written DOMAIN\\name"),
    "a Windows password": (
        {"name": "CONTOSO\\web", "has_password": True},
        "Windows has the password of a Windows account; leave it out",
    ),
    "no password": ({"name": "shop", "create": True}, "create_login of an SQL login needs a password"),
}


@pytest.mark.parametrize("name", FINE)
def test_names_that_are_fine(name: str) -> None:
    assert WantedLogin(name).name == name


@pytest.mark.parametrize("kind", BAD_LOGINS)
def test_a_login_that_cannot_be_is_refused(kind: str) -> None:
    arguments, message = BAD_LOGINS[kind]
    with pytest.raises(Refused) as refused:
        WantedLogin(**arguments)
    assert message in str(refused.value)


BAD_CHOICES: dict[str, tuple[dict[str, Any], str]] = {
    "a login twice": ({"logins": ("shop", "shop")}, "login 'shop' is in aspstate_grants_logins twice"),
    "a login in two cases": ({"logins": ("shop", "Shop")}, "twice, be it in another case"),
    "no client": ({"clients": ()}, "clients is empty; give one or more of system_web, system_web_1, async_compat"),
    "a role of no name": ({"role": ""}, "role '': it is blank; give another one in aspstate_grants_role"),
    "a fixed role": ({"role": "DB_Owner"}, "it is a role that comes with every database"),
    "public": ({"role": "public"}, "it is a role that comes with every database"),
    "the login's name": ({"role": "Shop"}, "a login has that name; give another one in aspstate_grants_role"),
    "dbo": ({"role": "dbo"}, "that is SQL Server's own name"),
    "a Windows account as role": ({"role": "CONTOSO\\web"}, "it contains a backslash, which no role may"),
}


@pytest.mark.parametrize("kind", BAD_CHOICES)
def test_choices_that_cannot_be_are_refused(kind: str) -> None:
    arguments, message = BAD_CHOICES[kind]
    logins = tuple(map(WantedLogin, arguments.get("logins", ("shop",))))
    with pytest.raises(Refused) as refused:
        GrantChoices(**{**arguments, "logins": logins})
    assert message in str(refused.value)


def test_the_asynchronous_provider_and_type_temporary_do_not_go_together() -> None:
    chosen = GrantChoices((WantedLogin("shop"),), clients=("system_web", "async_compat"))
    chosen.judge("persisted")
    with pytest.raises(Refused, match="looks for its table in the session database, and type temporary has it in"):
        chosen.judge("temporary")
