"""The deployed stack in one process: moto's AWS made from template.yaml, and every handler as its own process.

What AWS does between functions is done here as AWS does it: an event source mapping hands a batch over and
deletes what did not fail, the HTTP API finds the function of a route. What the functions print and which AWS
calls they make is kept.
"""

from __future__ import annotations

import base64
import copy
import importlib.util
import json
import logging
import re
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

import boto3
import pytest

from connector.adapters import aws
from connector.settings import FunctionSettings, connection_of
from connector.wiring import Wiring
from local.simulators import Simulator
from tests.functions.template import (
    CONSOLE_ROUTES,
    CONSUMERS,
    FUNCTIONS,
    QUEUES,
    ROOT,
    ROUTES,
    STACK_NAME,
    TABLE,
    TEMPLATE,
    sample,
)

# what a cold start makes anew
MODULES_OF_A_PROCESS = ("connector.runtime", "connector.receiving", "connector.web")
LOGIN_URL = "https://login.example.com"
CONSOLE_URL = "https://console.example.com/"
NO_API = "http://127.0.0.1:9"
_watching: list[Stack] = []


@cache
def _client(service: str, **options: Any) -> Any:
    """A client for all tests and processes: making one costs more than most tests, and moto's are alike."""
    client = boto3.Session(region_name="us-east-1").client(service, config=options.get("config"))
    client.meta.events.register("provide-client-params.*.*", _seen)
    return client


def _seen(params: dict[str, Any], model: Any, **_: Any) -> None:
    for stack in _watching:
        stack.note(params, model)


def claims(group: str, **changes: str) -> dict[str, str]:
    """The claims of a verified access token, as API Gateway hands them over: all as text."""
    groups = {"cognito:groups": f"[{group}]"} if group else {}
    return {"sub": "1-2-3", "username": f"some-{group}", "token_use": "access", **groups, **changes}


@dataclass
class Context:
    """What Lambda tells a handler; `seconds` is the time that is left, or what is left at each look."""

    function_name: str
    seconds: float | Iterator[float] = 60.0
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:one"

    def get_remaining_time_in_millis(self) -> int:
        left = self.seconds if isinstance(self.seconds, (int, float)) else next(self.seconds)
        return int(left * 1000)


class Clock:
    """This machine's time and as much more as a test let pass; `ports.Clock`."""

    ahead = 0.0

    def epoch(self) -> float:
        return time.time() + self.ahead

    def now(self) -> str:
        return datetime.fromtimestamp(self.epoch(), UTC).isoformat(timespec="microseconds")

    def listen(self, client: Any) -> None:
        """Moto's answers are dated by the real time."""


@dataclass
class Process:
    """One function after its cold start, with modules of its own."""

    handler: Callable[[dict[str, Any], Any], Any]


@dataclass(frozen=True)
class Call:
    """One AWS call as a function made it."""

    function: str
    action: str
    parameters: dict[str, Any]


@dataclass
class Batch:
    """What one delivery came to: the records, and which of them are to come again."""

    records: list[dict[str, Any]]
    failed: list[str]

    @property
    def failed_messages(self) -> list[dict[str, Any]]:
        return [json.loads(one["body"]) for one in self.records if one["messageId"] in self.failed]


