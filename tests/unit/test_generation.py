"""Which generation of session state a database holds is told from its catalogue."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from aspstate.batches import split
from aspstate.catalog import Contents, Procedure
from aspstate.expiry_form import form_of
from aspstate.generation import (
    ASYNC,
    BUILT_IN,
    EXPIRY,
    IN_MEMORY,
    MIXED,
    NAMES,
    UNKNOWN,
    Generation,
    expiry_generation,
    generation_of,
    may_be_of,
)
from aspstate.schema import STARTUP, TABLES, TYPES, Table
from aspstate.tsql import significant, tokens

from tests.scripts import DIALECTS, FORMS, delete_expired, script
from tests.unit.states import whole

SESSIONS = TABLES["ASPStateTempSessions"]
IMAGE = replace(SESSIONS, columns=tuple(line.replace("Long varbinary(max)", "Long image") for line in SESSIONS.columns))
OF_1_1 = Table(
    tuple(line.replace("nvarchar(88)", "char(32)") for line in IMAGE.columns if not line.startswith("Flags")),
    "SessionId",
)
TABLES_OF = {"1.1": OF_1_1, "2.0": IMAGE, "4.x": IMAGE}


def procedures(dialect: str, type_: str = "persisted") -> dict[str, Procedure]:
    """What a script makes: procedures of its batches, and of strings that it runs (of branches the first)."""
    found: dict[str, Procedure] = {}
    for batch in split(script(dialect, "install", type_)):
        strings = [token.text[2:-1].replace("''", "'") for token in tokens(batch.text) if token.kind == "string"]
        for text in (batch.text, *strings):
            words = [token.text for token in significant(text)[:5]]
            if words[:2] == ["CREATE", "PROCEDURE"]:
                found.setdefault(words[4] if words[3] == "." else words[2], Procedure(text))
    found.pop(STARTUP, None)
    return found


def found(there: dict[str, Procedure], sessions: Table | None = None, *others: str) -> Generation:
    tables = {} if sessions is None else {"ASPStateTempSessions": sessions}
    return generation_of(Contents(procedures=there, others=others), tables)


@pytest.mark.parametrize("type_", ["temporary", "persisted"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_script_is_recognized_with_its_tables_and_without(dialect: str, type_: str) -> None:
    there = procedures(dialect, type_)
    assert set(there) <= set(NAMES)
    for sessions in (TABLES_OF[dialect], None):
        generation = found(there, sessions)
        assert (generation.name, generation.edited, generation.is_built_in) == (dialect, (), False)
    assert {generation.label(name) for name in there} - {"1.1 or 2.0"} == {dialect}


@pytest.mark.parametrize("type_", TYPES)
def test_the_shipped_schema_is_built_in(type_: str) -> None:
    database = whole(type_)
    assert set(database.contents.procedures) <= set(NAMES)
    generation = generation_of(database.contents, database.tables)
    assert (generation.name, generation.edited, generation.is_built_in) == (BUILT_IN, (), True)
    assert {generation.label(name) for name in generation.procedures} == {BUILT_IN}


def test_adopted_procedures_over_a_table_with_image_are_built_in() -> None:
    generation = found(whole().contents.procedures, IMAGE)
    assert (generation.name, generation.is_built_in) == (BUILT_IN, True)


OTHERS = {
    "nothing": (({}, None), ""),
    "a table of 1.0": (({}, Table(tuple(line for line in OF_1_1.columns if "Local" not in line))), "1.0"),
    "the asynchronous provider's table of the same name": (
        ({}, Table(tuple(line for line in IMAGE.columns if "Short" not in line))),
        ASYNC,
    ),
    "the asynchronous provider's own table": (({}, None, "user table dbo.ASPNetSessionState"), ASYNC),
    "a table of nobody's": (({}, Table(("SessionId int NOT NULL",))), UNKNOWN),
    "procedures of 2.0 over a table of 1.1": ((procedures("2.0"), OF_1_1), MIXED),
    "half a script over another": (
        ({**procedures("2.0"), "GetMajorVersion": procedures("1.1")["GetMajorVersion"]}, IMAGE),
        MIXED,
    ),
    "adopted by half": (
        (
            {**procedures("2.0"), "TempGetStateItem3": whole().contents.procedures["TempGetStateItem3"]},
            None,
        ),
        MIXED,
    ),
    "a sample with tables in memory": (
        (
            {
                "TempInsertStateItemShort": Procedure(
                    "CREATE PROCEDURE dbo.TempInsertStateItemShort @id tSessionId WITH NATIVE_COMPILATION, "
                    "SCHEMABINDING, EXECUTE AS OWNER AS BEGIN ATOMIC WITH (LANGUAGE = 'english') END"
                )
            },
            SESSIONS,
        ),
        IN_MEMORY,
    ),
    "one procedure, which is nobody's": (
        ({"GetHashCode": Procedure("CREATE PROCEDURE dbo.GetHashCode AS RETURN 1")}, None),
        UNKNOWN,
    ),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_else_there_may_be_has_its_name(kind: str) -> None:
    there, name = OTHERS[kind]
    assert found(*there).name == name


EDITS = {
    "another timeout": ("TempUpdateStateItemShort", "DATEADD(n, Timeout,", "DATEADD(n, 600,"),
    "a parameter set": ("TempInsertStateItemShort", "INSERT ", "SET @timeout = 600 INSERT "),
    "another timeout kept": ("TempUpdateStateItemLong", "Timeout = @timeout", "Timeout = 600"),
    "a timeout made longer": ("TempUpdateStateItemShort", "DATEADD(n, Timeout,", "DATEADD(n, Timeout * 4,"),
    "hours": ("TempResetTimeout", "DATEADD(n,", "DATEADD(hour,"),
    "a lock that is not taken": ("TempGetStateItemExclusive3", "Locked = 1", "Locked = 0"),
    "a lock that is kept": ("TempReleaseStateItemExclusive", "Locked = 0", "Locked = 1"),
    "expired sessions not found": (
        "TempGetStateItem3",
        "WHERE SessionId = @id",
        "WHERE SessionId = @id AND Expires > @utc",
    ),
    "other sessions too": ("TempRemoveStateItem", "AND LockCookie", "OR LockCookie"),
    "no test of the lock": ("TempReleaseStateItemExclusive", " AND LockCookie = @lockCookie", ""),
    "a table of an audit": ("TempRemoveStateItem", "RETURN 0", "INSERT dbo.Removed (id) VALUES (@id) RETURN 0"),
    "a procedure called": ("TempResetTimeout", "RETURN 0", "EXEC dbo.Seen @id RETURN 0"),
    "text that is run": ("TempResetTimeout", "RETURN 0", "EXEC (N'SELECT 1') RETURN 0"),
    "one id for all applications": ("TempGetAppID", "EXEC GetHashCode @appName, @appId OUTPUT", "SELECT @appId = 1"),
    "one name for all applications": ("TempGetAppID", "LOWER(@appName)", "'shop'"),
    "one name for all applications, in lower case": ("TempGetAppID", "LOWER(@appName)", "LOWER('Shop')"),
    "one name's hash for all applications": ("TempGetAppID", "EXEC GetHashCode @appName", "EXEC GetHashCode 'shop'"),
    "one name looked for": ("TempGetAppID", "AppName = @appName", "AppName = 'shop'"),
    "another hash": ("GetHashCode", "5381", "5382"),
    "another caller's rights": ("TempResetTimeout", "AS\n", "WITH EXECUTE AS OWNER AS\n"),
    "another parameter": ("TempResetTimeout", "@id tSessionId", "@id tSessionId, @why int = 0"),
    "a procedure without its body": ("TempGetStateItem3", "UPDATE", "RETURN 0 --"),
    "no time": ("TempResetTimeout", "GETUTCDATE()", "'20990101'"),
    "expiry that does something else": (EXPIRY, "DELETE", "EXEC dbo.Purge --"),
}


@pytest.mark.parametrize("kind", EDITS)
def test_a_procedure_that_does_something_else_was_edited(kind: str) -> None:
    name, old, new = EDITS[kind]
    there = procedures("2.0")
    text = there[name].definition
    assert old in text
    there[name] = Procedure(text.replace(old, new))
    generation = found(there, IMAGE)
    assert (generation.name, generation.edited, generation.label(name)) == ("2.0", (name,), "edited")


SAME = {
    "in capitals, and with strings and comments": lambda text: text.upper().replace(
        "RETURN 0", "/* INSERT dbo.x */ PRINT 'UPDATE y'"
    ),
    "in another place, or its own": lambda text: text.replace("[ASPState].dbo.", ""),
    "by names with two dots": lambda text: text.replace("[ASPState].dbo.", "tempdb.."),
    "in brackets": lambda text: re.sub("(SessionId|Timeout|Expires|LockCookie|AppName)", r"[\1]", text),
    "with AS before types": lambda text: re.sub(r"(@\w+) (t[A-Z]\w+|int|bit)", r"\1 AS \2", text),
    "with minutes spelled out": lambda text: text.replace("DATEADD(n,", "DATEADD(minute,"),
    "with hints": lambda text: re.sub(r"(UPDATE|DELETE) (\S+)", r"\1 \2 WITH (ROWLOCK)", text),
    "with conditions in parentheses": lambda text: text.replace("SessionId = @id", "(SessionId = @id)"),
    "with arguments by name": lambda text: text.replace(
        "EXEC GetHashCode @appName, @appId", "EXECUTE dbo.GetHashCode @input = @appName, @hash = @appId"
    ),
}


@pytest.mark.parametrize("way", SAME)
def test_what_does_the_same_in_other_words_was_not_edited(way: str) -> None:
    there = [each for dialect in ("1.1", "2.0") for each in procedures(dialect).items() if each[0] != EXPIRY]
    other = [(name, Procedure(SAME[way](each.definition))) for name, each in there]
    assert other != there
    assert [may_be_of(*each) for each in other] == [may_be_of(*each) for each in there]


APP_IDS = {
    "asked of the server": lambda text: re.sub(
        r"(VALUES \(@appName\)\s+)SELECT @appId = AppId\s+FROM \S+\s+WHERE AppName = @appName",
        r"\1SELECT @appId = @@IDENTITY",
        text,
    ),
    "of names as they are written": lambda text: text.replace("SELECT @appName = LOWER(@appName)", ""),
}


@pytest.mark.parametrize("way", APP_IDS)
def test_an_id_of_an_application_may_be_an_identity_in_more_than_one_way(way: str) -> None:
    text = procedures("1.1")["TempGetAppID"].definition
    other = APP_IDS[way](text)
    assert other != text
    assert "1.1" in may_be_of("TempGetAppID", Procedure(other))


def test_an_encrypted_procedure_is_like_one_that_was_edited() -> None:
    assert may_be_of("TempResetTimeout", Procedure(None)) == frozenset()


EXPIRY_FORMS = {"1.1": "1.1 or 2.0", "2.0": "1.1 or 2.0", "kb973849": "KB973849", "4.0": "4.0", "4.x": "4.x"}


@pytest.mark.parametrize("form", FORMS)
def test_each_delete_expired_sessions_has_its_generation(form: str) -> None:
    assert expiry_generation(form_of(delete_expired(form))) == EXPIRY_FORMS[form]


def test_a_delete_expired_sessions_in_local_time_is_the_first() -> None:
    text = delete_expired("2.0").replace("GETUTCDATE", "GETDATE")
    assert expiry_generation(form_of(text)) == "1.0"


def test_a_hotfix_does_not_make_a_database_of_another_generation() -> None:
    there = {**procedures("2.0"), EXPIRY: Procedure(delete_expired("kb973849"))}
    generation = found(there, IMAGE)
    assert (generation.name, generation.label(EXPIRY), generation.edited) == ("2.0", "KB973849", ())
