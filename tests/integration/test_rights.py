"""What a login must be allowed: said before anything is changed; and what it may not see is never taken for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from aspstate.catalog import Contents
from aspstate.client import Client
from aspstate.errors import NotKnown, Refused
from aspstate.inspection import inspect
from aspstate.login import Login
from aspstate.probe import probe
from aspstate.property_changes import Choices
from aspstate.server import APPLICATION_OPTIONS, Server, connect

from tests.integration.conftest import SCHEMAS, current, install, remove
from tests.integration.lab_login import OwnLab, let_in, own_lab

pytestmark = pytest.mark.controls_server

KEY = "abcdefghijklmnopqrstuvwx2014c0f1"


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    """A server with logins that may do little."""
    with own_lab() as server:
        yield server


@pytest.fixture
def login(lab: OwnLab) -> Login:
    """sa."""
    return lab.login


def test_create_any_database_suffices_for_a_new_database_of_ones_own(lab: OwnLab, server: Server, name: str) -> None:
    with connect(lab.login_with()) as own, pytest.raises(Refused, match="lacks CREATE ANY DATABASE, which this needs"):
        install(own, name, choices=Choices(owner=own.user))
    assert not current(server, name).exists
    with connect(lab.login_with("CREATE ANY DATABASE")) as own:
        choices = Choices(owner=own.user)
        assert install(own, name, choices=choices).steps
        assert install(own, name, choices=choices).steps == ()


# what README says for a database that is there
INSIDE = (
    "VIEW DEFINITION",
    "CREATE PROCEDURE",
    "CREATE TABLE",
    "CREATE TYPE",
    "ALTER ON SCHEMA::dbo",
    "EXECUTE ON SCHEMA::dbo",
    "REFERENCES ON SCHEMA::dbo",
)


@pytest.mark.parametrize("type_", ["persisted", "custom"])
def test_in_a_database_that_is_there_seven_rights_suffice(lab: OwnLab, server: Server, empty: str, type_: str) -> None:
    operator = lab.login_with()
    let_in(server, operator, empty, *INSIDE)
    with connect(operator) as own:
        assert install(own, empty, type_).steps
        assert install(own, empty, type_).steps == ()


@pytest.mark.parametrize("left_out", INSIDE)
def test_each_of_the_seven_is_needed_and_named_before_anything_is_done(
    lab: OwnLab, server: Server, empty: str, left_out: str
) -> None:
    operator = lab.login_with()
    let_in(server, operator, empty, *(right for right in INSIDE if right != left_out))
    with connect(operator) as own, pytest.raises(Refused, match=f"lacks {left_out.partition(' ON ')[0]}"):
        install(own, empty)
    assert current(server, empty).contents.types == {}


def test_a_new_database_that_is_to_be_sas_needs_the_right_to_give_it_away(lab: OwnLab, name: str) -> None:
    with (
        connect(lab.login_with("CREATE ANY DATABASE")) as own,
        pytest.raises(Refused, match=r"lacks IMPERSONATE on login sa, which this needs; nothing was changed"),
    ):
        install(own, name)


def test_type_temporary_names_every_right_that_is_missing(lab: OwnLab) -> None:
    operator = lab.login_with("CREATE ANY DATABASE", "VIEW ANY DEFINITION")
    with connect(operator) as own, pytest.raises(Refused) as refused:
        install(own, "ASPState", "temporary")
    for right in (
        "CREATE PROCEDURE on database master",
        "ALTER on schema dbo of database master",
        "membership in sysadmin",
        "CREATE TABLE on database tempdb",
        "ALTER on schema dbo of database tempdb",
        "IMPERSONATE on login sa",
    ):
        assert right in str(refused.value)


def test_removing_needs_control_and_ending_connections_more(lab: OwnLab, server: Server, name: str) -> None:
    install(server, name)
    operator = lab.login_with()
    let_in(server, operator, name, "VIEW DEFINITION", "SELECT")
    with connect(operator) as own:
        with pytest.raises(Refused, match=f"lacks CONTROL on database {name}, which this needs; nothing was changed"):
            remove(own, name)
        server.run_in(name, f"GRANT CONTROL TO {operator.user}")
        with pytest.raises(Refused, match="lacks ALTER ANY CONNECTION, VIEW SERVER STATE, which"):
            remove(own, name, terminate=True)
        remove(own, name)
    assert not current(server, name).exists


def test_removing_type_custom_needs_no_right_on_the_whole_database(lab: OwnLab, server: Server, empty: str) -> None:
    install(server, empty, "custom")
    operator = lab.login_with()
    let_in(server, operator, empty, "VIEW DEFINITION", "SELECT")
    with connect(operator) as own:
        with pytest.raises(Refused, match=f"lacks ALTER on schema dbo of database {empty}, which this needs"):
            remove(own, empty, "custom")
        server.run_in(empty, f"GRANT ALTER ON SCHEMA::dbo TO {operator.user}")
        remove(own, empty, "custom")
    assert current(server, empty).contents == Contents()


def test_choices_for_a_database_of_others_need_alter_on_it(lab: OwnLab, server: Server, empty: str) -> None:
    operator = lab.login_with()
    let_in(server, operator, empty, *INSIDE)
    chosen = Choices(recovery_model="bulk_logged", auto_shrink=True, log_file_growth=16)
    with connect(operator) as own:
        with pytest.raises(Refused, match=f"lacks ALTER on database {empty}, which this needs"):
            install(own, empty, choices=chosen)
        server.run_in(empty, f"GRANT ALTER TO {operator.user}")
        assert install(own, empty, choices=chosen).steps
        assert install(own, empty, choices=chosen).steps == ()


def test_giving_a_database_away_needs_take_ownership_and_the_login_that_gets_it(
    lab: OwnLab, server: Server, empty: str
) -> None:
    operator, owner = lab.login_with(), lab.login_with()
    let_in(server, operator, empty, *INSIDE)
    chosen = Choices(owner=owner.user)
    with connect(operator) as own:
        with pytest.raises(Refused, match=rf"TAKE OWNERSHIP on database {empty}, IMPERSONATE on login {owner.user}"):
            install(own, empty, choices=chosen)
        server.run_in(empty, f"GRANT TAKE OWNERSHIP TO {operator.user}")
        server.run(f"GRANT IMPERSONATE ON LOGIN::{owner.user} TO {operator.user}")
        assert install(own, empty, choices=chosen).steps
    assert current(server, empty).properties.owner == owner.user


HIDDEN = [
    ("whether it is there", "DENY VIEW ANY DATABASE TO {}", False, "is not known: login .* lacks VIEW ANY DATABASE"),
    ("its objects", "", True, "is not known: login .* lacks VIEW DEFINITION there"),
    ("its inside", "", False, "may not enter database"),
]


@pytest.mark.parametrize("verb", [install, remove])
@pytest.mark.parametrize(("denied", "enter", "message"), [row[1:] for row in HIDDEN], ids=[row[0] for row in HIDDEN])
def test_what_a_login_may_not_see_is_not_taken_for_nothing(
    lab: OwnLab, server: Server, name: str, verb: Callable[..., object], denied: str, enter: bool, message: str
) -> None:
    install(server, name)
    operator = lab.login_with()
    if enter:
        let_in(server, operator, name)
    server.run(denied.format(operator.user))
    with connect(operator) as own, pytest.raises(Refused, match=message):
        verb(own, name)


def test_leftovers_that_a_login_may_not_see_are_said_to_be_not_known(lab: OwnLab, server: Server, name: str) -> None:
    install(server, name)
    operator = lab.login_with()
    let_in(server, operator, name, "VIEW DEFINITION")
    with connect(operator) as own:
        (sentence,) = current(own, name).not_known
        assert "has session state of type temporary is not known" in sentence
        assert "lacks VIEW DEFINITION in master" in sentence
        with pytest.raises(NotKnown, match="has session state of type temporary is not known"):
            current(own, "ASPState", "temporary")
    assert current(server, name).not_known == ()


def test_a_login_that_can_change_nothing_sees_everything_with_three_rights(
    lab: OwnLab, server: Server, name: str
) -> None:
    install(server, name)
    monitor = lab.login_with("VIEW ANY DEFINITION", "VIEW SERVER STATE")
    let_in(server, monitor, name, "SELECT")
    with connect(replace(lab.login, database=name)) as application, connect(monitor) as own:
        Client(application).insert(KEY, b"x", 20)
        seen = inspect(own, name, "persisted", SCHEMAS["persisted"])
        assert seen == inspect(server, name, "persisted", SCHEMAS["persisted"])
        assert (seen["not_known"], len(seen["holders"]), seen["sessions"][0]["live"]) == ([], 1, 1)
        with pytest.raises(Refused, match=r"lacks CONTROL on database .*, ALTER ANY CONNECTION, which"):
            remove(own, name, discard=True, terminate=True)


def test_a_login_that_may_see_nothing_is_told_what_is_not_known(lab: OwnLab, server: Server, name: str) -> None:
    install(server, name)
    with connect(lab.login_with()) as own:
        seen = inspect(own, name, "persisted", SCHEMAS["persisted"])
    assert seen["exists"] is True
    for nothing in ("type", "properties", "leftovers", "holders", "sessions", "missing_or_different", "others"):
        assert seen[nothing] is None, nothing
    inside, connected = seen["not_known"]
    assert "may not enter database" in inside
    assert "who is connected is not known" in connected


def test_a_login_that_may_just_enter_is_told_the_properties(lab: OwnLab, server: Server, name: str) -> None:
    install(server, name)
    monitor = lab.login_with()
    let_in(server, monitor, name)
    with connect(monitor) as own:
        seen = inspect(own, name, "persisted", SCHEMAS["persisted"])
    assert seen["properties"]["recovery_model"] == "simple"
    assert (seen["sessions"], seen["missing_or_different"]) == (None, None)


def test_an_application_with_execute_alone_is_probed_as_itself(lab: OwnLab, server: Server, name: str) -> None:
    install(server, name)
    application = lab.login_with()
    let_in(server, application, name, "EXECUTE")
    with connect(replace(application, database=name), APPLICATION_OPTIONS) as own:
        assert "may not delete it" in probe(own).residue
