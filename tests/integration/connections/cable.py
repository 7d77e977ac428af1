"""A connection like `local` that is lost while the file `ansible_cable_cut` is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = r"""
name: cable
short_description: local, until it is cut
description: Runs on this machine, unless the file is there that is named by the variable C(ansible_cable_cut).
options:
  cut:
    description: A file.
    type: str
    vars:
      - name: ansible_cable_cut
  become_success_timeout:
    description: As of local, which this is otherwise.
    type: int
    default: 10
  become_strip_preamble:
    description: As of local.
    type: bool
    default: true
extends_documentation_fragment: connection_pipelining
"""


class Connection(Local):
    """Everything that goes over it asks for the file first."""

    transport = "cable"

    def _look(self) -> None:
        if Path(self.get_option("cut")).exists():
            raise AnsibleConnectionFailure("the cable is cut")

    def exec_command(self, *arguments: Any, **options: Any) -> Any:
        """As local's."""
        self._look()
        return super().exec_command(*arguments, **options)

    def put_file(self, *arguments: Any, **options: Any) -> Any:
        """As local's."""
        self._look()
        return super().put_file(*arguments, **options)

    def fetch_file(self, *arguments: Any, **options: Any) -> Any:
        """As local's."""
        self._look()
        return super().fetch_file(*arguments, **options)