class Stdout:
    """Whatever stdout is at the time: pytest closes the one of a test's set-up before the test itself runs."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


class Stack:
    """Use within moto's `mock_aws`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self._lock = threading.RLock()
        self._processes: dict[str, Process] = {}
        self._current = ""
        self._printed = ""
        self._filled: set[str] = set()
        self.calls: list[Call] = []
        self.clock = Clock()
        self.vendors: list[Simulator] = []
        self.api_url = NO_API
        monkeypatch.setattr(boto3, "client", _client)
        monkeypatch.setattr(aws, "client", _client)
        _watching[:] = [self]
        self.sqs = boto3.client("sqs")
        self.urls: dict[str, str] = {}
        self._make()
        self.admin = Wiring(FunctionSettings.of(self.environment("admin")), lambda *_, **__: None)
        self.admin.clock = self.clock

    def _make(self) -> None:
        boto3.client("dynamodb").create_table(TableName="documents", **TABLE)
        boto3.client("s3").create_bucket(Bucket="archive")
        boto3.client("secretsmanager").create_secret(
            Name="oauth-state", SecretString="state-signing-key-" + "k" * 40
        )
        self.digests = boto3.client("sns").create_topic(Name="Digests")["TopicArn"]
        for name in sorted(QUEUES, key=lambda name: "RedrivePolicy" in QUEUES[name]):
            attributes = {
                key: QUEUES[name][key]
                for key in ("VisibilityTimeout", "MessageRetentionPeriod")
                if key in QUEUES[name]
            }
            if policy := QUEUES[name].get("RedrivePolicy"):
                target = policy["deadLetterTargetArn"]["Fn::GetAtt"][0]
                attributes["RedrivePolicy"] = json.dumps({**policy, "deadLetterTargetArn": self.arn(target)})
            made = self.sqs.create_queue(
                QueueName=name, Attributes={key: str(value) for key, value in attributes.items()}
            )
            self.urls[name] = made["QueueUrl"]

    @staticmethod
    def arn(queue: str) -> str:
        return f"arn:aws:sqs:us-east-1:123456789012:{queue}"

    def environment(self, function: str) -> dict[str, str]:
        """The variables that the template gives a function."""
        values = {
            "AWS::StackName": STACK_NAME,
            "Documents": "documents",
            "Archive": "archive",
            "OAuthState": "oauth-state",
        }
        values |= {"LogLevel": "INFO", "ConsoleClient": "client-1", "KmsKeyArn": ""}
        # as fast as they can: how they pace themselves is shown in simulated time
        values |= {
            f"{vendor}{name}": "0"
            for vendor in ("FreshBooks", "Sps")
            for name in ("PerMinute", "Concurrency")
        }
        values |= self.urls
        values["Digests"] = self.digests
        own = FUNCTIONS.get(function, {}).get("Environment", {}).get("Variables", {})
        named = {**TEMPLATE["Globals"]["Function"]["Environment"]["Variables"], **own}
        known = {
            "LOGIN_URL": LOGIN_URL,
            "CONSOLE_FILES": str(ROOT / "console/page"),
            "CONSOLE_URL": CONSOLE_URL,
            "API_URL": self.api_url,
        }
        return {
            name: known.get(name) or (values.get(value.get("Ref"), "") if isinstance(value, dict) else value)
            for name, value in named.items()
        }

    # ------------------------------------------------------------------------------------------- functions

    def process(self, function: str) -> Process:
        """The function's warm process; the first use is its cold start."""
        with self._lock:
            if function not in self._processes:
                self._processes[function] = self._start(function)
            return self._processes[function]

    def restart(self) -> None:
        """Every function starts cold the next time, as in a process of its own."""
        self._processes.clear()

    def _start(self, function: str) -> Process:
        for name, value in self.environment(function).items():
            self._monkeypatch.setenv(name, value)
        logging.Logger.manager.loggerDict.pop(function, None)  # Powertools configures a name only once
        for name in MODULES_OF_A_PROCESS:
            sys.modules.pop(name, None)
        path = ROOT / "functions" / function / "handler.py"
        spec = importlib.util.spec_from_file_location(f"function_{function}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for handler in logging.getLogger(function).handlers:
            assert isinstance(handler, logging.StreamHandler)
            handler.setStream(Stdout())
        if runtime := sys.modules.get("connector.runtime"):  # the webhook's function does without
            runtime.wiring.clock = self.clock
        return Process(module.handler)

    def invoke(
        self, function: str, event: Mapping[str, Any], *, seconds: float | Iterator[float] | None = None
    ) -> Any:
        """Call a handler with JSON and take JSON from it, as Lambda does."""
        timeout = FUNCTIONS[function].get("Timeout", TEMPLATE["Globals"]["Function"]["Timeout"])
        with self._lock:
            process = self.process(function)
            self._current = function
            try:
                answer = process.handler(
                    json.loads(json.dumps(event)), Context(function, timeout if seconds is None else seconds)
                )
            finally:
                self._current = ""
        return json.loads(json.dumps(answer))

    def note(self, params: dict[str, Any], model: Any) -> None:
        """Keep an AWS call that a function makes, and which queues were sent something."""
        if model.name in ("SendMessage", "SendMessageBatch", "ChangeMessageVisibility"):
            self._filled.add(params["QueueUrl"].rpartition("/")[2])
        if self._current:
            service = model.service_model.service_name
            self.calls.append(Call(self._current, f"{service}:{model.name}", dict(params)))

    # ---------------------------------------------------------------------------------------------- queues

    def send(self, queue: str, *messages: Any) -> None:
        for message in messages:
            body = message if isinstance(message, str) else json.dumps(message)
            self.sqs.send_message(QueueUrl=self.urls[queue], MessageBody=body)

    def receive(self, queue: str) -> list[dict[str, Any]]:
        """Up to ten messages as a Lambda event has them, shaped like events/*.json; they stay in the queue."""
        found = self.sqs.receive_message(
            QueueUrl=self.urls[queue], MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        )
        function = CONSUMERS.get(queue, "map_inbound")
        return [
            {
                **sample(function)["Records"][0],
                "messageId": one["MessageId"],
                "receiptHandle": one["ReceiptHandle"],
                "body": one["Body"],
                "attributes": one["Attributes"],
                "eventSourceARN": self.arn(queue),
            }
            for one in found.get("Messages", ())
        ]

    def deliver(self, queue: str, *, seconds: float | Iterator[float] | None = None) -> Batch:
        """One batch from the queue through its function; what did not fail is deleted, the rest waits for `hurry`."""
        self._filled.discard(queue)
        records = self.receive(queue)
        if not records:
            return Batch([], [])
        self._filled.add(queue)  # there may be more
        answer = self.invoke(CONSUMERS[queue], {"Records": records}, seconds=seconds)
        failed = [one["itemIdentifier"] for one in answer["batchItemFailures"]]
        for record in records:
            if record["messageId"] not in failed:
                self.sqs.delete_message(QueueUrl=self.urls[queue], ReceiptHandle=record["receiptHandle"])
        batch = Batch(records, failed)
        self._show(queue, batch, after=3600)  # however slow this machine is, it comes when the test says so
        return batch

    def hurry(self, queue: str, batch: Batch) -> None:
        """Let the failed records of a batch be seen again at once."""
        self._show(queue, batch, after=0)

    def _show(self, queue: str, batch: Batch, after: int) -> None:
        for record in batch.records:
            if record["messageId"] in batch.failed:
                self.sqs.change_message_visibility(
                    QueueUrl=self.urls[queue], ReceiptHandle=record["receiptHandle"], VisibilityTimeout=after
                )

    def pass_time(self, seconds: float) -> None:
        """Time passes for the functions and the vendors; for queues `hurry` does it."""
        self.clock.ahead += seconds
        for vendor in self.vendors:
            vendor.advanced += seconds

    def settle(self) -> list[dict[str, Any]]:
        """Deliver until no queue has anything to see; the messages that failed."""
        failed: list[dict[str, Any]] = []
        while waiting := [queue for queue in CONSUMERS if queue in self._filled]:
            for queue in waiting:
                failed += self.deliver(queue).failed_messages
        return failed

    def visibility(self) -> list[int]:
        """The visibility time-outs that functions set, in order."""
        return [
            one.parameters["VisibilityTimeout"]
            for one in self.calls
            if one.action == "sqs:ChangeMessageVisibility"
        ]

    # ------------------------------------------------------------------------------------------------- API

    def http(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        encoded: bool = False,
        decodes: bool = True,
        person: str | None = "operator",
    ) -> dict[str, Any]:
        """A request through the HTTP APIs. API Gateway `decodes` paths, also `rawPath`; emulators do not.

        `person` is the group of whoever is signed in; the authorizer lets nobody else (None) through.
        """
        route, query = "", path.partition("?")[2]
        path = path.partition("?")[0]
        for route in ROUTES:
            verb, _, pattern = route.partition(" ")
            expression = re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+)", pattern)
            found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", expression), path)
            if verb in (method, "ANY") and found:
                break
        else:
            return {"statusCode": 404, "headers": {}, "body": '{"message":"Not Found"}', "route": ""}
        event = copy.deepcopy(sample(ROUTES[route]))
        text = body if isinstance(body, str) else json.dumps(body) if body is not None else None
        event |= {"routeKey": route, "rawPath": unquote(path) if decodes else path, "rawQueryString": query}
        event["headers"] = {"host": "api.example.com", **(headers or {})}
        event["requestContext"]["http"] |= {"method": method, "path": path}
        event["requestContext"].pop("authorizer", None)
        if CONSOLE_ROUTES.get(route) == "JWT":
            if person is None:
                return {"statusCode": 401, "headers": {}, "body": '{"message":"Unauthorized"}'}
            event["requestContext"]["authorizer"] = {"jwt": {"claims": claims(person), "scopes": None}}
        event["isBase64Encoded"] = encoded
        for name in ("body", "pathParameters", "queryStringParameters"):
            event.pop(name, None)  # API Gateway leaves out what is empty
        if text is not None:
            event["body"] = base64.b64encode(text.encode()).decode() if encoded else text
        if found.groupdict():
            event["pathParameters"] = {name: unquote(value) for name, value in found.groupdict().items()}
        if query:
            event["queryStringParameters"] = dict(parse_qsl(query))
        answer: dict[str, Any] = self.invoke(ROUTES[route], event)
        return answer

    def json(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        """Status and decoded body of a request."""
        answer = self.http(method, path, body, **options)
        return answer["statusCode"], json.loads(answer["body"] or "null")

    # ---------------------------------------------------------------------------------------------- people

    def add_connection(
        self, settings: dict[str, Any], secrets: Mapping[str, dict[str, Any]], *packs: dict[str, Any]
    ) -> None:
        """What `connector connections add` and `partners import` leave behind."""
        connection = connection_of(settings)
        for name in ("freshbooks", "sps", "sps-token", "webhooks"):
            self.admin.secrets.create(connection.id, name, secrets.get(name, {}), "made by a test")
        self.admin.notes.write("", "connection", connection.id, settings)
        for pack in packs:
            self.admin.notes.write(connection.id, "pack", pack["trading_partner_id"], pack)

    def printed(self) -> str:
        """Everything that the functions have printed."""
        told = self._capsys.readouterr()
        self._printed += told.out + told.err
        return self._printed

    def log(self) -> list[dict[str, Any]]:
        """The log lines (not the metrics) that the functions have printed."""
        lines = [json.loads(line) for line in self.printed().splitlines()]
        return [line for line in lines if "level" in line]
