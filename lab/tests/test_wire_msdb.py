"""Jobs over the wire, and that they last."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pymssql
import pytest

from lab.tests.jobs import job_batch
from lab.tests.server_process import ServerProcess

pytestmark = pytest.mark.controls_server


def test_a_job_and_its_id_last(start_lab_server: Callable[[], ServerProcess]) -> None:
    server = start_lab_server()
    with server.connect() as connection:
        cursor = connection.cursor()
        cursor.execute(job_batch("j", "SELECT 1"))
        cursor.execute("SELECT job_id, name FROM msdb.dbo.sysjobs")
        [(id_, name)] = cursor.fetchall()
        assert (type(id_), name) == (uuid.UUID, "j")
        cursor.execute("SELECT name FROM msdb.dbo.sysjobs WHERE job_id = %s", (id_,))
        assert cursor.fetchall() == [("j",)]
        with pytest.raises(pymssql.DatabaseError) as caught:
            cursor.execute("EXEC msdb.dbo.sp_add_job @job_name = N'j'")
        assert caught.value.args[0] == 14261
    server.kill()
    with start_lab_server().connect() as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT job_id FROM msdb.dbo.sysjobs")
        assert cursor.fetchall() == [(id_,)]
