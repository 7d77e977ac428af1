"""What ASP.NET would refuse, or not do as it is meant, is found in a file as it is."""

from __future__ import annotations

import pytest
from aspstate.finding import FINDINGS
from aspstate.session_state_lint import connection_values, lint
from aspstate.web_config import read_web_config

from tests.unit.web_configs import around

SQL = 'mode="SQLServer" sqlConnectionString="Data Source=a"'

# attributes, and what is found: the id, the attribute and the beginning of the message
FOUND: dict[str, tuple[str, str, str, str]] = {
    "an attribute's case": (
        'Timeout="5"',
        "ASP501",
        "Timeout",
        "<sessionState> has no attribute of this name; did you mean timeout? Case",
    ),
    "a misspelt attribute": (
        'sqlConectionString="x"',
        "ASP501",
        "sqlConectionString",
        "<sessionState> has no attribute of this name; did you mean sqlConnectionString?",
    ),
    "an unknown attribute": ('zzz="x"', "ASP501", "zzz", "<sessionState> has no attribute of this name"),
    "a mode's case": (
        'mode="sqlserver"',
        "ASP501",
        "mode",
        "it is 'sqlserver', not one of Off, InProc, StateServer, SQLServer, Custom; did you mean SQL",
    ),
    "no mode": ('mode=""', "ASP501", "mode", "it is '', not one of"),
    "a blank after the mode": ('mode="Off "', "ASP501", "mode", "it is 'Off ', not one of"),
    "no switch": ('compressionEnabled="yes"', "ASP501", "compressionEnabled", "it is 'yes', not one of true, false"),
    "a switch's case where it matters": ('cookieless="True"', "ASP501", "cookieless", "it is 'True', not one of"),
    "no such value": (
        'cookieSameSite="lax"',
        "ASP501",
        "cookieSameSite",
        "it is 'lax', not one of None, Lax, Strict; did you mean Lax?",
    ),
    "no number": ('timeout="00:20:00"', "ASP501", "timeout", "it is '00:20:00', not a whole number of minutes"),
    "no minute": ('timeout="0"', "ASP501", "timeout", "it is 0, not 1 to 2147483647 minutes"),
    "infinite minutes": ('timeout="Infinite"', "ASP501", "timeout", "it is Infinite: it overflows"),
    "more than a year in memory": (
        'timeout="525601"',
        "ASP501",
        "timeout",
        "it is 525601; mode InProc takes at most 525600",
    ),
    "the case of Infinite": (
        'stateNetworkTimeout="infinite"',
        "ASP501",
        "stateNetworkTimeout",
        "it is 'infinite', not a whole number of seconds; did you mean Infinite?",
    ),
    "no second": ('stateNetworkTimeout="0"', "ASP501", "stateNetworkTimeout", "it is 0, not 1 to"),
    "an infinite command": (
        f'{SQL} sqlCommandTimeout="Infinite"',
        "ASP501",
        "sqlCommandTimeout",
        "it is Infinite: it overflows the number that SqlCommand gets",
    ),
    "a negative command": (f'{SQL} sqlCommandTimeout="-1"', "ASP501", "sqlCommandTimeout", "it is -1, not 0 to"),
    "a partition resolver in memory": (
        'partitionResolverType="x"',
        "ASP501",
        "partitionResolverType",
        "mode is 'InProc', and only StateServer and SQLServer take one",
    ),
    "mode Custom without a provider": (
        'mode="Custom"',
        "ASP501",
        "customProvider",
        "mode is Custom, which needs the name",
    ),
    "a provider that is not there": (
        'mode="Custom" customProvider="x"',
        "ASP501",
        "customProvider",
        "'x' is not in <providers>",
    ),
    "a database": (
        'mode="SQLServer" sqlConnectionString="Server=a;Database=b"',
        "ASP502",
        "sqlConnectionString",
        "the connection string names a database",
    ),
    "no server": (
        'mode="SQLServer" sqlConnectionString="Trusted_Connection=yes"',
        "ASP502",
        "sqlConnectionString",
        "the connection string names no server",
    ),
    "the name of an entry that is not there": (
        'mode="SQLServer" sqlConnectionString="Shop"',
        "ASP504",
        "sqlConnectionString",
        "<connectionStrings> of this file has no entry of that name",
    ),
    "a malformed string": (
        'mode="SQLServer" sqlConnectionString="Server=a;s3cr3t"',
        "ASP502",
        "sqlConnectionString",
        "the connection string is malformed at character 10",
    ),
    "a retry interval of a minute": (
        f'{SQL} sqlConnectionRetryInterval="120"',
        "ASP503",
        "sqlConnectionRetryInterval",
        "it is 120, a multiple of 60",
    ),
    "no connection string": (
        'mode="SQLServer"',
        "ASP504",
        "sqlConnectionString",
        "it is not set, so sessions go to the server on localhost",
    ),
    "a string that a resolver replaces": (
        f'{SQL} partitionResolverType="x"',
        "ASP504",
        "sqlConnectionString",
        "it is not used",
    ),
    "a keyword that is none": (
        'mode="SQLServer" sqlConnectionString="Server=a;Multi Subnet Failover=1"',
        "ASP504",
        "sqlConnectionString",
        "1 of the connection string's keywords",
    ),
    "a password": (
        'mode="SQLServer" sqlConnectionString="Server=a;uid=u;pwd=s3cr3t"',
        "ASP505",
        "sqlConnectionString",
        "the connection string holds a password",
    ),
}


