"""`make deploy GRADUAL=...`: what is laid over the template, and what SAM makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.gradual import FUNCTIONS, LAYERS, ROLE, gradual, main, read
from tests.template.sam import translated

ROOT = Path(__file__).resolve().parents[2]
PLAIN = read(ROOT / "template.yaml")
CANARY = gradual(PLAIN, "Canary10Percent5Minutes")


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return translated(CANARY)


def of_type(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {name: one for name, one in template["Resources"].items() if one["Type"] == kind}


def referred(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("Ref"), str):
            yield value["Ref"]
        if "Fn::GetAtt" in value:
            yield value["Fn::GetAtt"][0]
        for one in value.values():
            yield from referred(one)
    elif isinstance(value, list):
        for one in value:
            yield from referred(one)


def test_everything_that_is_named_is_there(made: dict[str, Any]) -> None:
    there = {*made["Resources"], *made["Parameters"]}
    assert [name for name in referred(made) if name not in there and not name.startswith("AWS::")] == []


def test_only_shared_traffic_is_shifted_and_the_rest_of_the_template_stays_as_it_is() -> None:
    changed = {name for name, one in CANARY["Resources"].items() if PLAIN["Resources"].get(name) != one}
    assert changed == {*FUNCTIONS, *LAYERS, ROLE, *of_type(PLAIN, "AWS::Lambda::EventSourceMapping")}
    assert {key: one for key, one in CANARY.items() if key != "Resources"} == {
        key: one for key, one in PLAIN.items() if key != "Resources"
    }


def test_queues_and_webhooks_come_to_the_alias(made: dict[str, Any]) -> None:
    aliases = {f"{name}Aliaslive" for name in FUNCTIONS}
    assert set(of_type(made, "AWS::Lambda::Alias")) == aliases
    consumers = [one["Properties"] for one in of_type(made, "AWS::Lambda::EventSourceMapping").values()]
    assert {one["FunctionName"]["Ref"] for one in consumers} == aliases - {"ReceiveWebhookAliaslive"}
    [permission] = [
        one["Properties"]
        for one in of_type(made, "AWS::Lambda::Permission").values()
        if "/webhooks/" in json.dumps(one)
    ]
    assert permission["FunctionName"] == {"Ref": "ReceiveWebhookAliaslive"}
    paths = made["Resources"]["Api"]["Properties"]["Body"]["paths"]
    assert "${ReceiveWebhookAliaslive}" in json.dumps(paths["/webhooks/freshbooks/{connection}/{event}"])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_shift_goes_back_when_the_function_or_the_connector_fails(made: dict[str, Any], name: str) -> None:
    group = made["Resources"][f"{name}DeploymentGroup"]["Properties"]
    alarms = [alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]]
    assert alarms == [f"{name}ErrorsAlarm", "UnexpectedErrorsAlarm"]
    assert set(alarms) <= set(of_type(made, "AWS::CloudWatch::Alarm"))
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    update = made["Resources"][f"{name}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    assert update["DeploymentGroupName"] == {"Ref": f"{name}DeploymentGroup"}


def test_codedeploy_may_move_these_aliases_and_nothing_else(made: dict[str, Any]) -> None:
    groups = of_type(made, "AWS::CodeDeploy::DeploymentGroup").values()
    assert {one["Properties"]["ServiceRoleArn"]["Fn::GetAtt"][0] for one in groups} == {ROLE}
    role = made["Resources"][ROLE]["Properties"]
    assert role["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "codedeploy.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ]
    [policy] = role["Policies"]
    moves, looks = policy["PolicyDocument"]["Statement"]
    versions = [{"Fn::Sub": f"${{{name}.Arn}}:*"} for name in FUNCTIONS]
    functions = [{"Fn::GetAtt": [name, "Arn"]} for name in FUNCTIONS]
    assert moves == {
        "Effect": "Allow",
        "Action": ["lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"],
        "Resource": versions + functions,
    }
    assert looks == {"Effect": "Allow", "Action": "cloudwatch:DescribeAlarms", "Resource": "*"}


def test_new_code_in_a_layer_is_a_new_version_and_the_same_code_is_none(made: dict[str, Any]) -> None:
    before = set(of_type(made, "AWS::Lambda::Version"))
    assert set(of_type(translated(CANARY), "AWS::Lambda::Version")) == before
    after = set(of_type(translated(CANARY, Connector="changed"), "AWS::Lambda::Version"))
    assert len(before) == len(after) == len(FUNCTIONS)
    assert not before & after


def test_a_way_that_codedeploy_does_not_know_is_refused_before_anything_is_deployed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["Tomorrow"]) == 2
    assert "Linear10PercentEvery1Minute" in capsys.readouterr().err
