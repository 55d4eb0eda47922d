"""What the stack's AWS is made of: template.yaml as plain values, and the events of events/*.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
STACK_NAME = "books"


class _Cfn(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: `!Ref X` is {"Ref": "X"}."""


def _short(loader: Any, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any = (
        loader.construct_scalar(node)
        if isinstance(node, yaml.ScalarNode)
        else loader.construct_sequence(node, deep=True)
    )
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".")
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Cfn.add_multi_constructor("!", _short)
TEMPLATE: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(), Loader=_Cfn)
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]


def _of_type(kind: str) -> dict[str, dict[str, Any]]:
    return {name: one["Properties"] for name, one in RESOURCES.items() if one["Type"] == kind}


FUNCTIONS = {
    one["CodeUri"].removeprefix("functions/"): one for one in _of_type("AWS::Serverless::Function").values()
}
_FOLDER = {name: one["CodeUri"][10:] for name, one in _of_type("AWS::Serverless::Function").items()}
GRANTED = {
    _FOLDER[name.removesuffix("Role")]: one["Policies"][0]["PolicyDocument"]["Statement"]
    for name, one in _of_type("AWS::IAM::Role").items()
    if name.removesuffix("Role") in _FOLDER
}
QUEUES = _of_type("AWS::SQS::Queue")
# what a table is created with, wherever one is; its protection and encryption are not moto's
TABLE = {
    name: RESOURCES["Documents"]["Properties"][name]
    for name in ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
}
CONSUMERS = {
    one["EventSourceArn"]["Fn::GetAtt"][0]: _FOLDER[one["FunctionName"]["Ref"]]
    for one in _of_type("AWS::Lambda::EventSourceMapping").values()
}
ROUTES = {
    f"{route['Properties']['Method']} {route['Properties']['Path']}": folder
    for folder, one in FUNCTIONS.items()
    for route in one.get("Events", {}).values()
    if route["Type"] == "HttpApi"
}
# the console's API is not SAM's: its routes are resources, all to one function; the most specific first
CONSOLE_ROUTES = {
    one["RouteKey"]: one["AuthorizationType"] for one in _of_type("AWS::ApiGatewayV2::Route").values()
}
ROUTES |= dict.fromkeys(sorted(CONSOLE_ROUTES, key=lambda route: "{file+}" in route), "serve_console")


def sample(function: str) -> dict[str, Any]:
    """The event of events/<function>.json."""
    event: dict[str, Any] = json.loads((ROOT / "events" / f"{function}.json").read_text())
    return event
