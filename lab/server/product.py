"""What the server says that it is."""

from __future__ import annotations

import socket

PROGRAM = "Session state lab server"
VERSION = (16, 0, 1000, 6)
"""The number of a SQL Server release, which clients are told because they decide by it."""

SERVER_NAME = socket.gethostname().upper()
