"""A connection is removed from the day's stack, when nothing else needs it any more."""

from __future__ import annotations

import pytest

from local.account import Account
from local.demo import Demo
from tests.cloud.test_day import connector, told

pytestmark = pytest.mark.cloud


def test_a_removed_connection_leaves_its_documents_and_nothing_that_runs(day: tuple[Demo, Account]) -> None:
    demo, _ = day
    code, _, err = connector(demo, "connections", "remove", "cedar", "--yes")
    assert code == 0, err
    assert [row["id"] for row in told(demo, "connections", "list")["connections"]] == ["birch"]
    schedules = demo.cloud.client("scheduler").list_schedules(GroupName=demo.stack.outputs["ScheduleGroup"])[
        "Schedules"
    ]
    assert {schedule["Name"].partition("-")[0] for schedule in schedules} <= {"birch", "demo"}
    assert told(demo, "documents", "--connection", "cedar")["documents"]
    assert demo.freshbooks.state()["accounts"]["CED002"]["callbacks"] == []
