"""The database as a DBA wants it: what was created here is brought to it, what was not is left alone unless asked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aspstate.errors import Refused
from aspstate.properties import File, Properties, property_lines, remarks
from aspstate.property_changes import (
    Choices,
    Logins,
    owner_obstacles,
    owner_step,
    property_obstacles,
    property_steps,
    wanted_properties,
)

from tests.unit.states import OURS, SA, THEIRS


def sentences(current: Properties | None, choices: Choices, logins: Logins = SA) -> list[str]:
    desired = wanted_properties(current, choices)
    steps = [*property_steps("x", current, desired), *owner_step("x", current, desired, logins)]
    lines = [[*property_lines(each)] for each in (current, desired) if each]
    assert (lines[0] == lines[-1]) == (not steps) or current is None
    return [step.sentence for step in steps]


def test_what_is_as_wanted_stays() -> None:
    assert sentences(OURS, Choices()) == []


def test_a_new_database_gets_its_options_whatever_those_of_model_are() -> None:
    assert sentences(None, Choices()) == [
        "set RECOVERY SIMPLE in database x",
        "set AUTO_CLOSE OFF in database x",
        "set AUTO_SHRINK OFF in database x",
    ]


def test_a_database_whose_creation_was_cut_off_is_finished() -> None:
    files = OURS.files
    cut_off = replace(THEIRS, files=files, auto_shrink=False)
    assert sentences(cut_off, Choices()) == [
        "set RECOVERY SIMPLE in database x",
        "set AUTO_CLOSE OFF in database x",
        "give database x to login sa",
    ]


def test_a_database_that_others_created_keeps_what_nobody_chose() -> None:
    assert sentences(THEIRS, Choices()) == []


ASKED = [
    (Choices(owner="sa"), "give database x to login sa"),
    (Choices(owner="shop"), "give database x to login shop"),
    (Choices(recovery_model="bulk_logged"), "set RECOVERY BULK_LOGGED in database x"),
    (Choices(auto_close=False), "set AUTO_CLOSE OFF in database x"),
    (Choices(auto_shrink=False), "set AUTO_SHRINK OFF in database x"),
    (Choices(data_file_size=9), "set SIZE = 9 MB of data file ASPState of database x"),
    (Choices(data_file_growth=32), "set FILEGROWTH = 32 MB of data file ASPState of database x"),
    (Choices(log_file_size=2), "set SIZE = 2 MB of log file ASPState_log of database x"),
    (Choices(log_file_growth=32), "set FILEGROWTH = 32 MB of log file ASPState_log of database x"),
]


@pytest.mark.parametrize(("choices", "step"), ASKED, ids=[row[1] for row in ASKED])
def test_what_was_chosen_is_set_anywhere(choices: Choices, step: str) -> None:
    assert sentences(THEIRS, choices, Logins("sa", "dba", choices.owner or "sa")) == [step]


def test_the_ownership_chain_is_db_chaining_and_the_owner_of_tempdb() -> None:
    assert sentences(THEIRS, Choices(manage_ownership_chain=True)) == [
        "set DB_CHAINING ON in database x",
        "give database x to login sa",
    ]
    assert sentences(replace(OURS, db_chaining=True), Choices()) == []


def test_a_file_that_is_large_enough_is_never_made_smaller() -> None:
    assert sentences(THEIRS, Choices(data_file_size=8)) == []
    assert sentences(THEIRS, Choices(data_file_size=1)) == []


def test_sa_is_the_owner_whatever_it_is_called() -> None:
    (step,) = owner_step("x", THEIRS, wanted_properties(THEIRS, Choices(owner="sa")), Logins("boss", "dba", "boss"))
    assert step.values["login"] == "boss"


def test_a_new_database_is_given_away_only_by_others_than_its_owner() -> None:
    assert sentences(None, Choices(owner="dba"), Logins("sa", "dba", "dba"))[-1] == "set AUTO_SHRINK OFF in database x"
    assert sentences(None, Choices(), Logins("sa", "dba", "sa"))[-1] == "give database x to login sa"


BAD = [
    ({"data_file_size": 0}, "data_file_size is 0; give MB"),
    ({"data_file_growth": -1}, "data_file_growth is -1; give MB"),
    ({"log_file_size": 16_777_217}, "log_file_size is 16777217; give MB"),
    ({"log_file_growth": 0}, "log_file_growth is 0; give MB"),
    ({"collation": "x; DROP DATABASE y"}, "collation 'x; DROP DATABASE y' is no name of a collation"),
    ({"owner": " "}, "owner is empty"),
    ({"owner": "shop", "manage_ownership_chain": True}, "owner is 'shop', but manage_ownership_chain needs sa"),
]


@pytest.mark.parametrize(("values", "message"), BAD, ids=[row[1] for row in BAD])
def test_choices_that_could_not_work_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(Refused, match=message):
        Choices(**values)


@pytest.mark.parametrize("type_", ["persisted", "custom"])
def test_the_ownership_chain_is_for_type_temporary(type_: str) -> None:
    with pytest.raises(Refused, match="manage_ownership_chain has a meaning with type temporary only"):
        Choices(manage_ownership_chain=True).judge(type_)


def test_a_collation_is_given_at_creation_only() -> None:
    choices = Choices(collation="Turkish_CI_AS")
    assert wanted_properties(None, choices).collation == "Turkish_CI_AS"
    (found,) = property_obstacles(OURS, choices, "persisted")
    assert found.startswith("its collation is Latin1_General_CI_AS, not Turkish_CI_AS")
    assert property_obstacles(OURS, Choices(collation="latin1_general_ci_as"), "persisted") == []


def test_a_dba_is_told_what_nobody_asked_to_change() -> None:
    assert remarks(OURS) == []
    fixed = File("more", "data", 8, "0 MB", 3)
    assert remarks(replace(THEIRS, files=(*THEIRS.files, fixed), log_reuse_wait="LOG_BACKUP")) == [
        "AUTO_CLOSE is on",
        "AUTO_SHRINK is on",
        "log file ASPState_log grows by 10 percent, more each time",
        "data file more does not grow",
        "its log cannot be reused: log_reuse_wait is LOG_BACKUP",
    ]


def test_log_reuse_that_waits_for_a_moment_only_is_no_remark() -> None:
    for wait in ("NOTHING", "ACTIVE_TRANSACTION", "CHECKPOINT", "OLDEST_PAGE"):
        assert remarks(replace(OURS, log_reuse_wait=wait)) == []


def test_a_login_that_is_a_user_there_cannot_become_the_owner_and_that_is_said_first() -> None:
    desired = wanted_properties(THEIRS, Choices(owner="shop"))
    (found,) = owner_obstacles(THEIRS, desired, Logins("sa", "sa", "shop", "web"))
    assert found.startswith("it cannot be given to login shop, which is user web in it")
    assert owner_obstacles(THEIRS, desired, Logins("sa", "sa", "shop")) == []
    assert owner_obstacles(replace(THEIRS, owner="shop"), desired, Logins("sa", "sa", "shop", "web")) == []


def test_whoever_takes_a_database_needs_no_right_to_act_as_somebody_else() -> None:
    (step,) = owner_step("x", THEIRS, wanted_properties(THEIRS, Choices(owner="me")), Logins("sa", "me", "me"))
    assert [right.permission for right in step.rights] == ["TAKE OWNERSHIP"]


def test_in_an_availability_group_the_recovery_model_stays_full() -> None:
    grouped = replace(OURS, recovery_model="full", in_availability_group=True)
    assert sentences(grouped, Choices()) == []
    assert property_obstacles(grouped, Choices(recovery_model="full"), "persisted") == []
    (found,) = property_obstacles(grouped, Choices(recovery_model="simple"), "persisted")
    assert found == "it is in an availability group, which needs recovery model full, not simple"
