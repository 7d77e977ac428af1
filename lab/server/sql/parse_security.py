"""Logins, users, roles, owners, and GRANT, DENY and REVOKE."""

from __future__ import annotations

from collections.abc import Callable

from lab.server.sql import ast, security_ast
from lab.server.sql.lexer import Kind
from lab.server.sql.parse_literals import at_string, literal, literal_or_variable
from lab.server.sql.reader import Reader

_LOGIN_OPTIONS = (
    "CHECK_EXPIRATION",
    "CHECK_POLICY",
    "CREDENTIAL",
    "DEFAULT_DATABASE",
    "DEFAULT_LANGUAGE",
    "NAME",
    "SID",
)


def _create_login(reader: Reader) -> security_ast.CreateLogin:
    line = _login_verb(reader)
    name = reader.name()
    if reader.accept("FROM"):
        if not reader.accept("WINDOWS"):
            raise reader.unsupported(f"CREATE LOGIN ... FROM {reader.token.text}")
        if reader.at("WITH"):
            raise reader.unsupported("CREATE LOGIN ... FROM WINDOWS WITH")
        return security_ast.CreateLogin(name, "", windows=True, line=line)
    password = _password(reader)
    check_policy, sid = True, None
    while reader.accept(","):
        if reader.accept("SID"):
            reader.expect("=")
            sid = literal(reader).value if reader.token.kind is Kind.HEXADECIMAL else None
            if sid is None:
                raise reader.syntax_error()
            continue
        if not reader.at("CHECK_POLICY"):
            reader.refuse(_LOGIN_OPTIONS)
        reader.expect("CHECK_POLICY")
        reader.expect("=")
        check_policy = reader.expect("ON", "OFF").upper == "ON"
    return security_ast.CreateLogin(name, password, check_policy, sid, line=line)


def _alter_login(reader: Reader) -> security_ast.AlterLogin:
    line = _login_verb(reader)
    name = reader.name()
    reader.refuse(("ADD", "DISABLE", "DROP", "ENABLE"))
    password = _password(reader)
    reader.refuse(("OLD_PASSWORD", "UNLOCK"))
    if reader.at(","):
        raise reader.unsupported(f"ALTER LOGIN ..., {reader.peek().text}")
    return security_ast.AlterLogin(name, password, line=line)


def _login_verb(reader: Reader) -> int:
    if reader.scope.is_procedure:  # its definition would keep the password readable
        raise reader.unsupported(f"{reader.token.text} LOGIN in a procedure")
    line = reader.next().line
    reader.expect("LOGIN")
    return line


def _password(reader: Reader) -> str:
    reader.expect("WITH")
    reader.refuse(_LOGIN_OPTIONS)
    reader.expect("PASSWORD")
    reader.expect("=")
    password = reader.expect_kind(Kind.STRING, Kind.NATIONAL_STRING).value
    reader.refuse(("HASHED", "MUST_CHANGE"))
    return password


def _create_user(reader: Reader) -> security_ast.CreateUser:
    line = reader.next().line
    reader.expect("USER")
    name = reader.name()
    if not reader.ahead("FOR", "LOGIN"):
        raise reader.unsupported("CREATE USER without FOR LOGIN")
    reader.accept_sequence("FOR", "LOGIN")
    login = reader.name()
    if reader.at("WITH"):
        raise reader.unsupported("CREATE USER ... WITH")
    return security_ast.CreateUser(name, login, line=line)


def _alter_user(reader: Reader) -> security_ast.AlterUser:
    line = reader.next().line
    reader.expect("USER")
    name = reader.name()
    reader.expect("WITH")
    if not reader.at("LOGIN"):
        raise reader.unsupported(f"ALTER USER ... WITH {reader.token.text}")
    reader.next()
    reader.expect("=")
    login = reader.name()
    if reader.at(","):
        raise reader.unsupported(f"ALTER USER ... WITH LOGIN, {reader.peek().text}")
    return security_ast.AlterUser(name, login, line=line)


def _create_role(reader: Reader) -> security_ast.CreateRole:
    line = reader.next().line
    reader.expect("ROLE")
    name = reader.name()
    if reader.at("AUTHORIZATION"):
        raise reader.unsupported("CREATE ROLE ... AUTHORIZATION")
    return security_ast.CreateRole(name, line=line)


def _alter_role(reader: Reader) -> security_ast.AlterRole:
    line = reader.next().line
    reader.expect("ROLE")
    return security_ast.AlterRole(*_membership(reader), line=line)


def _alter_server_role(reader: Reader) -> security_ast.AlterServerRole:
    line = reader.next().line
    reader.expect("SERVER")
    reader.expect("ROLE")
    return security_ast.AlterServerRole(*_membership(reader), line=line)


