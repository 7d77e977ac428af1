"""Judging the sessions of a database: what is wrong with them, against thresholds that the operator sets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from .app_id import app_id, suffix
from .database import some
from .errors import NotKnown, Refused
from .expiry_job import ExpiryJob, read_expiry_job
from .finding import Finding
from .instance import Presence, read_presence
from .server import Server
from .session_sample import Growth, Sample, earlier, growth, sample, sample_facts
from .sessions import EXECUTION_TIMEOUT, Look, NoTables, read_sessions, session_facts

_MOST = 2**31 - 1
_SITE = 3
"""`/lm/w3svc/<site>/root/...`: the place of the site's number, between slashes."""

_TEXTS = {
    "ASP402": "a session expired {} s ago and is still there: it can be used as if it were live, and the table grows",
    "ASP403": "{} sessions have expired and are still there",
    "ASP404": (
        "{} sessions expired before SQL Server started and are still there; who comes back with one finds it as it was"
    ),
    "ASP405": "{} sessions are locked for longer than a request may run; other requests for them wait",
    "ASP406": "the items of all sessions have {} bytes",
    "ASP407": "{} sessions more an hour than when it was looked at before",
}


@dataclass(frozen=True)
class Thresholds:
    """What may be: seconds, sessions, bytes. What is more is a finding."""

    execution_timeout: int = EXECUTION_TIMEOUT
    max_expired_age: int = 900
    max_expired: int = 10_000
    max_stuck_locks: int = 0
    max_bytes: int = 4 * 1024**3
    max_growth_per_hour: int = 100_000
    min_hours_to_fill: int = 24
    max_job_age: int = 900

    def __post_init__(self) -> None:
        """Raises Refused for one below zero."""
        for each in fields(self):
            if (value := getattr(self, each.name)) < 0:
                raise Refused(f"{each.name} is {value}; give 0 or more")
        if self.execution_timeout > _MOST:
            raise Refused(f"execution_timeout is {self.execution_timeout}; give seconds, at most {_MOST}")


SESSION_ARGUMENTS: dict[str, dict[str, Any]] = {
    "applications": {"type": "list", "elements": "str", "default": []},
    **{each.name: {"type": "int", "default": each.default} for each in fields(Thresholds)},
}
"""Of the modules that are told what may be."""


def thresholds(params: Mapping[str, Any]) -> Thresholds:
    """What SESSION_ARGUMENTS choose. Raises Refused for one below zero."""
    return Thresholds(**{each.name: params[each.name] for each in fields(Thresholds)})


@dataclass(frozen=True)
class Question:
    """What to check: a database, where its tables are, and which applications use it as far as the caller knows.

    `agent_job` is false where something else than a job of SQL Server Agent expires the sessions. `room` is how many
    bytes more the files take that do not grow, None where they do.
    """

    database: str
    type: str = "persisted"
    thresholds: Thresholds = Thresholds()
    applications: tuple[str, ...] = ()
    previous: Mapping[str, Any] | None = None
    agent_job: bool = True
    room: int | None = None

    @property
    def tables_in(self) -> str:
        """The database with the session tables."""
        return "tempdb" if self.type == "temporary" else self.database


def ids_of(applications: Iterable[str]) -> dict[str, str]:
    """The suffix of each application. Raises Refused for a name whose id cannot be told."""
    try:
        return {name: suffix(app_id(name)) for name in applications}
    except ValueError as error:
        raise Refused(f"applications: {error}, so its id depends on the server's code page; leave it out") from None


@dataclass(frozen=True)
class Judged:
    """What was seen, None where that was not allowed or not there, and what is wrong; `not_known` is in `findings`."""

    look: Look | None
    sample: Sample | None
    growth: Growth | None
    job: ExpiryJob | None
    findings: tuple[Finding, ...]
    not_known: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """As plain data for a module's result, but for the findings."""
        return {
            "sample": sample_facts(self.sample) if self.sample else None,
            "growth": asdict(self.growth) if self.growth else None,
            "applications": session_facts(self.look.sessions) if self.look else None,
            "job": _job_facts(self.job) if self.job else None,
        }


