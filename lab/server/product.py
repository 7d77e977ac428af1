"""What the server says that it is."""

from __future__ import annotations

import socket

PROGRAM = "Session state lab server"
VERSION = (16, 0, 1000)
"""Major, minor, build of the SQL Server release whose number clients are told on the wire: they decide by it."""

SERVER_NAME = socket.gethostname().upper()
