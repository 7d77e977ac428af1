"""Control flow: blocks, IF, WHILE, TRY, GOTO, and the statements that raise, print, return or wait."""

from __future__ import annotations

from lab.server.sql import ast, parse_expressions, parse_statements
from lab.server.sql.lexer import Kind
from lab.server.sql.parse_literals import at_string, literal, literal_or_variable
from lab.server.sql.reader import Reader
from lab.server.sql.scope import parse_error

_BEGIN_EXPRESSION = ("CASE", "COALESCE", "CONVERT", "LEFT", "NULL", "NULLIF", "RIGHT", "(", "-", "+", "~")
_MAXIMUM_ARGUMENTS = 20


def block(reader: Reader) -> ast.Block | ast.TryCatch:
    """BEGIN ... END, or BEGIN TRY ... END TRY BEGIN CATCH ... END CATCH."""
    line = reader.expect("BEGIN").line
    if reader.at("ATOMIC", "CONVERSATION", "DIALOG", "DISTRIBUTED"):
        raise reader.unsupported(f"BEGIN {reader.token.text}")
    if reader.accept("TRY"):
        return _try_catch(reader, line)
    statements = _statements_to_end(reader)
    reader.expect("END")
    return ast.Block(statements, line=line)


def _try_catch(reader: Reader, line: int) -> ast.TryCatch:
    around = reader.scope.tries
    reader.scope.tries = (*around, reader.position)
    body = _statements_to_end(reader)
    reader.expect("END")
    reader.expect("TRY")
    reader.accept(";")
    reader.expect("BEGIN")
    reader.expect("CATCH")
    reader.scope.tries = (*around, reader.position)
    handler = () if reader.at("END") else _statements_to_end(reader)
    reader.scope.tries = around
    reader.expect("END")
    reader.expect("CATCH")
    return ast.TryCatch(body, handler, line=line)


def _statements_to_end(reader: Reader) -> tuple[ast.Statement, ...]:
    statements = parse_statements.statements(reader)
    if not statements:
        raise reader.syntax_error()
    return statements


def if_statement(reader: Reader) -> ast.If:
    """IF condition statement [ELSE statement]; a semicolon may stand before ELSE."""
    line = reader.expect("IF").line
    condition = parse_expressions.condition(reader)
    then = parse_statements.statement(reader)
    if reader.ahead(";", "ELSE"):
        reader.next()
    otherwise = parse_statements.statement(reader) if reader.accept("ELSE") else None
    return ast.If(condition, then, otherwise, line=line)


def while_statement(reader: Reader) -> ast.While:
    """WHILE condition statement."""
    line = reader.expect("WHILE").line
    condition = parse_expressions.condition(reader)
    reader.scope.loops += 1
    body = parse_statements.statement(reader)
    reader.scope.loops -= 1
    return ast.While(condition, body, line=line)


def break_statement(reader: Reader) -> ast.Break:
    """BREAK; raises 135 outside WHILE."""
    line = reader.expect("BREAK").line
    if not reader.scope.loops:
        text = "Cannot use a BREAK statement outside the scope of a WHILE statement."
        raise parse_error(135, text, line)
    return ast.Break(line=line)


def continue_statement(reader: Reader) -> ast.Continue:
    """CONTINUE; raises 136 outside WHILE."""
    line = reader.expect("CONTINUE").line
    if not reader.scope.loops:
        text = "Cannot use a CONTINUE statement outside the scope of a WHILE statement."
        raise parse_error(136, text, line)
    return ast.Continue(line=line)


def goto(reader: Reader) -> ast.Goto:
    """GOTO label; the label may come later."""
    line = reader.expect("GOTO").line
    node = ast.Goto(reader.name(), line=line)
    reader.scope.gotos.append((node, reader.scope.tries))
    return node


def label(reader: Reader) -> ast.Label:
    """`name:`."""
    line = reader.token.line
    name = reader.name()
    reader.expect(":")
    reader.scope.label(name, line)
    return ast.Label(name, line=line)


