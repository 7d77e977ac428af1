"""Connection strings are read as SqlClient reads them, and shown without their secrets."""

from __future__ import annotations

import pytest
from aspstate.connection_string import Malformed, has_password, masked, names_database, parse, public, with_database
from hypothesis import given
from hypothesis import strategies as st

READ: dict[str, tuple[str, dict[str, str]]] = {
    "synonyms": (
        "Server=a;Database=b;Uid=c;PWD=d",
        {"data source": "a", "initial catalog": "b", "user id": "c", "password": "d"},
    ),
    "blanks": (" ;; Data  Source = a b ;\tTimeout= 5; ", {"data source": "a b", "connect timeout": "5"}),
    "quotes": ("""Pwd="a;b""c";User='d''e;'""", {"password": 'a;b"c', "user id": "d'e;"}),
    "a quote in the middle": ("Pwd=a'b;App=x", {"password": "a'b", "application name": "x"}),
    "signs in a value": ("Pwd=a=b==c", {"password": "a=b==c"}),
    "a doubled sign in a keyword": ("a==b=c", {"a=b": "c"}),
    "the last of two counts": ("Server=a;Address=b", {"data source": "b"}),
    "no value, no keyword": ("Server=a;Database=;", {"data source": "a"}),
    "a later blank takes it away": ("Server=a;Data Source=", {}),
    "nothing": ("", {}),
}


@pytest.mark.parametrize(("text", "values"), READ.values(), ids=READ)
def test_a_connection_string_is_read(text: str, values: dict[str, str]) -> None:
    assert parse(text) == values


@pytest.mark.parametrize("text", ["s3cr3t", "Server=a;s3cr3t", "Pwd='s3cr3t", 'Pwd="a"s3cr3t', "=s3cr3t", "Pwd='a'b'"])
def test_a_malformed_one_is_said_to_be_without_repeating_it(text: str) -> None:
    with pytest.raises(Malformed, match="at character") as refused:
        parse(text)
    assert "s3cr3t" not in str(refused.value)
    assert masked(text) == "********"


def test_the_database_and_the_password_are_told_by_any_name() -> None:
    for name in ("Database", "initial catalog", "AttachDbFileName", "Initial File Name", "extended properties"):
        assert names_database(parse(f"Server=a;{name}=b")), name
    assert not names_database(parse("Server=a;Database="))
    assert has_password(parse("pwd=1"))
    assert not has_password(parse("Trusted_Connection=yes"))


quoted = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(lambda text: "QQ" + text)


@given(quoted, quoted)
def test_what_is_shown_holds_no_secret_and_no_unknown_keyword(password: str, other: str) -> None:
    as_value = '"' + password.replace('"', '""') + '"'
    keyword = other.replace("=", "").strip() or "x"
    text = f"Server=sql01;pwd={as_value};{keyword.replace(';', '')}=QQQQ;app=shop"
    assert parse(text)["password"] == password
    assert "QQ" not in masked(text)
    assert public(parse(text)) == {"data source": "sql01", "application name": "shop"}


CHANGED = {
    "none yet": ("Server=a;User=b", "Shop", "Server=a;User=b;Initial Catalog=Shop"),
    "another": ("Server=a;Database=x;User=b", "Shop", "Server=a;User=b;Initial Catalog=Shop"),
    "several": ("Database=x;Server=a; initial catalog = 'y' ;", "Shop", "Server=a;Initial Catalog=Shop"),
    "a name with a blank": ("Server=a;", "my shop", "Server=a;Initial Catalog='my shop'"),
    "taken out": ("Server=a;Database=x", "", "Server=a;"),
    "none to take out": ("Server=a; Pwd='x;y'", "", "Server=a; Pwd='x;y'"),
}


@pytest.mark.parametrize(("text", "database", "changed"), CHANGED.values(), ids=CHANGED)
def test_just_the_database_is_changed(text: str, database: str, changed: str) -> None:
    assert with_database(text, database) == changed
    expected = {name: value for name, value in parse(text).items() if name != "initial catalog"}
    assert parse(changed) == expected | ({"initial catalog": database} if database else {})
