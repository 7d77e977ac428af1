"""The job as it is wanted: what is chosen is set, what belongs to others stays."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aspstate.agent import Agent
from aspstate.agent_job import (
    UNCATEGORIZED,
    JobChoices,
    command_for,
    find_job,
    plan_job_absent,
    plan_job_present,
    usual_name,
    wanted_job,
)
from aspstate.errors import Refused
from aspstate.job_owner import JobLogins
from aspstate.jobs import HOURS, Job, Jobs, JobStep, Schedule
from aspstate.plan import Plan

TODAY = 20261121
COMMAND = "EXECUTE dbo.DeleteExpiredSessions"
SA = JobLogins("sa", "sa", "sa", sysadmin=True)
SCHEDULE = Schedule("every minute", id=7)
STEP = JobStep("expire", COMMAND, "ASPState")
OTHER_STEP = JobStep("report", "EXEC dbo.report", "Shop", on_success=3, on_failure=3)
JOB = Job(
    "expire",
    True,
    "Deletes expired sessions from the session state database.",
    UNCATEGORIZED,
    "sa",
    (STEP,),
    (SCHEDULE,),
    id="1",
)
USUAL = JobChoices()
AGENT = Agent(status="Running", history_rows=1000, history_rows_per_job=100)


def plan(current: Job | None, choices: JobChoices = USUAL, logins: JobLogins = SA) -> Plan:
    desired = wanted_job(current, choices, "ASPState", "ASPState", COMMAND, TODAY)
    return plan_job_present(current, desired, AGENT, choices, logins, new_category=False)


def test_a_job_that_is_as_wanted_stays_under_its_own_name() -> None:
    done = plan(JOB)
    assert (done.steps, done.before) == ((), done.after)


DIFFERENCES = [
    ("disabled", replace(JOB, enabled=False), "set enabled of job expire"),
    ("of another owner", replace(JOB, owner="dba"), "set owner sa of job expire"),
    ("of no owner any more", replace(JOB, owner=None), "set owner sa of job expire"),
    ("of another category", replace(JOB, category="Report"), f"set category {UNCATEGORIZED} of job expire"),
    ("described otherwise", replace(JOB, description="x"), f"set description {JOB.description} of job expire"),
    ("begun at a step that is not there", replace(JOB, start_step=2), "set start step 1 of job expire"),
    ("of no server", replace(JOB, local=False), "let job expire run on this server"),
    (
        "with another command",
        replace(JOB, steps=(replace(STEP, command="EXECUTE DeleteExpiredSessions"),)),
        f"set command {COMMAND} of step 1 of job expire",
    ),
    (
        "that works from another database",
        replace(JOB, steps=(replace(STEP, database="master", command="EXEC ASPState..DeleteExpiredSessions"),)),
        f"set command {COMMAND}, database ASPState of step 1 of job expire",
    ),
    (
        "that reports a failure as success",
        replace(JOB, steps=(replace(STEP, on_failure=1),)),
        "set on failure 2 of step 1 of job expire",
    ),
    (
        "that goes on to a step that is not there",
        replace(JOB, steps=(replace(STEP, on_success=3),)),
        "set on success 1 of step 1 of job expire",
    ),
    (
        "without a schedule",
        replace(JOB, schedules=()),
        f"add schedule {usual_name('ASPState', 'JobSchedule')}, {Schedule('')}, to job expire",
    ),
    *(
        (
            f"whose schedule is {what}",
            replace(JOB, schedules=(replace(SCHEDULE, **change),)),
            f"set schedule every minute to {SCHEDULE}",
        )
        for what, change in {
            "disabled": {"enabled": False},
            "rarer": {"interval": 5},
            "weekly": {"freq_type": 8},
            "every second day": {"freq_interval": 2},
            "hourly": {"subday_type": HOURS},
            "begun in the future": {"start_date": TODAY + 1},
            "ended": {"end_date": TODAY},
            "of mornings": {"end_time": 120000},
            "of evenings": {"start_time": 180000},
        }.items()
    ),
]


@pytest.mark.parametrize(("current", "step"), [row[1:] for row in DIFFERENCES], ids=[row[0] for row in DIFFERENCES])
def test_what_differs_is_altered_and_shown(current: Job, step: str) -> None:
    done = plan(current)
    assert [each.sentence for each in done.steps] == [step]
    assert done.before != done.after


def test_steps_and_schedules_of_others_stay() -> None:
    shared = replace(SCHEDULE, name="nightly", interval=30, id=8, jobs=3)
    second = replace(SCHEDULE, name="weekends", interval=20, id=9)
    current = replace(JOB, steps=(OTHER_STEP, replace(STEP, number=2, on_success=4)), schedules=(SCHEDULE, second))
    assert plan(current).steps == ()
    assert plan(replace(JOB, schedules=(shared, SCHEDULE))).steps == ()
    altered = plan(replace(JOB, schedules=(shared, second))).steps
    assert [each.sentence for each in altered] == [f"set schedule weekends to {SCHEDULE}"]


def test_a_schedule_that_other_jobs_have_too_is_not_altered() -> None:
    shared = replace(SCHEDULE, name="nightly", interval=30, id=8, jobs=3)
    assert [each.sentence for each in plan(replace(JOB, schedules=(shared,))).steps] == [
        f"add schedule {usual_name('ASPState', 'JobSchedule')}, {Schedule('')}, to job expire",
    ]
    assert plan(replace(JOB, schedules=(replace(SCHEDULE, jobs=3),))).steps == ()


def test_an_interval_of_whole_hours_may_be_in_hours() -> None:
    hourly = replace(JOB, schedules=(replace(SCHEDULE, subday_type=HOURS, interval=2),))
    assert plan(hourly, JobChoices(interval=120)).steps == ()


def test_the_history_of_the_agent_is_changed_on_request_only() -> None:
    assert plan(JOB, JobChoices(manage_agent_history=True)).steps == ()
    (step,) = plan(JOB, JobChoices(manage_agent_history=True, history_rows_per_job=3000, history_rows=9000)).steps
    assert step.sentence == "keep 9000 rows of history of all jobs, 3000 of each"


CANNOT = [
    ("interval 0", {"interval": 0}, "interval is 0; give minutes, from 1 to 1440"),
    ("interval 1441", {"interval": 1441}, "interval is 1441"),
    ("no owner", {"owner": " "}, "owner is empty"),
    ("no category", {"category": ""}, "category is empty"),
    ("a name with blanks around it", {"name": " x"}, "name ' x' of the job"),
    ("a long name", {"name": "x" * 129}, "give at most 128 characters"),
    ("a limit without consent", {"history_rows": 9}, "set manage_agent_history to true to change it"),
    ("a limit of nothing", {"history_rows_per_job": 1, "manage_agent_history": True}, "history_rows_per_job is 1"),
]


@pytest.mark.parametrize(("values", "message"), [row[1:] for row in CANNOT], ids=[row[0] for row in CANNOT])
def test_choices_that_could_not_work_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(Refused, match=message):
        JobChoices(**values)


def test_a_database_name_over_94_characters_is_refused_with_the_number() -> None:
    assert len(usual_name("x" * 94, "JobSchedule")) == 128
    with pytest.raises(Refused, match="has 95 characters; with an Agent job it may have 94"):
        usual_name("x" * 95)


def test_a_name_that_the_agent_would_take_for_a_token_is_refused_where_it_would_be_in_the_command() -> None:
    assert command_for(COMMAND, "a$(b)") == COMMAND
    with pytest.raises(Refused, match="takes for a token"):
        command_for("EXEC [$(database)].dbo.DeleteExpiredSessions", "a$(b)")


def test_of_two_jobs_that_do_the_same_the_one_with_the_usual_or_the_given_name_is_meant() -> None:
    usual, other = replace(JOB, name=usual_name("ASPState")), replace(JOB, id="2", name="other")
    assert find_job(Jobs((other, usual)), "ASPState", JobChoices()) == usual
    assert find_job(Jobs((usual, other)), "ASPState", JobChoices(name="OTHER")) == other
    with pytest.raises(Refused, match="2 jobs execute DeleteExpiredSessions of database ASPState: expire, other"):
        find_job(Jobs((JOB, other)), "ASPState", JobChoices())


def test_a_job_of_that_name_that_does_something_else_is_not_taken() -> None:
    with pytest.raises(Refused, match="does not execute DeleteExpiredSessions of database ASPState"):
        find_job(Jobs(namesake=replace(JOB, steps=(OTHER_STEP,))), "ASPState", JobChoices())


def test_a_job_with_steps_of_its_own_is_not_deleted() -> None:
    mixed = replace(JOB, steps=(OTHER_STEP, STEP))
    with pytest.raises(Refused, match="job expire has steps of its own"):
        plan_job_absent(Jobs((mixed,)), "ASPState", SA)
    assert [each.sentence for each in plan_job_absent(Jobs((JOB,)), "ASPState", SA).steps] == ["delete job expire"]
    assert plan_job_absent(Jobs(), "ASPState", SA).steps == ()


def test_another_owners_job_needs_a_sysadmin() -> None:
    dba = JobLogins("dba", "dba", "sa", sysadmin=False)
    own = replace(JOB, owner="dba", enabled=False)
    (mine,) = plan(own, JobChoices(owner="dba"), dba).steps
    assert [str(right) for right in mine.rights] == ["EXECUTE on dbo.sp_update_job in database msdb"]
    (theirs,) = plan(replace(own, owner="sa"), JobChoices(), dba).steps
    assert [str(right) for right in theirs.rights] == ["membership in sysadmin"]
