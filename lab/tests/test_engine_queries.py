"""SELECT: what comes back, in which order, under which names."""

from __future__ import annotations

import pytest

from lab.server.types import INT, SqlType
from lab.tests.recorder import log_in, ok, open_engine, run


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    engine = open_engine(tmp_path_factory.mktemp("data"))
    session = log_in(engine)
    ok(
        session,
        "CREATE DATABASE shop",
        "USE shop",
        "CREATE TABLE item (id int NOT NULL PRIMARY KEY, kind varchar(10) NULL, price int NULL)",
        "CREATE TABLE sale (item_id int NOT NULL, day datetime NOT NULL, amount int NOT NULL)",
        "CREATE INDEX by_day ON sale (day)",
        "CREATE INDEX by_item_day ON sale (item_id, day)",
        "INSERT item VALUES (1, 'fruit', 30), (2, 'Fruit ', 20), (3, 'nut', NULL), (4, NULL, 5)",
        "INSERT sale VALUES (1, '20240101', 2), (1, '20240102', 3), (2, '20240102', 5), (9, '20240103', 7)",
    )
    yield session
    session.close()
    engine.close()


ROWS = {
    "a key finds one row": ("SELECT price FROM item WHERE id = 2", [(20,)]),
    "a key finds nothing": ("SELECT price FROM item WHERE id = 20", []),
    "a value may begin with a query in parentheses": (
        "SELECT ((SELECT 1) + 1), 2 WHERE ((SELECT 3) > 2) AND 4 IN ((SELECT 4), 5) AND 1 IN ((SELECT 1))",
        [(2, 2)],
    ),
    "a part of a UNION may stand in parentheses": (
        "((SELECT 1) UNION (SELECT 2)) UNION ALL SELECT 2",
        [(1,), (2,), (2,)],
    ),
    "a NULL finds nothing": ("SELECT price FROM item WHERE id = NULL", []),
    "a range by index": ("SELECT item_id FROM sale WHERE day < '20240102'", [(1,)]),
    "a range with both ends": (
        "SELECT amount FROM sale WHERE day > '20240101' AND day <= '20240102' ORDER BY amount",
        [(3,), (5,)],
    ),
    "a prefix and a range": ("SELECT amount FROM sale WHERE item_id = 1 AND day >= '20240102'", [(3,)]),
    "the value may stand first": ("SELECT amount FROM sale WHERE '20240102' < day", [(7,)]),
    "text ignores case and blanks at its end": ("SELECT id FROM item WHERE kind = 'FRUIT' ORDER BY id", [(1,), (2,)]),
    "unknown is not true": ("SELECT id FROM item WHERE NOT kind = 'nut' ORDER BY id", [(1,), (2,)]),
    "IN with NULL in the list": ("SELECT id FROM item WHERE id NOT IN (1, NULL)", []),
    "IN of a query": ("SELECT id FROM item WHERE id IN (SELECT item_id FROM sale) ORDER BY id", [(1,), (2,)]),
    "BETWEEN": ("SELECT id FROM item WHERE price BETWEEN 5 AND 20 ORDER BY 1", [(2,), (4,)]),
    "LIKE": ("SELECT id FROM item WHERE kind LIKE 'f%' ORDER BY id", [(1,), (2,)]),
    "LIKE with ESCAPE": ("SELECT 1 WHERE 'a%b' LIKE 'a!%b' ESCAPE '!'", [(1,)]),
    "IS NULL": ("SELECT id FROM item WHERE kind IS NULL OR price IS NULL ORDER BY id", [(3,), (4,)]),
    "order of several keys, NULL first": (
        "SELECT id, price FROM item ORDER BY kind DESC, price",
        [(3, None), (2, 20), (1, 30), (4, 5)],
    ),
    "order by an alias": ("SELECT -price AS p FROM item WHERE price IS NOT NULL ORDER BY p", [(-30,), (-20,), (-5,)]),
    "TOP with an expression": ("SELECT TOP (1 + 1) id FROM item ORDER BY id DESC", [(4,), (3,)]),
    "DISTINCT": ("SELECT DISTINCT kind FROM item WHERE kind LIKE 'f%'", [("fruit",)]),
    "INNER JOIN": (
        "SELECT i.kind, s.amount FROM item i JOIN sale AS s ON s.item_id = i.id ORDER BY s.amount",
        [("fruit", 2), ("fruit", 3), ("Fruit ", 5)],
    ),
    "LEFT JOIN keeps the left side": (
        "SELECT i.id, s.amount FROM item i LEFT JOIN sale s ON s.item_id = i.id AND s.amount > 2 ORDER BY i.id",
        [(1, 3), (2, 5), (3, None), (4, None)],
    ),
    "WHERE after LEFT JOIN": (
        "SELECT i.id FROM item i LEFT JOIN sale s ON s.item_id = i.id WHERE s.item_id IS NULL ORDER BY i.id",
        [(3,), (4,)],
    ),
    "CROSS JOIN": ("SELECT COUNT(*) FROM item CROSS JOIN sale", [(16,)]),
    "derived table": ("SELECT t.n FROM (SELECT COUNT(*) AS n FROM sale) AS t", [(4,)]),
    "derived table with columns": ("SELECT b FROM (SELECT 1, 2) AS t (a, b)", [(2,)]),
    "correlated subquery": (
        "SELECT id, (SELECT SUM(amount) FROM sale WHERE item_id = item.id) FROM item ORDER BY id",
        [(1, 5), (2, 5), (3, None), (4, None)],
    ),
    "EXISTS": (
        "SELECT id FROM item i WHERE EXISTS (SELECT 1 FROM sale WHERE item_id = i.id) ORDER BY id",
        [(1,), (2,)],
    ),
    "NOT EXISTS": (
        "SELECT id FROM item i WHERE NOT EXISTS (SELECT 1 FROM sale WHERE item_id = i.id) ORDER BY id",
        [(3,), (4,)],
    ),
    "GROUP BY folds text": (
        "SELECT kind, COUNT(*), MAX(price) FROM item GROUP BY kind HAVING COUNT(*) > 1",
        [("fruit", 2, 30)],
    ),
    "aggregates skip NULL": ("SELECT COUNT(*), COUNT(price), AVG(price), MIN(kind) FROM item", [(4, 3, 18, "fruit")]),
    "aggregates of nothing": ("SELECT COUNT(*), SUM(price) FROM item WHERE id > 99", [(0, None)]),
    "groups of nothing": ("SELECT kind, COUNT(*) FROM item WHERE id > 99 GROUP BY kind", []),
    "COUNT(DISTINCT)": ("SELECT COUNT(DISTINCT kind) FROM item", [(2,)]),
    "an expression of a key": ("SELECT item_id + 1 FROM sale GROUP BY item_id ORDER BY item_id", [(2,), (3,), (10,)]),
    "UNION removes twins": ("SELECT 1 UNION SELECT 1 UNION SELECT 2 ORDER BY 1", [(1,), (2,)]),
    "UNION ALL keeps them": ("SELECT 1 AS a UNION ALL SELECT 1 ORDER BY a", [(1,), (1,)]),
    "UNION meets in one type": ("SELECT 1 UNION ALL SELECT '2'", [(1,), (2,)]),
    "CASE without ELSE": ("SELECT CASE 3 WHEN 1 THEN 'a' END", [(None,)]),
    "three-part name": ("SELECT shop.dbo.item.id FROM shop..item WHERE id = 1", [(1,)]),
}


