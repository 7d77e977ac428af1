#!/usr/bin/python
"""Ansible module aspstate_web_config: see DOCUMENTATION. An action plugin of this name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: aspstate_web_config
short_description: Set attributes of <sessionState> in a web.config, and change no other byte
description:
  - Changes the start tag of the one C(<sessionState>) that counts for the application. Comments, blanks, line ends, the
    encoding and its mark stay, inside the tag too. A missing element is put in as the file is laid out, and so is
    C(<system.web>).
  - Judges the result as ASP.NET 4.8 loads it, before anything is written, and refuses what that would refuse.
  - Refuses, with the line and the way on, an encrypted section, one in another file (C(configSource)), more than one,
    one for a part of the site only, malformed XML, a C(DOCTYPE), and a file that was changed since it was read.
  - Writes nothing where nothing changes, since whoever writes a web.config restarts the application.
  - The file is read on the web host and edited on the controller, so that Windows needs no Python. Connection strings
    are in no output.
  - Without O(attributes) and O(connection_strings) it only looks.
version_added: "0.1.0"
author: The ASPState project
attributes:
  check_mode:
    support: full
    description: Reads, edits and judges as without it, and writes nothing.
  diff_mode:
    support: full
    description: An attribute a line; secrets are hidden on both sides, and one that changes is marked.
options:
  path:
    description: The application's web.config on the web host, or the file that its C(configSource) names.
    type: str
    required: true
  attributes:
    description:
      - Attributes of C(<sessionState>) by their exact names. One that is not listed stays as it is, one that is null is
        taken out.
    type: dict
    default: {}
  connection_strings:
    description:
      - Entries of C(<connectionStrings>) by name, each as its text or with C(connectionString) and C(providerName).
        They are made or changed, never taken out. C(sqlConnectionString) may be the name of one.
    type: dict
    default: {}
  windows:
    description: Whether the web host runs Windows. Default, whether its shell is one of Windows.
    type: bool
  backup:
    description:
      - Keep the file as it was, beside it, under a name with the time that ends in C(.config), since web servers do not
        hand those out.
    type: bool
    default: true
  restore:
    description: Put back what an earlier run replaced, unless somebody has changed the file since.
    type: dict
    suboptions:
      backup_file:
        description: What that run returned as RV(backup_file).
        type: str
        required: true
      checksum:
        description: What that run returned as RV(checksum).
        type: str
        required: true
"""

EXAMPLES = r"""
- name: Keep the sessions in SQL Server
  aspstate_web_config:
    path: C:\inetpub\shop\web.config
    attributes:
      mode: SQLServer
      sqlConnectionString: "Data Source=sql01.example.net;Integrated Security=SSPI"
      timeout: 30
      stateConnectionString: null

- name: Look at it
  aspstate_web_config:
    path: C:\inetpub\shop\web.config
  register: shop
"""

RETURN = r"""
session_state:
  description:
    - What is in the file, in check mode what would be - whether there is a C(<sessionState>) (exists), its attributes
      (attributes) and the keywords of its connection string (connection), which is null where that is in another file.
      Secrets are left out or hidden.
  returned: success, without O(restore)
  type: dict
findings:
  description:
    - What is wrong with it (id, severity, host, subject, message, expected, found, runbook); each is a warning too.
  returned: success, without O(restore)
  type: list
  elements: dict
backup_file:
  description: The file as it was.
  returned: when it was changed, with O(backup)
  type: str
checksum:
  description: SHA-256 of the file, in check mode of what it would be.
  returned: success
  type: str
error_kind:
  description: V(refused); V(not_written) where the file on the web host is not what it should be.
  returned: failure
  type: str
"""

from ansible.module_utils.aspstate.web_config_wishes import ARGUMENTS
from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Say that it is the action plugin that is to run."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    module.fail_json(
        "aspstate_web_config works through its action plugin, which Ansible did not find: set action_plugins to the "
        "project's plugins/action, as its ansible.cfg does; nothing was changed"
    )


if __name__ == "__main__":
    main()
