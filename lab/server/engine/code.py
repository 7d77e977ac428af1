"""What a text is made into before it runs: its instructions, variables and parameters."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from lab.server.engine.database import Procedure
from lab.server.engine.names import NameSpace
from lab.server.engine.program import Instruction, compile_statements
from lab.server.sql import ast
from lab.server.sql.parser import parse, parse_parameters
from lab.server.sql.scope import no_image
from lab.server.types import IMAGE, SqlType

CACHED_TEXTS = 300
LARGEST_CACHED_TEXT = 8000


@dataclass(frozen=True)
class CodeParameter:
    """A parameter; its value is the variable of the same number. `default` is None if a call must give it."""

    name: str
    type: SqlType
    default: ast.Literal | None
    output: bool


@dataclass(eq=False)
class Code:
    """A batch (without name, object id and procedure), a procedure, or sp_executesql's; `text` is its source."""

    instructions: list[Instruction]
    variables: dict[str, tuple[int, SqlType]]
    parameters: tuple[CodeParameter, ...] = ()
    name: str = ""
    object_id: int = 0
    text: str = ""
    procedure: Procedure | None = None


class CodeCache:
    """The texts that ran last."""

    def __init__(self) -> None:
        self._found: OrderedDict[Any, Code] = OrderedDict()

    def text(self, session: Any, text: str, parameters: str = "") -> Code:
        """A batch, or a text with the parameters that sp_executesql declares for it. Raises what the parser raises."""
        quoted_identifier = session.options.quoted_identifier
        key = (text, parameters, quoted_identifier, session.current, session.engine.schema_version)
        code = self._found.get(key)
        if code is None:
            code = _compile(session, text, parameters, quoted_identifier)
            if len(text) <= LARGEST_CACHED_TEXT:
                self._found[key] = code
                if len(self._found) > CACHED_TEXTS:
                    self._found.popitem(last=False)
        else:
            self._found.move_to_end(key)
        return code


def _compile(session: Any, text: str, parameters: str, quoted_identifier: bool) -> Code:
    names = NameSpace(session, session.current)
    declared = _parameters(names, parse_parameters(parameters))
    batch = parse(text, quoted_identifier, [one.name for one in declared])
    variables = _variables(names, declared, batch.variables)
    return Code(compile_statements(batch.statements), variables, declared, text=text)


def procedure_code(session: Any, procedure: Procedure) -> Code:
    """The code of a procedure; made once, as long as it is not altered."""
    if procedure.code is None:
        database = session.engine.database_by_id(procedure.database_id)
        names = NameSpace(session, database)
        definition = parse(procedure.definition, procedure.quoted_identifier).statements[0]
        parameters = _parameters(names, definition.parameters)
        procedure.code = Code(
            compile_statements(definition.body),
            _variables(names, parameters, definition.variables),
            parameters,
            procedure.full_name,
            procedure.object_id,
            procedure.definition,
            procedure,
        )
    return procedure.code


def _parameters(names: NameSpace, written: tuple[ast.Parameter, ...]) -> tuple[CodeParameter, ...]:
    return tuple(CodeParameter(one.name, names.type(one.type).type, one.default, one.output) for one in written)


def _variables(
    names: NameSpace, parameters: tuple[CodeParameter, ...], declared: tuple[ast.Declaration, ...]
) -> dict[str, tuple[int, SqlType]]:
    types = [(one.name, one.type) for one in parameters]
    types += [(one.name, _local(names, one)) for one in declared]
    return {name.lower(): (place, type_) for place, (name, type_) in enumerate(types)}


def _local(names: NameSpace, declared: ast.Declaration) -> SqlType:
    """The type of a variable; raises 2739 for an alias type that is image."""
    type_ = names.type(declared.type).type
    if type_ == IMAGE:
        raise no_image(declared.line)
    return type_
