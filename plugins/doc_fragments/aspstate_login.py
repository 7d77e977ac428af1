"""The connection options, documented once for every module that has them."""

from __future__ import annotations


class ModuleDocFragment:
    """extends_documentation_fragment: aspstate_login."""

    DOCUMENTATION = r"""
options:
  login_host:
    description: Host name or address of the SQL Server instance, or C(host\\instance).
    type: str
    required: true
  login_port:
    description: TCP port of the instance. Not used where O(login_host) names an instance.
    type: int
    default: 1433
  login_user:
    description: SQL Server login. Without it the controller's Kerberos ticket is used.
    type: str
  login_password:
    description: Password of O(login_user). Falls back to the environment variable E(ASPSTATE_LOGIN_PASSWORD).
    type: str
  login_encrypt:
    description:
      - What is encrypted on the way to the server.
      - V(default) and V(request) encrypt the login packet where the server can, and all where it demands that.
      - V(require) encrypts everything or does not connect. V(off) encrypts nothing, the password neither.
    type: str
    choices: [default, "off", request, require]
    default: default
  login_timeout:
    description: Seconds to wait for the connection and the login.
    type: int
    default: 15
  query_timeout:
    description: Seconds to wait for the answer to one statement. V(0) waits for ever.
    type: int
    default: 300
requirements:
  - pymssql >= 2.4.3, where the module runs (usually the controller)
"""