def check(server: Server, question: Question) -> dict[str, Any]:
    """Everything in three round trips: the result of the module aspstate_sessions_info.

    Raises Refused where there is no such database, or `previous` does not suit; what may not be seen is a finding.
    """
    judged = judge(server, question, read_presence(server, question.database, look_for_holders=False))
    return {
        "tables_in": question.tables_in if judged.look else None,
        **judged.facts(),
        "findings": [each.facts() for each in judged.findings],
        "not_known": list(judged.not_known),
    }


def judge(server: Server, question: Question, presence: Presence) -> Judged:
    """The same in two round trips, of a database that was looked for already."""
    given, before = ids_of(question.applications), earlier(question.previous, question.database)
    judged = _Judge(server.address, question)
    not_known: list[str] = []
    findings: list[Finding] = []
    look = now = grown = None
    try:
        look = _look(server, question, presence)
        # the id that is recorded counts: that of an application adopted from ASP.NET 1.1 is no hash
        recorded = {one.application: one.suffix for one in look.sessions}
        given = {name: recorded.get(name.lower().rstrip(" "), end) for name, end in given.items()}
        now = sample(look, question.database)
        grown = growth(before, now)
        findings += [*judged.numbers(now, grown), *judged.time(before, now, grown), *judged.applications(look, given)]
    except NotKnown as unknown:
        not_known.append(str(unknown))
    except NoTables as none:
        findings.append(judged.finding("ASP401", str(none), f"database {question.tables_in}"))
    job = read_expiry_job(server, question.database) if question.agent_job else None
    if job:
        not_known += job.not_known
        findings += judged.job(job)
    findings += judged.collisions(given, look)
    findings += [judged.finding("ASP001", text) for text in not_known]
    return Judged(look, now, grown, job, tuple(findings), tuple(not_known))


def _look(server: Server, question: Question, presence: Presence) -> Look:
    if not presence.exists:
        raise Refused(f"{server.address} has no database {question.database}; install it with playbooks/site.yml")
    if presence.closed:
        raise NotKnown(f"the sessions are not known: {presence.closed}")
    return read_sessions(server, question.tables_in, question.thresholds.execution_timeout)


def _job_facts(job: ExpiryJob) -> dict[str, Any]:
    jobs = None if job.jobs is None else list(job.jobs)
    return {"agent": job.agent, "jobs": jobs, "last_good": job.last_good, "duration": job.duration}