@pytest.mark.parametrize(("attributes", "id_", "subject", "message"), FOUND.values(), ids=FOUND)
def test_what_is_wrong_is_found(attributes: str, id_: str, subject: str, message: str) -> None:
    (problem,) = lint(read_web_config(around(f"<sessionState {attributes} />")))
    assert (problem.id, problem.subject) == (id_, subject)
    assert problem.message.startswith(message)
    assert problem.refused == (FINDINGS[id_][0] == "critical")
    assert "s3cr3t" not in problem.message


@pytest.mark.parametrize(
    "section",
    [
        "<sessionState />",
        "<pages />",
        f"<sessionState {SQL} sqlConnectionRetryInterval='90' sqlCommandTimeout='0' timeout='600000' />",
        f"<sessionState {SQL} compressionEnabled='TRUE ' useHostingIdentity='False' cookieless='false' />",
        "<sessionState mode='SQLServer' sqlConnectionString='server=a;database=b' allowCustomSqlDatabase='True' />",
        "<sessionState mode='SQLServer' partitionResolverType='x' />",
        "</system.web><connectionStrings configSource='c.config' /><system.web>"
        "<sessionState mode='SQLServer' sqlConnectionString='InAnotherFile' />",
        "<sessionState mode='InProc' sqlConnectionString='Nowhere' />",
        "<sessionState mode='InProc' sqlConnectionString='server=a;database=b' timeout=' +525600 ' />",
        "<sessionState mode='Custom' customProvider='P'><providers><add name='p'/></providers></sessionState>",
        "<sessionState stateNetworkTimeout='Infinite' lockItem='true' cookieSameSite='None' />",
    ],
)
def test_what_is_right_is_left_in_peace(section: str) -> None:
    assert lint(read_web_config(around(section))) == []


def test_an_unknown_child_is_found() -> None:
    (problem,) = lint(read_web_config(around("<sessionState><provider /></sessionState>")))
    assert (problem.id, problem.message) == ("ASP501", "<provider> in it (line 4) is unknown; take it out")


def test_a_connection_string_is_judged_where_it_is_an_entry() -> None:
    entry = (
        "<connectionStrings><add name='Shop' connectionString='Server=a;Database=b;pwd=s3cr3t'/></connectionStrings>"
    )
    raw = around("<sessionState mode='SQLServer' sqlConnectionString='shop' />").replace(
        b"<configuration>", b"<configuration>" + entry.encode()
    )
    config = read_web_config(raw)
    assert [each.id for each in lint(config)] == ["ASP502", "ASP505"]
    assert connection_values(config) == {"data source": "a", "initial catalog": "b", "password": "s3cr3t"}


def test_a_secret_in_the_wrong_place_is_not_repeated() -> None:
    (problem,) = lint(read_web_config(around("<sessionState mode='Server=a;pwd=s3cr3t' />")))
    assert problem.message.startswith("it is something else, not one of")
