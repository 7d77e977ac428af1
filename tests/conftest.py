"""With CI=true a test that could not run is a failure, unless it needs control of a server that is not ours."""

from __future__ import annotations

import os

import pytest

OTHER_SERVER = "ASPSTATE_TEST_SERVER"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that start, stop or kill the server run on the lab server only."""
    if OTHER_SERVER in os.environ:
        skip = pytest.mark.skip(reason=f"controls the server itself, and {OTHER_SERVER} names one that is not ours")
        for item in items:
            if item.get_closest_marker("controls_server"):
                item.add_marker(skip)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> object:
    """In CI a skip is a failure that says why it was skipped."""
    report = yield
    allowed = OTHER_SERVER in os.environ and item.get_closest_marker("controls_server")
    if report.skipped and os.environ.get("CI") == "true" and not allowed and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report
