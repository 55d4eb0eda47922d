"""Gradual deployment laid over the built template: `make deploy GRADUAL=Canary10Percent5Minutes`.

SAM takes no condition for aliases, so the template is without, and this adds them where traffic can be shared: to the
workers of the queues and the webhook. CodeDeploy moves their alias to the new version in steps and back when an alarm
goes off. What runs by schedule, and the console, changes at once: there is no tenth of one run.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml

BUILT = Path(__file__).resolve().parents[1] / ".aws-sam/build"
WAYS = (
    *(f"Canary10Percent{minutes}Minutes" for minutes in (5, 10, 15, 30)),
    *(f"Linear10PercentEvery{often}" for often in ("1Minute", "2Minutes", "3Minutes", "10Minutes")),
)
FUNCTIONS = ("MapInbound", "PushFreshbooks", "MapOutbound", "PushSps", "ReceiveWebhook")
LAYERS = ("Dependencies", "Connector")
ALIAS = "live"
ROLE = "ShiftRole"
SHIFT_ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "codedeploy.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        },
        "Policies": [
            {
                "PolicyName": "Shift",
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": [
                                "lambda:GetAlias",
                                "lambda:UpdateAlias",
                                "lambda:GetProvisionedConcurrencyConfig",
                            ],
                            "Resource": [{"Fn::Sub": f"${{{name}.Arn}}:*"} for name in FUNCTIONS]
                            + [{"Fn::GetAtt": [name, "Arn"]} for name in FUNCTIONS],
                        },
                        # alarms are described without naming one
                        {"Effect": "Allow", "Action": "cloudwatch:DescribeAlarms", "Resource": "*"},
                    ],
                },
            }
        ],
    },
}


def gradual(template: dict[str, Any], how: str) -> dict[str, Any]:
    """The template with an alias for each of `FUNCTIONS`, shifted as `how` says (a CodeDeploy configuration)."""
    laid: dict[str, Any] = json.loads(json.dumps(template))
    resources = laid["Resources"]
    for name in FUNCTIONS:
        resources[name]["Properties"] |= {
            "AutoPublishAlias": ALIAS,
            # a new version whenever anything of it changes, and that is mostly what a layer holds
            "AutoPublishAliasAllProperties": True,
            "DeploymentPreference": {
                "Type": how,
                "Role": {"Fn::GetAtt": [ROLE, "Arn"]},
                "Alarms": [{"Ref": f"{name}ErrorsAlarm"}, {"Ref": "UnexpectedErrorsAlarm"}],
            },
        }
    for name in LAYERS:
        resources[name]["Properties"]["PublishLambdaVersion"] = True
    for resource in resources.values():
        if resource["Type"] == "AWS::Lambda::EventSourceMapping":
            properties = resource["Properties"]
            properties["FunctionName"] = {"Ref": f"{properties['FunctionName']['Ref']}.Alias"}
    resources[ROLE] = SHIFT_ROLE
    return laid


def read(path: Path) -> dict[str, Any]:
    """A template as plain values, its short forms (`!Ref X`) written out."""
    plain: dict[str, Any] = json.loads(json.dumps(cfn_yaml.load(str(path))))
    return plain


def main(arguments: list[str]) -> int:
    """Lay it over the built template, or over the one that is named: HOW [TEMPLATE TO]."""
    how = arguments[0]
    if how not in WAYS:
        sys.stderr.write(f"GRADUAL={how} is none of CodeDeploy's ways: {', '.join(WAYS)}\n")
        return 2
    source, to = (Path(one) for one in arguments[1:] or (BUILT / "template.yaml", BUILT / "gradual.json"))
    to.parent.mkdir(exist_ok=True)
    to.write_text(json.dumps(gradual(read(source), how), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