@dataclass(frozen=True)
class _Judge:
    """Turns what was seen into findings."""

    host: str
    question: Question

    def finding(
        self, id_: str, message: str, subject: str = "", expected: Any = None, found: Any = None, severity: str = ""
    ) -> Finding:
        subject = subject or f"database {self.question.database}"
        return Finding(id_, self.host, subject, message, expected, found, severity)

    def job(self, job: ExpiryJob) -> Iterator[Finding]:
        most = self.question.thresholds.max_job_age
        expire = "sessions end only when something runs DeleteExpiredSessions"
        if job.express:
            text = f"SQL Server Express has no Agent; {expire}: let a timer run playbooks/expire.yml"
            yield self.finding("ASP201", text, "SQL Server Agent", "Running", "not there", severity="info")
            return
        if job.agent is False:
            text = f"SQL Server Agent does not run; {expire}, and its job does not"
            yield self.finding("ASP201", text, "SQL Server Agent", "Running", "not running")
        if job.jobs is None:
            return
        if not job.jobs:
            text = f"no job executes DeleteExpiredSessions of database {self.question.database}; {expire}"
            yield self.finding("ASP202", text, expected=most)
        elif (job.age if job.last_good is None else job.last_good) > most:
            last = "the history has none" if job.last_good is None else f"the last began {job.last_good} s ago"
            off = f"; disabled: {some(job.disabled)}" if job.disabled else ""
            text = f"job {some(job.jobs)} has had no good run for {most} s: {last}{off}"
            yield self.finding("ASP202", text, f"job {some(job.jobs)}", most, job.last_good)

    def numbers(self, now: Sample, grown: Growth | None) -> Iterator[Finding]:
        most = self.question.thresholds
        numbers = {
            "ASP402": (most.max_expired_age, now.oldest_expired),
            "ASP403": (most.max_expired, now.expired),
            "ASP404": (0, now.expired_before_start),
            "ASP405": (most.max_stuck_locks, now.stuck),
            "ASP406": (most.max_bytes, now.bytes),
            "ASP407": (most.max_growth_per_hour, grown.rows_per_hour if grown else 0),
        }
        for id_, (limit, found) in numbers.items():
            if found > limit:
                yield self.finding(id_, _TEXTS[id_].format(f"{found:,}"), expected=limit, found=found)

    def time(self, before: Sample | None, now: Sample, grown: Growth | None) -> Iterator[Finding]:
        if before and now.restarted(before):
            temporary = self.question.type == "temporary"
            ends = ", which ended all sessions" if temporary else ""
            text = f"SQL Server was started at {now.started}, since it was looked at before{ends}"
            severity = "warning" if temporary else ""
            yield self.finding("ASP412", text, "SQL Server", before.started, now.started, severity)
        least, rooms = self.question.thresholds.min_hours_to_fill, [self.question.thresholds.max_bytes - now.bytes]
        left = min(rooms if self.question.room is None else [*rooms, self.question.room])
        if grown and grown.bytes_per_hour > 0 and 0 < left < least * grown.bytes_per_hour:
            hours = round(left / grown.bytes_per_hour, 1)
            text = f"at the present growth, {grown.bytes_per_hour:,} bytes an hour, it is full in {hours} hours"
            yield self.finding("ASP413", text, expected=least, found=hours)

    def applications(self, look: Look, given: Mapping[str, str]) -> Iterator[Finding]:
        for one in look.sessions:
            if not one.application:
                meant = [name for name, end in given.items() if end == one.suffix]
                hint = f"; that is the id of {some(tuple(meant))}" if meant else ""
                text = (
                    f"{one.live + one.expired} sessions end with {one.suffix}, which is the id of no recorded "
                    f"application{hint}; web servers that name one site or path differently do not share sessions"
                )
                yield self.finding("ASP408", text, f"suffix {one.suffix}", found=one.live + one.expired)
        idle = [one.application for one in look.sessions if one.application and not one.live + one.expired]
        if idle:
            text = f"no sessions: {some(tuple(idle))}"
            yield self.finding("ASP409", text, found=len(idle))
        for path, names in sorted(_by_path(look.recorded).items()):
            if len(names) > 1:
                text = (
                    f"{some(tuple(names))} differ in the number of the IIS site only; if they are web servers of one "
                    "farm, they do not share sessions"
                )
                yield self.finding("ASP410", text, f"application {path}", found=len(names))

    def collisions(self, given: Mapping[str, str], look: Look | None) -> Iterator[Finding]:
        """Two names of one id: the second application cannot start."""
        names: dict[str, set[str]] = defaultdict(set)
        for name, end in given.items():
            names[end].add(name.lower().rstrip(" "))
        for one in look.sessions if look else ():
            if one.application and one.suffix in names:
                names[one.suffix].add(one.application)
        for end, same in sorted(names.items()):
            if len(same) > 1:
                text = f"{' and '.join(sorted(same))} have the same id, {end}: only one can keep sessions here"
                yield self.finding("ASP411", text, f"suffix {end}", found=sorted(same))


def _by_path(recorded: Iterable[str]) -> dict[str, list[str]]:
    """Recorded applications by their path within a site."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in sorted(recorded):
        parts = name.split("/")
        if name.startswith("/lm/w3svc/") and len(parts) > _SITE:
            found["/".join(parts[_SITE + 1 :])].append(name)
    return found