@pytest.mark.parametrize(("text", "rows"), ROWS.values(), ids=ROWS)
def test_rows(session, text, rows):
    assert ok(session, text).rows == rows


ERRORS = {
    "unknown column": ("SELECT nix FROM item", 207, "Invalid column name 'nix'."),
    "unknown table": ("SELECT 1 FROM nix", 208, "Invalid object name 'nix'."),
    "unknown prefix": ("SELECT x.id FROM item", 4104, 'The multi-part identifier "x.id" could not be bound.'),
    "ambiguous": ("SELECT item_id FROM sale a CROSS JOIN sale b", 209, "Ambiguous column name 'item_id'."),
    "same name twice": ("SELECT 1 FROM item CROSS JOIN item", 1013, "same exposed names"),
    "not in GROUP BY": ("SELECT id, COUNT(*) FROM item", 8120, "not contained in either an aggregate function"),
    "aggregate in WHERE": ("SELECT 1 FROM item WHERE COUNT(*) > 1", 147, "aggregate"),
    "two rows for one value": ("SELECT (SELECT id FROM item)", 512, "more than 1 value"),
    "two columns for one value": ("SELECT (SELECT 1, 2)", 116, "Only one expression"),
    "UNION of different widths": ("SELECT 1 UNION SELECT 1, 2", 205, "equal number of expressions"),
    "DISTINCT ordered by another": ("SELECT DISTINCT kind FROM item ORDER BY price", 145, "select list"),
    "ORDER BY position": ("SELECT 1 ORDER BY 2", 108, "position number 2"),
    "negative TOP": ("SELECT TOP (-1) id FROM item", 127, "may not be negative"),
    "NULL as TOP": ("SELECT TOP (NULL) id FROM item", 1060, "row count parameter must be an integer"),
    "ORDER BY of a constant": ("SELECT id FROM item ORDER BY 1 + 1", 408, "constant expression"),
    "GROUP BY of a constant": ("SELECT COUNT(*) FROM item GROUP BY 1", 164, "at least one column"),
    "a sorted derived table": ("SELECT id FROM (SELECT id FROM item ORDER BY id) d", 1033, "unless TOP"),
    "a sorted part of a UNION": ("(SELECT id FROM item ORDER BY id) UNION SELECT 1", 1033, "unless TOP"),
    "too many operators": (f"SELECT {'+'.join(['1'] * 2000)}", 8631, "deep nesting"),
    "too many conditions": (f"SELECT 1 WHERE {' OR '.join(['1 = 2'] * 2000)}", 8631, "deep nesting"),
    "conversion": ("SELECT 1 FROM item WHERE kind = 1", 245, "'fruit'"),
    "ON before its table": (
        "SELECT 1 FROM item a JOIN item b ON b.id = c.id JOIN item c ON c.id = a.id",
        4104,
        "could not be bound",
    ),
}


