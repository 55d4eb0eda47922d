"""The template deployed to the one-machine cloud: it stands, it answers, and it goes without a trace."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from cli.connections import _schedule
from cli.stack import Stack
from local import gradual
from local.cloud import PACKAGES, Cloud, CloudError
from tests.functions.template import FUNCTIONS

pytestmark = pytest.mark.cloud


def test_every_function_starts_with_what_its_layers_bring(cloud: Cloud) -> None:
    functions = {key: value for key, value in cloud.outputs.items() if key.endswith("Function")}
    assert len(functions) == len(FUNCTIONS), "every function is an output"
    client = cloud.client("lambda")

    def start(function: str) -> bytes:
        answer: bytes = client.invoke(FunctionName=function, Payload=b"{}")["Payload"].read()
        return answer

    with ThreadPoolExecutor(4) as starters:
        for name, answer in zip(functions, starters.map(start, functions.values()), strict=True):
            assert b"init failed" not in answer, f"{name}: {answer!r}"


def test_the_console_serves_its_page_to_anybody_and_its_data_only_for_a_good_token(cloud: Cloud) -> None:
    host = {"Host": cloud.console_url.split("/")[2]}
    assert "<title>" in requests.get(f"{cloud.endpoint}/", headers=host, timeout=30).text
    data = f"{cloud.endpoint}/api/me"
    for token in ("", "nonsense", "Bearer a.b.c", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."):
        answer = requests.get(data, headers={**host, "Authorization": token}, timeout=30)
        assert answer.status_code == 401, token


def test_a_webhook_reaches_its_function_unsigned_and_is_refused_there(cloud: Cloud) -> None:
    address = f"{cloud.api_url}/webhooks/freshbooks/nobody/invoice.create"
    answer = requests.post(address, data={"name": "invoice.create", "object_id": "1"}, timeout=30)
    assert 400 <= answer.status_code < 500
    assert "Not Found" not in answer.text, "the gateway's own words for a route that is missing"


def test_what_the_emulator_leaves_out_is_put_in(cloud: Cloud) -> None:
    mappings = cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert sorted(mapping["ScalingConfig"]["MaximumConcurrency"] for mapping in mappings) == [2, 2, 5, 5]


def test_a_refused_parameter_is_named(another: Cloud) -> None:
    with pytest.raises(CloudError, match="ArchiveDays"):
        another.deploy("refused", {"ArchiveDays": "3"}, packaged=True)


def test_it_ends_without_a_trace() -> None:
    with Cloud() as cloud:
        group = cloud._process.pid  # type: ignore[union-attr]
        scratch, log = Path(cloud._scratch), cloud.log
        assert scratch.exists()
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)
    assert not scratch.exists()
    assert not log.exists()


def test_a_person_without_the_environments_is_told_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(CloudError, match="make setup"), Cloud(root=tmp_path):
        pass


def test_a_stack_is_updated_with_its_connections_in_place_and_deleted_without_its_documents(
    another: Cloud,
) -> None:
    made = another.deploy("short", {"DeletionProtection": "false"}, packaged=True)
    stack = Stack("short", another.client, made)
    stack.wiring.notes.write("", "connection", "acme", {"id": "acme", "freshbooks": {"account_id": "A1"}})
    _schedule(stack, "acme", "sps", "rate(15 minutes)")
    updated = another.deploy(
        "short", {"DeletionProtection": "false", "LogRetentionDays": "30"}, packaged=True
    )
    assert (updated["TableName"], updated["ArchiveBucket"]) == (made["TableName"], made["ArchiveBucket"])
    assert stack.wiring.connections() == ["acme"]
    [schedule] = [
        one
        for one in another.client("scheduler").list_schedules(GroupName=made["ScheduleGroup"])["Schedules"]
        if one["Name"].startswith("acme-")
    ]
    assert schedule["Target"]["Arn"] == updated["PollSpsArn"]
    cloudformation = another.client("cloudformation")
    logs = cloudformation.describe_stack_resource(StackName="short", LogicalResourceId="PollSpsLogs")
    name = logs["StackResourceDetail"]["PhysicalResourceId"]
    [group] = another.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert group["retentionInDays"] == 30
    _shift(another, updated)
    cloudformation.delete_stack(StackName="short")
    waiter = cloudformation.get_waiter("stack_delete_complete")
    waiter.wait(StackName="short", WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    functions = another.client("lambda").list_functions()["Functions"]
    assert [one["FunctionName"] for one in functions if one["FunctionName"].startswith("short-")] == []
    assert stack.wiring.connections() == ["acme"], "the table outlives the stack"


def _shift(cloud: Cloud, outputs: dict[str, str]) -> None:
    """The stack goes over to aliases, which is all of `local.gradual` that the emulator knows: it has no CodeDeploy."""
    packaged = cloud.build_folder / "packaged.yaml"
    laid_over = gradual.gradual(gradual.read(packaged), gradual.WAYS[0])
    for name in gradual.FUNCTIONS:
        del laid_over["Resources"][name]["Properties"]["DeploymentPreference"]
    s3 = cloud.client("s3")
    try:
        s3.put_object(Bucket=PACKAGES, Key="template.yaml", Body=json.dumps(laid_over).encode())
        cloud.deploy("short", {"DeletionProtection": "false", "LogRetentionDays": "30"}, packaged=True)
    finally:
        s3.upload_file(str(packaged), PACKAGES, "template.yaml")
    mapped = cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    consumers = {one["FunctionArn"].partition(":function:")[2] for one in mapped}
    assert f"{outputs['MapInboundFunction']}:live" in consumers
    url = f"{cloud.outputs['ApiUrl']}/webhooks/freshbooks/acme/invoice"
    assert requests.post(url, data="a=b", timeout=60).status_code == 415, (
        "the function behind the alias says so"
    )
