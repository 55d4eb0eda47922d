# ruff: noqa: T201 - it prints its figures
"""Cold starts, memory and the webhook's answer of the built functions, in Lambda's runtime environment on this machine.

Init is the processor time of importing a handler, as a ratio to `import boto3; boto3.client("sqs")` in the same run:
each is measured in turn, so a busy moment hits all. Memory is what the process has resident under AWS's runtime client.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
from moto.server import ThreadedMotoServer

from local.lambda_runtime import PYTHON, ROOT, BuiltFunction, Packages, local_layers, reason_not_to_run

TURNS = 7
ANSWERS = 200
BASELINE = "boto3.client('sqs')"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "STACK_NAME": "bench",
    "TABLE_NAME": "documents",
    "ARCHIVE_BUCKET": "archive",
    "POWERTOOLS_METRICS_NAMESPACE": "FreshbooksSpsConnector",
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}


def run() -> dict[str, Any]:
    """Figures, or the reason why there are none."""
    if reason := reason_not_to_run():
        return {"skipped": reason}
    subprocess.run(["make", "--silent", "build"], cwd=ROOT, check=True, capture_output=True)  # noqa: S607
    layers = local_layers(ROOT / ".aws-sam/build", ROOT / ".aws-sam/packaging")
    packages = Packages(ROOT / "functions", layers)
    figures: dict[str, Any] = {"init": _init(packages), "webhook": _webhook(packages)}
    print(f"\ninit, ratio to {BASELINE}; memory after it")
    for name, told in figures["init"].items():
        print(f"  {name:22} {told['ratio']:5.2f}  {told['mb']:6.1f} MB")
    print(f"webhook, warm: {figures['webhook']}")
    return figures


def _init(packages: Packages) -> dict[str, dict[str, float]]:
    names = sorted(path.parent.name for path in packages.functions.glob("*/handler.py"))
    seconds: dict[str, list[float]] = {name: [] for name in (BASELINE, *names)}
    for _ in range(TURNS):
        seconds[BASELINE].append(_imported("import boto3; boto3.client('sqs')", packages, "receive_webhook"))
        for name in names:
            seconds[name].append(_imported("import handler", packages, name))
    base = statistics.median(seconds[BASELINE])
    told = {}
    for name in names:
        with BuiltFunction(packages, name, ENVIRONMENT, timeout=10) as function:
            megabytes = function.resident_bytes() / 1e6
        told[name] = {"ratio": round(statistics.median(seconds[name]) / base, 2), "mb": round(megabytes, 1)}
    return told


def _imported(code: str, packages: Packages, function: str) -> float:
    timed = f"import time; began = time.process_time()\n{code}\nprint(time.process_time() - began)"
    path = os.pathsep.join(str(one) for one in (packages.functions / function, *packages.layers))
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [PYTHON, "-s", "-c", timed],
        env={**ENVIRONMENT, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


def _webhook(packages: Packages) -> dict[str, float]:
    """Processor time of a warm, accepted delivery, Lambda's runtime client included."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server.start()
    host, port = server.get_host_and_port()
    aws = f"http://{host}:{port}"
    options = {"region_name": "us-east-1", "endpoint_url": aws}
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    url = boto3.client("sqs", **options, **keys).create_queue(QueueName="RecordsToMap")["QueueUrl"]
    boto3.client("secretsmanager", **options, **keys).create_secret(
        Name="bench/acme/webhooks", SecretString=json.dumps({"invoice": {"verifiers": ["key"]}})
    )
    event = _delivery("key")
    environment = {**ENVIRONMENT, "RECORDS_TO_MAP_URL": url, "AWS_ENDPOINT_URL": aws}
    with BuiltFunction(packages, "receive_webhook", environment, timeout=29) as function:
        for _ in range(5):
            if function.invoke(event)["statusCode"] != 200:
                raise SystemExit("the webhook did not take a good delivery")
        before, began = function.cpu_seconds(), time.monotonic()
        for _ in range(ANSWERS):
            function.invoke(event)
        cpu, wall = function.cpu_seconds() - before, time.monotonic() - began
    server.stop()
    return {"cpu_ms": round(1000 * cpu / ANSWERS, 2), "wall_ms": round(1000 * wall / ANSWERS, 2)}


def _delivery(key: str) -> dict[str, Any]:
    fields = {"name": "invoice.create", "object_id": "1234567", "account_id": "A", "user_id": "1"}
    signature = hmac.new(key.encode(), json.dumps(fields).encode(), hashlib.sha256).digest()
    event: dict[str, Any] = json.loads((Path(ROOT) / "events/receive_webhook.json").read_text())
    event["headers"]["x-freshbooks-hmac-sha256"] = base64.b64encode(signature).decode()
    return {**event, "body": urlencode(fields), "isBase64Encoded": False}