@pytest.mark.parametrize(("text", "number", "words"), ERRORS.values(), ids=ERRORS)
def test_errors(session, text, number, words):
    answer = run(session, text)
    assert answer.numbers == [number]
    assert words in answer.errors[0].text


def test_columns_have_names_types_and_nullability(session):
    columns, _ = ok(session, "DECLARE @v int SELECT id, price AS p, kind, @v, LEN(kind) FROM item").sets[0]
    assert [(column.name, column.type, column.nullable) for column in columns] == [
        ("id", INT, False),
        ("p", INT, True),
        ("kind", SqlType("varchar", 10), True),
        ("", INT, True),
        ("", INT, True),
    ]


def test_star_is_every_column_in_order(session):
    columns, rows = ok(session, "SELECT s.*, i.price FROM item i JOIN sale s ON s.item_id = i.id WHERE i.id = 2").sets[
        0
    ]
    assert [column.name for column in columns] == ["item_id", "day", "amount", "price"]
    assert rows[0][2:] == (5, 20)


def test_select_assigns_the_last_row_and_nothing_without_rows(session):
    text = """DECLARE @a int = 7, @b int = 7, @all varchar(100) = ''
              SELECT @a = id FROM item ORDER BY id
              SELECT @b = id FROM item WHERE id = 99
              SELECT @all += CONVERT(varchar(5), id) FROM item ORDER BY id DESC
              SELECT @a, @b, @all"""
    assert ok(session, text).rows == [(4, 7, "4321")]


def test_textsize_cuts_only_max_columns(session):
    text = "SET TEXTSIZE 3 SELECT CONVERT(varchar(max), 'abcdef'), 'abcdef', CONVERT(varbinary(max), 0x0102030405)"
    assert ok(session, text).rows == [("abc", "abcdef", b"\1\2\3")]
    ok(session, "SET TEXTSIZE -1")
