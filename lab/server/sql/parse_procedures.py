"""CREATE and ALTER PROCEDURE, and EXEC."""

from __future__ import annotations

from lab.server.errors import SqlError, unsupported
from lab.server.sql import ast, parse_security, parse_statements, parse_types
from lab.server.sql.lexer import Kind
from lab.server.sql.parse_literals import LITERALS, at_string, literal_or_variable, national_literal, signed_literal
from lab.server.sql.reader import Reader
from lab.server.sql.scope import Scope, parse_error

_OUTPUT = ("OUT", "OUTPUT")


def create_procedure(reader: Reader) -> ast.CreateProcedure:
    """CREATE or ALTER PROCEDURE: the first statement of its batch (111 otherwise), to the end of the batch."""
    verb = reader.expect("CREATE", "ALTER")
    reader.expect("PROC", "PROCEDURE")
    if reader.peek(-2) is not reader.tokens[0]:
        raise parse_error(111, "'CREATE/ALTER PROCEDURE' must be the first statement in a query batch.", verb.line)
    name = reader.object_name()
    if reader.at(";"):
        raise reader.unsupported("; number")
    if len(name.parts) == 3:
        text = "'CREATE/ALTER PROCEDURE' does not allow specifying the database name as a prefix to the object name."
        raise parse_error(166, text, verb.line)
    reader.scope = Scope(is_procedure=True)
    parameters = _parameters(reader)
    if reader.at("WITH", "FOR"):
        raise reader.unsupported(f"{reader.token.text} {reader.peek().text}")
    reader.expect("AS")
    reader.refuse(("EXTERNAL",))
    body = parse_statements.statements(reader)
    if not body or reader.token.kind is not Kind.END:
        raise reader.syntax_error()
    reader.scope.check_gotos()
    definition = f"{reader.text[: verb.start]}CREATE{reader.text[verb.start + len(verb.text) :]}"
    if verb.upper == "CREATE":
        definition = reader.text
    variables = tuple(reader.scope.variables)
    return ast.CreateProcedure(name, parameters, body, definition, verb.upper == "ALTER", variables, line=verb.line)


def _parameters(reader: Reader) -> tuple[ast.Parameter, ...]:
    in_parentheses = bool(reader.accept("("))
    parameters = parameter_list(reader) if in_parentheses or reader.token.kind is Kind.VARIABLE else ()
    if in_parentheses:
        reader.expect(")")
    return parameters


def parameter_list(reader: Reader) -> tuple[ast.Parameter, ...]:
    """Take parameters with commas between them and declare them; at least one."""
    parameters = [_parameter(reader)]
    while reader.accept(","):
        parameters.append(_parameter(reader))
    reader.scope.declare([parameter.name for parameter in parameters], parameters[0].line)
    return tuple(parameters)


def _parameter(reader: Reader) -> ast.Parameter:
    token = reader.expect_kind(Kind.VARIABLE)
    reader.accept("AS")
    type_ = parse_types.type_name(reader)
    reader.refuse(("NOT", "NULL", "VARYING"))
    default = None
    if reader.accept("="):
        default = _bare_word(reader) if reader.at_name() else signed_literal(reader)
    output = bool(reader.accept(*_OUTPUT))
    reader.refuse(("READONLY",))
    return ast.Parameter(token.value, type_, default, output, line=token.line)


def _bare_word(reader: Reader) -> ast.Literal:
    """A name where a constant belongs is a string."""
    line = reader.token.line
    return national_literal(reader.name(), line)


def execute(reader: Reader) -> ast.Statement:
    """EXEC (text), EXEC [@result =] procedure arguments, or EXECUTE AS."""
    line = reader.expect("EXEC", "EXECUTE").line
    if reader.at("("):
        return _execute_string(reader, line)
    if reader.at("AS"):
        return parse_security.execute_as(reader, line)
    result = None
    if reader.token.kind is Kind.VARIABLE and reader.peek().upper == "=":
        result = reader.variable_name()
        reader.next()
    return call(reader, line, result)


def call(reader: Reader, line: int, result: str | None = None) -> ast.ExecuteProcedure:
    """Take a procedure's name and its arguments."""
    if reader.token.kind is Kind.VARIABLE:
        variable_line = reader.token.line
        procedure = ast.Variable(reader.variable_name(), line=variable_line)
    else:
        procedure = reader.object_name()
    arguments = _arguments(reader) if _at_argument(reader) else ()
    if reader.at("WITH"):
        raise reader.unsupported(f"WITH {reader.peek().text}")
    return ast.ExecuteProcedure(procedure, arguments, result, line=line)


def _execute_string(reader: Reader, line: int) -> ast.ExecuteString:
    reader.expect("(")
    text: ast.Expression = _string_part(reader)
    while reader.accept("+"):
        text = ast.Binary("+", text, _string_part(reader), line=text.line)
    reader.expect(")")
    if reader.at("AS", "AT"):
        raise unsupported(f"EXEC (...) {reader.token.text}", line)
    return ast.ExecuteString(text, line=line)


def _string_part(reader: Reader) -> ast.Expression:
    if not (at_string(reader) or reader.token.kind is Kind.VARIABLE):
        raise reader.syntax_error()
    return literal_or_variable(reader)


def _at_argument(reader: Reader) -> bool:
    if reader.token.kind is Kind.VARIABLE or reader.token.kind in LITERALS or at_string(reader):
        return True
    return reader.at("NULL", "DEFAULT", "-", "+") or (reader.at_name() and not reader.at_label())


def _arguments(reader: Reader) -> tuple[ast.Argument, ...]:
    arguments = [_argument(reader)]
    while reader.accept(","):
        argument = _argument(reader)
        if argument.name is None and arguments[-1].name is not None:
            raise _positional_after_named(len(arguments) + 1, argument.line)
        arguments.append(argument)
    return tuple(arguments)


def _positional_after_named(number: int, line: int) -> SqlError:
    text = (
        f"Must pass parameter number {number} and subsequent parameters as '@name = value'. After the form"
        " '@name = value' has been used, all subsequent parameters must be passed in the form '@name = value'."
    )
    return parse_error(119, text, line)


def _argument(reader: Reader) -> ast.Argument:
    line = reader.token.line
    name = None
    if reader.token.kind is Kind.VARIABLE and reader.peek().upper == "=":
        name = reader.next().value
        reader.next()
    if reader.accept("DEFAULT"):
        return ast.Argument(name, ast.DefaultValue(line=line), line=line)
    value = _bare_word(reader) if reader.at_name() else literal_or_variable(reader)
    output = bool(reader.accept(*_OUTPUT))
    if output and not isinstance(value, ast.Variable):
        raise parse_error(179, "Cannot use the OUTPUT option when passing a constant to a stored procedure.", line)
    return ast.Argument(name, value, output, line=line)
