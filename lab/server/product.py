"""What the server says that it is."""

from __future__ import annotations

import socket

PROGRAM = "Session state lab server"
VERSION = (11, 0, 7001)
"""Major, minor, build: those of SQL Server 2012 SP4, whose T-SQL is the one understood; clients decide by them."""

SERVER_NAME = socket.gethostname().upper()
