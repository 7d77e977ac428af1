"""Installing session state: what is missing is created, a procedure that differs is altered, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from .adoption import FULL, HOW, Adoption, adoption_obstacles, conversion_step, converted
from .catalog import Contents, Procedure
from .database import (
    Database,
    describe,
    procedure_text,
    refuse_other_type,
    same_procedure,
    same_type,
    some,
    table_differences,
)
from .errors import Refused
from .forwarding import refuse_forwarding
from .generation import Generation, generation_of
from .plan import Drift, Plan, Step
from .property_changes import (
    RECOVERY_MODELS,
    Choices,
    Logins,
    create_step,
    owner_obstacles,
    owner_step,
    property_obstacles,
    property_steps,
    wanted_properties,
)
from .removal import leftover_steps, must_not_lose
from .rights import Right
from .schema import STARTUP, TABLES, Schema, Table, as_alter, base_type
from .temporary import FOREIGN, Outside, startup_steps

DATABASE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "owner": {"type": "str"},
    "recovery_model": {"type": "str", "choices": list(RECOVERY_MODELS)},
    "collation": {"type": "str"},
    "auto_close": {"type": "bool"},
    "auto_shrink": {"type": "bool"},
    "data_file_size": {"type": "int"},
    "data_file_growth": {"type": "int"},
    "log_file_size": {"type": "int"},
    "log_file_growth": {"type": "int"},
    "manage_ownership_chain": {"type": "bool", "default": False},
    "adopt": {"type": "str", "default": "full", "choices": list(HOW)},
    "overwrite_edited": {"type": "bool", "default": False},
    "remove_leftovers": {"type": "bool", "default": False},
    "discard_live_sessions": {"type": "bool", "default": False},
}
"""Of the modules that are told what the database is to be."""


def database_choices(params: Mapping[str, Any]) -> tuple[Choices, Adoption]:
    """What DATABASE_ARGUMENTS choose of the properties, and of session state that is not built-in.

    Raises Refused for values that could not work.
    """
    choices = Choices(**{field.name: params[field.name] for field in fields(Choices)})
    return choices, Adoption(params["adopt"], params["overwrite_edited"])


def wanted(current: Database, type_: str, schema: Schema, choices: Choices | None = None) -> Database:
    """What is to be there: every object of `schema`, the two tables, and the properties that were chosen."""
    temporary = type_ == "temporary"
    return Database(
        current.name,
        exists=True,
        type="temporary" if temporary else "own tables",
        contents=Contents(
            types={each: base_type(definition) for each, definition in schema.types.items()},
            tables={} if temporary else TABLES,
            procedures={each: Procedure(definition) for each, definition in schema.procedures.items()},
        ),
        properties=wanted_properties(current.properties, choices or Choices()),
        outside=Outside(TABLES, Procedure(schema.startup), marked=True, scan=True) if temporary else Outside(),
    )


def obstacles(current: Database, desired: Database, type_: str, choices: Choices | None = None) -> list[str]:
    """What is there and is not altered: it is not session state, or to alter it could lose sessions."""
    now, then = current.contents, desired.contents
    if type_ != "custom" and now.others and not now.tables and not _has_shipped_object(now, then):
        return [f"it holds something else and no session tables: {some(now.others)}"]
    found = []
    if current.user_access != "MULTI_USER":
        found.append(
            f"it is in {current.user_access} mode, for maintenance or since a removal was cut off: finish that, or "
            "ALTER DATABASE ... SET MULTI_USER"
        )
    if current.properties:
        found += property_obstacles(current.properties, choices or Choices(), type_)
    found += [
        f"type dbo.{name} is {now.types[name]}, not {declared}"
        for name, declared in then.types.items()
        if not same_type(name, now.types.get(name, declared), declared)
    ]
    if type_ == "temporary" and current.outside.foreign:
        found.append(FOREIGN)
    found += _case_variants(now, then)
    for name, table in TABLES.items():
        if name in current.tables:
            found += table_differences(name, current.tables[name], table)
    return found


def _has_shipped_object(now: Contents, then: Contents) -> bool:
    """Whether an install was begun: a new database may hold what it has from model, and the tables come last."""
    return any(now.types.get(name) == type_ for name, type_ in then.types.items()) or any(
        same_procedure(now.procedures[name], procedure)
        for name, procedure in then.procedures.items()
        if name in now.procedures
    )


def _case_variants(now: Contents, then: Contents) -> list[str]:
    """Procedures whose name differs in case alone, as in ASP.NET 1.0: most collations take them for the same."""
    folded = {f"sql stored procedure dbo.{name}".casefold(): name for name in then.procedures}
    return [
        f"{other} is named dbo.{folded[other.casefold()]} today" for other in now.others if other.casefold() in folded
    ]


def plan_present(
    current: Database,
    type_: str,
    schema: Schema,
    choices: Choices,
    logins: Logins,
    *,
    adoption: Adoption = FULL,
    remove_leftovers: bool = False,
    live_leftovers: int | None = 0,
    discard_live_sessions: bool = False,
) -> Plan:
    """Create what is missing and alter what differs. Raises Refused where there are obstacles.

    `adoption` says what may be done with session state that is not built-in. `live_leftovers` are the live sessions in
    what would be removed as leftovers, None is "not known".
    """
    refuse_other_type(current, type_)
    refuse_forwarding(current.name, current.contents)
    if adoption.how == "report" and is_foreign(current):
        return Plan(describe(current), describe(current))
    desired = wanted(current, type_, schema, choices)
    found = _all_obstacles(current, desired, type_, adoption, choices)
    if found := found + owner_obstacles(current.properties, desired.properties, logins):
        raise Refused(
            f"database {current.name} is not one that can be brought up to date: {'; '.join(found)}. Nothing was "
            "touched; give another name in aspstate_database_name, or move what is there"
        )
    goal, desired = _goal(current, desired, adoption)
    changed = _differing(current, desired)
    steps = list(_steps(current, goal, desired, schema, logins))
    if remove_leftovers:
        if not discard_live_sessions:
            must_not_lose("tempdb", live_leftovers)
        steps += leftover_steps(current.leftovers, count=not discard_live_sessions)
    return Plan(
        before=describe(current, changed),
        after=describe(_afterwards(desired, goal, keep_leftovers=not remove_leftovers), changed),
        steps=tuple(steps),
    )


def generation(database: Database) -> Generation:
    """Which generation of session state a database holds."""
    return generation_of(database.contents, database.tables)


def is_foreign(database: Database) -> bool:
    """Whether it holds session state that this project has not made, or not adopted to the end."""
    return database.exists and not generation(database).is_built_in


def missing_or_different(current: Database, type_: str, schema: Schema, adoption: Adoption = FULL) -> list[str]:
    """Sentences: why plan_present would refuse, or else the steps that it would take, rights and choices apart."""
    try:
        refuse_other_type(current, type_)
        refuse_forwarding(current.name, current.contents)
    except Refused as refused:
        return [str(refused)]
    desired = wanted(current, type_, schema)
    if found := _all_obstacles(current, desired, type_, adoption):
        return found
    goal, desired = _goal(current, desired, adoption)
    return [step.sentence for step in _steps(current, goal, desired, schema, Logins("sa", "sa", "sa"))]


def _all_obstacles(
    current: Database, desired: Database, type_: str, adoption: Adoption, choices: Choices | None = None
) -> list[str]:
    found = obstacles(converted(current), desired, type_, choices)
    if is_foreign(current):
        found = list(adoption_obstacles(current, generation(current), adoption)) + found
    return found


def _goal(current: Database, desired: Database, adoption: Adoption) -> tuple[Database, Database]:
    """What is there when it is converted, and what is wanted then: of `procedures`, its tables as they are."""
    if adoption.how != "procedures" or not is_foreign(current):
        return converted(current), desired
    if set(current.tables) != set(TABLES):
        return current, desired
    if desired.type == "temporary":
        return current, replace(desired, outside=replace(desired.outside, tables=current.outside.tables))
    return current, replace(desired, contents=replace(desired.contents, tables=current.contents.tables))


def _differing(current: Database, desired: Database) -> set[str]:
    """The procedures that are there and are not as wanted."""
    now, then = current.contents.procedures, desired.contents.procedures
    found = {name for name in then if name in now and not same_procedure(now[name], then[name])}
    start, wanted_start = current.outside.startup, desired.outside.startup
    if start and wanted_start and not same_procedure(start, wanted_start):
        found.add(STARTUP)
    return found


def _afterwards(desired: Database, current: Database, *, keep_leftovers: bool) -> Database:
    """What will be there: what is wanted, and everything else that is there now."""
    now, then = current.contents, desired.contents
    differing = _differing(current, desired)
    same = {name: now.procedures[name] for name in now.procedures if name not in differing}
    contents = Contents(
        types={**then.types, **now.types},
        tables={**now.tables, **_with_kept_indexes(then.tables, now.tables)},
        procedures={**then.procedures, **same},
        others=now.others,
    )
    outside = replace(desired.outside, tables=_with_kept_indexes(desired.outside.tables, current.outside.tables))
    leftovers = current.leftovers if keep_leftovers else Outside()
    return replace(desired, contents=contents, outside=outside, leftovers=leftovers)


def _with_kept_indexes(then: dict[str, Table], now: dict[str, Table]) -> dict[str, Table]:
    return {name: _kept(table, now.get(name, table)) for name, table in then.items()}


def _kept(then: Table, now: Table) -> Table:
    return Table(now.columns, now.key, tuple(sorted({*then.indexes, *now.indexes})))


def _steps(current: Database, goal: Database, desired: Database, schema: Schema, logins: Logins) -> Iterator[Step]:
    name = current.name
    if not current.exists:
        yield create_step(name, desired.properties)
    yield from property_steps(name, current.properties, desired.properties)
    conversion = conversion_step(current, goal, schema, _differing(current, desired))
    if conversion:
        yield conversion
    else:
        yield from _object_steps(current, desired, schema)
    if desired.type == "temporary":
        differs = STARTUP in _differing(current, desired)
        definition = schema.startup
        yield from startup_steps(current.outside, desired.outside, definition, as_alter(definition), differs)
    missing = {} if conversion else _missing_tables(current.tables, desired.tables, desired.tables_in)
    if missing:
        sentence = f"create {', '.join(missing)}{' in tempdb' if desired.type == 'temporary' else ''}"
        rights = _rights(current, desired.tables_in, "CREATE TABLE") + _rights(current, name, may="EXECUTE")
        drift = tuple(missing.values())
        yield Step(sentence, "EXEC dbo.CreateTempTables", database=name, rights=rights, drift=drift)
    yield from owner_step(name, current.properties, desired.properties, logins)


def _object_steps(current: Database, desired: Database, schema: Schema) -> Iterator[Step]:
    name, now = current.name, current.contents
    for each, definition in schema.types.items():
        if each not in now.types:
            rights = _rights(current, name, "CREATE TYPE")
            drift = (Drift("ASP119", f"type dbo.{each} in database {name}", definition, "absent"),)
            yield Step(f"create type dbo.{each}", definition, database=name, rights=rights, drift=drift)
    differing = _differing(current, desired)
    for each, definition in schema.procedures.items():
        types = _rights(current, name, may="REFERENCES")  # the parameters are of alias types
        subject = f"procedure dbo.{each} in database {name}"
        if each not in now.procedures:
            rights = types + _rights(current, name, "CREATE PROCEDURE")
            drift = (Drift("ASP104", subject, "present", "absent"),)
            yield Step(f"create procedure dbo.{each}", definition, database=name, rights=rights, drift=drift)
        elif each in differing:
            rights = types + _rights(current, name)
            drift = (Drift("ASP119", subject, definition, procedure_text(now.procedures[each])),)
            yield Step(f"alter procedure dbo.{each}", as_alter(definition), database=name, rights=rights, drift=drift)


def _rights(current: Database, database: str, create: str = "", may: str = "ALTER") -> tuple[Right, ...]:
    """To change objects of schema dbo; whoever creates a database may do anything in it."""
    if database == current.name and not current.exists:
        return ()
    right = Right(may, "SCHEMA", "dbo", database)
    return (right, Right(create, "DATABASE", database=database)) if create else (right,)


def _missing_tables(now: dict[str, Table], then: dict[str, Table], where: str) -> dict[str, Drift]:
    missing = {}
    for name, table in sorted(then.items()):
        current, subject = now.get(name), f"table dbo.{name} in database {where}"
        if current is None:
            missing[f"table dbo.{name}"] = Drift("ASP105", subject, "present", "absent")
        else:
            for index in table.indexes:
                if index not in current.indexes:
                    missing[f"index {index} on dbo.{name}"] = Drift("ASP111", subject, index, list(current.indexes))
    return missing
