"""What check.yml takes for the inventory's word is what site.yml's tasks hand to the modules."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from aspstate.agent_job import JOB_ARGUMENTS
from aspstate.grant_wishes import GRANT_ARGUMENTS
from aspstate.installation import DATABASE_ARGUMENTS

ROLES = Path(__file__).parents[2] / "roles"
TASKS = {
    "aspstate_database": ("tasks/builtin/present.yml", DATABASE_ARGUMENTS),
    "aspstate_agent_job": ("tasks/job.yml", JOB_ARGUMENTS),
    "aspstate_grants": ("tasks/present.yml", GRANT_ARGUMENTS),
}


@pytest.mark.parametrize("role", TASKS)
def test_each_option_has_the_variable_of_its_name(role: str) -> None:
    file, options = TASKS[role]
    (task,) = yaml.safe_load((ROLES / role / file).read_text(encoding="utf-8"))
    for option in options:
        if "command" in option:  # a file of the role
            assert "lookup" in task[role][option]
        else:
            variable = f"{role}_{option.removeprefix('job_') if option == 'job_name' else option}"
            assert task[role][option] in (f"{{{{ {variable} }}}}", f"{{{{ {variable} | default(omit) }}}}")