def _membership(reader: Reader) -> tuple[str, str, bool]:
    role = reader.name()
    if reader.at("WITH"):
        raise reader.unsupported("ALTER ROLE ... WITH")
    adds = reader.expect("ADD", "DROP").upper == "ADD"
    reader.expect("MEMBER")
    return role, reader.name(), adds


def _alter_authorization(reader: Reader) -> security_ast.AlterAuthorization:
    line = reader.next().line
    reader.expect("AUTHORIZATION")
    reader.expect("ON")
    if not reader.ahead("DATABASE", ":", ":"):
        raise reader.unsupported(f"ALTER AUTHORIZATION ON {reader.token.text}")
    reader.accept_sequence("DATABASE", ":", ":")
    database = reader.name()
    reader.expect("TO")
    if reader.ahead("SCHEMA", "OWNER"):
        raise reader.unsupported("SCHEMA OWNER")
    return security_ast.AlterAuthorization(database, reader.name(), line=line)


def drop(reader: Reader) -> ast.Statement:
    """DROP of what `DROPPED` names."""
    line = reader.next().line
    node = DROPPED[reader.next().upper]
    if reader.at("IF"):
        raise reader.unsupported("IF EXISTS")
    return node(reader.name(), line=line)


CREATED: dict[str, Callable[[Reader], ast.Statement]] = {
    "LOGIN": _create_login,
    "ROLE": _create_role,
    "USER": _create_user,
}
ALTERED: dict[str, Callable[[Reader], ast.Statement]] = {
    "AUTHORIZATION": _alter_authorization,
    "LOGIN": _alter_login,
    "ROLE": _alter_role,
    "SERVER": _alter_server_role,
    "USER": _alter_user,
}
DROPPED = {"LOGIN": security_ast.DropLogin, "ROLE": security_ast.DropRole, "USER": security_ast.DropUser}
"""By the word after CREATE, ALTER or DROP."""


# Impersonation


def execute_as(reader: Reader, line: int) -> security_ast.ExecuteAs:
    """EXECUTE AS LOGIN = name; EXECUTE is taken already."""
    reader.expect("AS")
    if not reader.accept("LOGIN"):
        raise reader.unsupported(f"EXECUTE AS {reader.token.text}")
    reader.expect("=")
    if not (at_string(reader) or reader.token.kind is Kind.VARIABLE):
        raise reader.syntax_error()
    login = literal_or_variable(reader)
    if reader.at("WITH"):
        raise reader.unsupported("EXECUTE AS ... WITH")
    return security_ast.ExecuteAs(login, line=line)


def revert(reader: Reader) -> security_ast.Revert:
    """REVERT."""
    line = reader.expect("REVERT").line
    if reader.at("WITH"):
        raise reader.unsupported("REVERT WITH")
    return security_ast.Revert(line=line)


# Permissions

_KINDS = ("DATABASE", "LOGIN", "OBJECT", "SCHEMA", "TYPE")


def permission(reader: Reader) -> security_ast.ChangePermissions:
    """GRANT, DENY or REVOKE."""
    verb = reader.expect("GRANT", "DENY", "REVOKE")
    if reader.ahead("GRANT", "OPTION"):
        raise reader.unsupported("REVOKE GRANT OPTION FOR")
    permissions = [_permission_name(reader)]
    while reader.accept(","):
        permissions.append(_permission_name(reader))
    kind, name = _securable(reader) if reader.accept("ON") else (None, None)
    reader.expect(*(("TO", "FROM") if verb.upper == "REVOKE" else ("TO",)))
    grantees = [_grantee(reader)]
    while reader.accept(","):
        grantees.append(_grantee(reader))
    if reader.at("AS", "CASCADE", "WITH"):
        raise reader.unsupported(f"{verb.text} ... {reader.token.text} {reader.peek().text}".strip())
    return security_ast.ChangePermissions(verb.upper, tuple(permissions), kind, name, tuple(grantees), line=verb.line)


def _permission_name(reader: Reader) -> str:
    words = [reader.expect_kind(Kind.WORD).upper]
    while reader.token.kind is Kind.WORD and not reader.at("FROM", "ON", "TO"):
        words.append(reader.next().upper)
    if reader.at("("):
        raise reader.unsupported("permissions on columns")
    if words[0] in ("ALL", "EXEC"):
        raise reader.unsupported(words[0])
    return " ".join(words)


def _securable(reader: Reader) -> tuple[str, ast.ObjectName]:
    kind = "OBJECT"
    if reader.peek().upper == ":" and reader.peek(2).upper == ":":
        kind = reader.expect_kind(Kind.WORD).upper
        if kind not in _KINDS:
            raise reader.unsupported(f"{kind}::")
        reader.accept_sequence(":", ":")
    return kind, reader.object_name()


def _grantee(reader: Reader) -> str:
    return reader.next().value if reader.at("PUBLIC") else reader.name()
