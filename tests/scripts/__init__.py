"""Session-state scripts of the project's own making, in the dialects that old installations were made with.

What they are and where their facts are from: README.md. As in aspnet_regsql, variants are
made by replacing text.
"""

from __future__ import annotations

import re
from pathlib import Path

from lab.expiry_forms import ONE_DELETE, ROW_BY_ROW, ROW_BY_ROW_TESTED

DIALECTS = ("1.1", "2.0", "4.x")
FORMS = ("1.1", "2.0", "kb973849", "4.0", "4.x")
"""Of DeleteExpiredSessions."""

PLACEHOLDER = "DatabaseNamePlaceHolder"
"""The name of the database in the script for type custom, as it is before an operator fills it in."""

_HERE = Path(__file__).parent
_FILES = {"temporary": "SqlState.sql", "persisted": "PersistSqlState.sql", "custom": "SqlStateTemplate.sql"}
_MARKERS = {"temporary": "'sstype_temp'", "persisted": "'sstype_persisted'", "custom": "'sstype_custom'"}
_TEMPORARY_ONLY = re.compile(r"-- <temporary>\n(?P<part>.*?)-- </temporary>\n", re.DOTALL)


def script(dialect: str, verb: str, type_: str, name: str = "ASPState", form: str | None = None) -> str:
    """A whole script, with its GO lines.

    `dialect` is one of DIALECTS, `verb` install or uninstall, `type_` temporary, persisted or (not in 1.1) custom.
    `name` is the session database, for type custom PLACEHOLDER to have the template as it is. `form` is one of FORMS,
    by default the dialect's own.
    """
    if (dialect, type_) == ("1.1", "custom"):
        raise ValueError("ASP.NET 1.1 knows no type custom")
    text = (_HERE / ("1.1" if dialect == "1.1" else "2.0") / f"{verb}.sql").read_text(encoding="utf-8")
    text = _TEMPORARY_ONLY.sub(r"\g<part>" if type_ == "temporary" else "", text)
    text = text.replace("{DeleteExpiredSessions}", _form(form or dialect)).replace("{dialect}", dialect)
    text = text.replace("{minutes}", "@timeout" if dialect == "4.x" else "Timeout")
    return _for_type(text, type_, name)


def delete_expired(form: str, type_: str = "persisted", name: str = "ASPState") -> str:
    """One batch that creates DeleteExpiredSessions in one of FORMS; run it in the session database."""
    return _for_type(_form(form), type_, name)


def file_name(verb: str, type_: str) -> str:
    """How operators know the script: InstallSqlState.sql for `install` and `temporary`."""
    return verb.capitalize() + _FILES[type_]


def _form(form: str) -> str:
    """4.0 kept the hotfix of KB973849, with a test of Expires and SessionId in another case, which 4.x repaired."""
    text = {"1.1": ONE_DELETE, "2.0": ONE_DELETE, "kb973849": ROW_BY_ROW}.get(form, ROW_BY_ROW_TESTED)
    text = text.replace("dbo.ASPStateTempSessions", "[tempdb].dbo.ASPStateTempSessions")
    return text.replace("SessionId", "SessionID") if form == "4.0" else text


def _for_type(text: str, type_: str, name: str) -> str:
    """What aspnet_regsql replaces; the tables of type temporary stay in tempdb."""
    text = text.replace(_MARKERS["temporary"], _MARKERS[type_])
    if type_ != "temporary":
        text = text.replace("[tempdb]", f"[{name}]")
    return text.replace("[ASPState]", f"[{name}]").replace("'ASPState'", f"'{name}'")
