"""The core is tested without Ansible and without pymssql: importing either here is an error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.abc import MetaPathFinder

import pytest


class _Forbidden(MetaPathFinder):
    def find_spec(self, name: str, *_: object) -> None:
        if name.partition(".")[0] in ("ansible", "pymssql"):
            raise AssertionError(f"a unit test of the core imported {name}")


@pytest.fixture(autouse=True)
def _without_ansible_and_pymssql(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in [name for name in sys.modules if name.partition(".")[0] in ("ansible", "pymssql")]:
        monkeypatch.delitem(sys.modules, name)
    finder = _Forbidden()
    sys.meta_path.insert(0, finder)
    yield
    sys.meta_path.remove(finder)