def throw(reader: Reader) -> ast.Throw:
    """THROW, or THROW number, message, state."""
    line = reader.expect("THROW").line
    if not (reader.token.kind in (Kind.INTEGER, Kind.VARIABLE) or at_string(reader)):
        return ast.Throw(line=line)
    number = literal_or_variable(reader)
    reader.expect(",")
    message = literal_or_variable(reader)
    reader.expect(",")
    return ast.Throw(number, message, literal_or_variable(reader), line=line)


def raise_error(reader: Reader) -> ast.RaiseError:
    """RAISERROR (message, severity, state, arguments) WITH options."""
    line = reader.expect("RAISERROR").line
    if not reader.accept("("):
        raise reader.syntax_error()  # RAISERROR 50001 'text' went with SQL Server 2012
    if reader.token.kind is Kind.INTEGER:
        raise reader.unsupported(f"RAISERROR({reader.token.text}, ...)")
    message = literal_or_variable(reader)
    reader.expect(",")
    severity = literal_or_variable(reader)
    reader.expect(",")
    state = literal_or_variable(reader)
    arguments = []
    while reader.accept(","):
        arguments.append(literal_or_variable(reader))
    reader.expect(")")
    if len(arguments) > _MAXIMUM_ARGUMENTS:
        text = f"Too many substitution parameters for RAISERROR. Cannot exceed {_MAXIMUM_ARGUMENTS}"
        raise parse_error(2747, f"{text} substitution parameters.", line)
    return ast.RaiseError(message, severity, state, tuple(arguments), _raise_options(reader), line=line)


def _raise_options(reader: Reader) -> tuple[str, ...]:
    if not reader.accept("WITH"):
        return ()
    options = [reader.expect("LOG", "NOWAIT", "SETERROR").upper]
    while reader.accept(","):
        options.append(reader.expect("LOG", "NOWAIT", "SETERROR").upper)
    return tuple(options)


def read_text(reader: Reader) -> ast.ReadText:
    """READTEXT table.column pointer offset size."""
    line = reader.expect("READTEXT").line
    *table, column = reader.dotted_name()
    if not 1 <= len(table) <= 3:
        raise reader.syntax_error(reader.previous())
    pointer, offset, size = (literal_or_variable(reader) for _ in range(3))
    reader.refuse(("HOLDLOCK",))
    return ast.ReadText(ast.ObjectName(tuple(table), line=line), column, pointer, offset, size, line=line)


def print_statement(reader: Reader) -> ast.Print:
    """PRINT value."""
    line = reader.expect("PRINT").line
    return ast.Print(parse_expressions.expression(reader), line=line)


def return_statement(reader: Reader) -> ast.Return:
    """RETURN [value]; raises 178 for a value outside a procedure."""
    line = reader.expect("RETURN").line
    if not _at_expression(reader):
        return ast.Return(line=line)
    if not reader.scope.is_procedure:
        raise parse_error(178, "A RETURN statement with a return value cannot be used in this context.", line)
    return ast.Return(parse_expressions.expression(reader), line=line)


def _at_expression(reader: Reader) -> bool:
    """Whether a value stands here, rather than the next statement or the end."""
    if reader.token.kind in (Kind.INTEGER, Kind.VARIABLE, Kind.HEXADECIMAL, Kind.DECIMAL) or at_string(reader):
        return True
    return reader.at(*_BEGIN_EXPRESSION) or (reader.at_name() and not reader.at_label() and not reader.at("THROW"))


def kill(reader: Reader) -> ast.Kill:
    """KILL number."""
    line = reader.expect("KILL").line
    if reader.token.kind is not Kind.INTEGER:
        raise reader.unsupported(f"KILL {reader.token.text}")
    node = ast.Kill(reader.whole_number(), line=line)
    if reader.at("WITH"):
        raise reader.unsupported(f"KILL ... WITH {reader.peek().text}")
    return node


def wait_for(reader: Reader) -> ast.WaitForDelay:
    """WAITFOR DELAY 'hh:mm:ss'."""
    line = reader.expect("WAITFOR").line
    if not reader.accept("DELAY"):
        raise reader.unsupported(f"WAITFOR {reader.token.text}")
    delay = literal(reader) if at_string(reader) else reader.variable()
    return ast.WaitForDelay(delay, line=line)
