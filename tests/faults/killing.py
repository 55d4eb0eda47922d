"""The functions as Lambda runs them, on moto and on the vendors' simulators, and a kill at any one of their calls.

A `Machine` holds one stack with one connection. Its functions are the handlers of `functions/`, each invocation
in a process of its own (a new wiring), with the real adapters. Every AWS call (botocore's before-call and
after-call) and every HTTP request of a function is a point. A kill at a point, before or after its effect, is a
BaseException, and whatever the code still tries on its way out fails too, as it would in a process that is gone.

SQS is moto's; what moto's clock would delay is made visible again as ours moves on.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib import import_module
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import boto3
from botocore.config import Config
from moto import mock_aws
from moto.sqs.models import sqs_backends

from connector.adapters.http import HttpClient
from connector.adapters.items import from_item
from connector.ledger import FINAL, DocumentKey, Record
from connector.settings import FunctionSettings, connection_of
from connector.wiring import Wiring
from local.simulators import FreshBooksSimulator, SpsSimulator, serve
from local.simulators.webhooks import signature
from tests.functions.template import TABLE

ROOT = Path(__file__).parents[2]
PARTNER = "123ALLSUPPLIER"
VERIFIERS = {"invoice": "UWQfd9zCzxmVwFZWKqqKwLxqz8gvzGdAn", "bill": "k2TqWmB7u0xYp4RcE9sLhD3vJaN6fZgHt"}
MOST_RECEIVES = 8  # the queues' maxReceiveCount
VISIBILITY_SECONDS = 722.0
# queue, and who consumes it
QUEUES = {
    "sps_files_to_map": "map_inbound",
    "bills_to_push": "push_freshbooks",
    "records_to_map": "map_outbound",
    "rsx_to_push": "push_sps",
}
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "STACK_NAME": "stack",
    "TABLE_NAME": "documents",
    "ARCHIVE_BUCKET": "archive",
    "POWERTOOLS_SERVICE_NAME": "test",
    "POWERTOOLS_METRICS_NAMESPACE": "Test",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
}


class Killed(BaseException):
    """The process is gone."""


# Also what cannot differ (kills at reads), and all of what is drawn (pairs of kills): `make test THOROUGH=1`.
THOROUGH = bool(os.environ.get("THOROUGH"))
READS = re.compile(r"Get|BatchGet|Query|GET ")


class Point(NamedTuple):
    """One call of one function; `first` of its invocation."""

    function: str
    call: str
    first: bool

    def __str__(self) -> str:
        return f"{self.function}: {self.call}"

    @property
    def sides(self) -> tuple[str, ...]:
        """Where a kill leaves something behind that no other kill does: a read leaves nothing."""
        if READS.match(self.call) and not THOROUGH:
            return ("before",) if self.first else ()
        return "before", "after"


class Clock:
    """`ports.Clock` and the simulators' clock, moved by the test."""

    def __init__(self) -> None:
        self._epoch = 1_790_000_000.0

    def epoch(self) -> float:
        return self._epoch

    def now(self) -> str:
        self._epoch += 0.001  # two instants are never the same
        return datetime.fromtimestamp(self._epoch, UTC).isoformat(timespec="microseconds")

    def pass_(self, seconds: float) -> None:
        self._epoch += seconds

    def listen(self, client: Any) -> None:
        """The real one takes its time from the table's answers."""


class Killer:
    """Notes every call of the functions, and kills at the one it was told."""

    def __init__(self) -> None:
        self.function = ""
        self.points: list[Point] = []
        self._at: tuple[int, str] | None = None
        self._dead = False
        self._first = True

    def arm(self, at: tuple[int, str] | None) -> None:
        """Forget the calls so far; kill at call n (from 1), "before" or "after" its effect."""
        self.points, self._at, self._dead = [], at, False

    @contextmanager
    def running(self, function: str) -> Iterator[None]:
        self.function, self._dead, self._first = function, False, True
        try:
            yield
        finally:
            self.function = ""

    @property
    def has_struck(self) -> bool:
        return self._at is None

    def before(self, call: str) -> None:
        if self.function:
            if self._dead:
                raise Killed
            self.points.append(Point(self.function, call, self._first))
            self._first = False
            self._strike("before")

    def after(self) -> None:
        if self.function:
            self._strike("after")

    def _strike(self, side: str) -> None:
        if self._at == (len(self.points), side):
            self._at, self._dead = None, True
            raise Killed

    def watch_client(self, service: str) -> Any:
        client = boto3.client(
            service, config=Config(user_agent="test")
        )  # making up the long one takes its time
        client.meta.events.register("before-call", lambda model, **_: self.before(model.name))
        client.meta.events.register("after-call", lambda **_: self.after())
        return client

    def watch_http(self, session: Any) -> None:
        send = session.send

        def watched(request: Any, **keywords: Any) -> Any:
            self.before(f"{request.method} {request.path_url.partition('?')[0]}")
            try:
                return send(request, **keywords)
            finally:
                self.after()

        session.send = watched


class Machine:
    """One stack and both vendors; `fresh` makes everything new but the processes and clients."""

    def __init__(
        self, sps: SpsSimulator, books: FreshBooksSimulator, urls: tuple[str, str], clock: Clock
    ) -> None:
        # as sys.modules has them: other tests start functions anew
        runtime, receiving = (import_module(f"connector.{name}") for name in ("runtime", "receiving"))
        self.sps, self.books, self.clock = sps, books, clock
        self.killer = Killer()
        self.reports: list[tuple[str, dict[str, Any]]] = []
        self._urls = urls
        self._wiring, self._receiver = runtime.wiring, receiving.receiver
        self._tell = runtime.telemetry.report
        runtime.telemetry.report = self._report  # type: ignore[method-assign]
        receiving.telemetry.report = self._report  # type: ignore[method-assign]
        self._clients = {
            name: self.killer.watch_client(name) for name in ("dynamodb", "s3", "sqs", "secretsmanager")
        }
        self._numbers = count(1)
        self._handlers: dict[str, Callable[[Any, Any], Any]] = {}
        self.sqs = self._clients["sqs"]
        self._clients["s3"].create_bucket(Bucket="archive")
        self._queues: dict[str, str] = {}
        self.settings = FunctionSettings("stack", "", "archive")

    # ------------------------------------------------------------------------------ a new beginning

    def fresh(self) -> None:
        """A new table, empty queues and vendors, one connection "acme" with its secrets."""
        self.killer.arm(None)
        self.reports.clear()
        self.sps.reset()
        self.books.reset()
        number = next(self._numbers)
        for url in self._queues.values():
            self.sqs.delete_queue(QueueUrl=url)
        self._queues = {
            name: self.sqs.create_queue(QueueName=f"{name}-{number}")["QueueUrl"] for name in QUEUES
        }
        table = f"documents-{number}"
        self._clients["dynamodb"].create_table(TableName=table, **TABLE)
        self.settings = FunctionSettings("stack", table, "archive", **self._queues)
        self.start()
        self.sps.add_account({"client_id": "sps", "client_secret": "s"})
        told = self.books.add_account(
            {
                "account_id": "ACC",
                "business_id": 1,
                "client_id": "fb",
                "client_secret": "s",
                "categories": [{"id": 77, "category": "Cost of Goods Sold"}],
            }
        )
        secrets = {
            "sps": {"client_id": "sps", "client_secret": "s"},
            "sps-token": {},
            "freshbooks": {
                "client_id": "fb",
                "client_secret": "s",
                "access_token": told["access_token"],
                "refresh_token": told["refresh_token"],
                "expires_at": self.clock.epoch() + 43_200,
            },
            "webhooks": {
                event: {"callback_id": n, "verifiers": [key]}
                for n, (event, key) in enumerate(VERIFIERS.items(), 1)
            },
        }
        for name, value in secrets.items():
            self.wiring.secrets.create("acme", name, value, "")
        sps, books = self._urls
        connection = connection_of(
            {
                "id": "acme",
                "category": "Cost of Goods Sold",
                "freshbooks": {"account_id": "ACC", "api_url": books},
                "sps": {
                    "api_url": f"{sps}/transactions/v5",
                    "token_url": f"{sps}/oauth/token",
                    "auth_check_url": f"{sps}/auth-check",
                },
            }
        )
        self.wiring.notes.write("", "connection", "acme", connection.model_dump(mode="json"))

    def start(self) -> None:
        """A new process: nothing that the old one had in memory is left."""
        wiring = self._wiring
        vars(wiring).clear()
        Wiring.__init__(wiring, self.settings, self._report, self._clients.__getitem__)
        wiring.clock = self.clock
        wiring.http = HttpClient(sleep=lambda _: None)
        self.killer.watch_http(wiring.http._session)
        vars(self._receiver).clear()
        type(self._receiver).__init__(self._receiver, self.settings, self._clients.__getitem__)

    def _report(self, message: str, **keys: Any) -> None:
        self.reports.append((message, keys))
        self._tell(message, **keys)

    @property
    def wiring(self) -> Wiring:
        return self._wiring

    def set_up(self, **pack: Any) -> None:
        pack = {"trading_partner_id": PARTNER, "name": "Example Retail", **pack}
        self.wiring.notes.write("acme", "pack", PARTNER, pack)

    # ------------------------------------------------------------------------------ what runs

    def invoke(self, function: str, event: Any) -> Any:
        """One invocation, in a new process."""
        self.start()
        with self.killer.running(function):
            return self.handler(function)(event, CONTEXT)

    def schedule(self, function: str, connection: str = "acme") -> None:
        """A schedule's invocation: one that fails is not repeated, the next run is the retry."""
        with suppress(Killed, Exception):
            self.invoke(function, {"connection": connection})

    def work(self) -> None:
        """Let the consumers work until every queue is empty; failed messages come again, a while later."""
        while any(self.batch(queue) for queue in QUEUES):
            pass

    def batch(self, queue: str) -> bool:
        """One invocation of a queue's consumer, if there is work; what failed comes again, a while later."""
        function = QUEUES[queue]
        url = self._queues[queue]
        kept = sqs_backends["123456789012"]["us-east-1"].queues[url.rpartition("/")[2]]
        if not kept.messages:
            return False
        messages = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])[
            "Messages"
        ]
        records = [
            {
                "messageId": m["MessageId"],
                "receiptHandle": m["ReceiptHandle"],
                "body": m["Body"],
                "attributes": m["Attributes"],
                "eventSourceARN": kept.queue_arn,
            }
            for m in messages
        ]
        receives = max(int(m["Attributes"]["ApproximateReceiveCount"]) for m in messages)
        assert receives <= MOST_RECEIVES, f"a message of {function} ends in the failed queue"
        try:
            answer = self.invoke(function, {"Records": records})
            failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
        except Killed:
            failed = {record["messageId"] for record in records}
        for record in records:
            handle = {"QueueUrl": url, "ReceiptHandle": record["receiptHandle"]}
            if record["messageId"] in failed:
                self.sqs.change_message_visibility(**handle, VisibilityTimeout=0)
            else:
                self.sqs.delete_message(**handle)
        if failed:
            self.clock.pass_(VISIBILITY_SECONDS)
        return True

    def handler(self, function: str) -> Callable[[Any, Any], Any]:
        """A function as Lambda loads it, from its file."""
        if function not in self._handlers:
            path = ROOT / "functions" / function / "handler.py"
            spec = importlib.util.spec_from_file_location(f"handler_of_{function}", path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            self._handlers[function] = module.handler
        return self._handlers[function]

    def webhook(self, noun: str, object_id: int) -> int:
        """One signed delivery; the status of the answer, 500 where the function failed."""
        body = (
            f"name={noun}.update&object_id={object_id}&account_id=ACC&business_id=1&identity_id=1&user_id=1"
        )
        return self._deliver(delivery(noun, body))

    def handshake(self, noun: str, callback_id: int, verifier: str) -> int:
        """The unsigned request that brings a new callback's key."""
        event = delivery(
            noun, f"name=callback.verify&object_id={callback_id}&verifier={verifier}&account_id=ACC"
        )
        event["headers"].pop("x-freshbooks-hmac-sha256")
        return self._deliver(event)

    def _deliver(self, event: Any) -> int:
        try:
            return int(self.invoke("receive_webhook", event)["statusCode"])
        except (Killed, Exception):
            return 500

    def waiting(self, queue: str) -> list[dict[str, Any]]:
        """What is in a queue, untouched."""
        kept = sqs_backends["123456789012"]["us-east-1"].queues[self._queues[queue].rpartition("/")[2]]
        return [json.loads(message.body) for message in kept.messages]

    # ------------------------------------------------------------------------------ what is there

    def put(self, path: str, document: Any) -> None:
        """A file as SPS puts it into the mailbox."""
        with self.sps.lock:
            self.sps._store(self.sps.mailboxes["sps"], path, json.dumps(document).encode(), "")

    def files(self) -> list[str]:
        return sorted(path for path in self.sps.mailboxes["sps"].files if path.startswith("out/"))

    def uploads(self) -> list[dict[str, Any]]:
        return self.sps.mailboxes["sps"].uploads

    def sent(self) -> list[dict[str, Any]]:
        return [json.loads(upload["content"]) for upload in self.uploads()]

    def books_of(self, plural: str) -> Any:
        return self.books.books["ACC"].by_plural[plural]

    def posts(self, route: str, method: str = "POST") -> int:
        """How often the vendors were asked to do something, whatever came of it."""
        entries = [*self.sps.requests(), *self.books.requests()]
        return sum(entry["method"] == method and entry["path"].endswith(route) for entry in entries)

    def record(self, direction: str, type_: str, number: str) -> Record:
        record = self.wiring.ledger.get(DocumentKey("acme", direction, PARTNER, type_, number))  # type: ignore[arg-type]
        assert record is not None, f"the {type_} {number} is lost"
        return record

    def unfinished(self) -> list[str]:
        """Documents whose state is not final."""
        items = self._clients["dynamodb"].scan(TableName=self.settings.table, ConsistentRead=True)["Items"]
        records = [from_item(item) for item in items if item["sk"]["S"] == "RECORD"]
        return [f"{r.key.id} is {r.state}: {dict(r.reason)}" for r in records if r.state not in FINAL]


CONTEXT = SimpleNamespace(
    function_name="function",
    memory_limit_in_mb=256,
    aws_request_id="request-1",
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:function",
    get_remaining_time_in_millis=lambda: 120_000,
)


def delivery(noun: str, body: str) -> dict[str, Any]:
    """A signed webhook as the HTTP API hands it to the function."""
    return {
        "pathParameters": {"connection": "acme", "event": noun},
        "headers": {
            "content-type": "application/x-www-form-urlencoded",
            "x-freshbooks-hmac-sha256": signature(body, VERIFIERS[noun]),
        },
        "body": body,
        "isBase64Encoded": False,
    }


@contextmanager
def machine() -> Iterator[Machine]:
    """A machine for a module of tests; afterwards the process's own wiring is as it was."""
    held = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    clock = Clock()
    sps, books = SpsSimulator(clock.epoch), FreshBooksSimulator(clock.epoch)
    try:
        with mock_aws(), serve(sps) as sps_server, serve(books) as books_server:
            from connector import runtime

            before = dict(vars(runtime.wiring))
            try:
                yield Machine(sps, books, (sps_server.url, books_server.url), clock)
            finally:
                vars(runtime.wiring).clear()
                vars(runtime.wiring).update(before)
                vars(runtime.telemetry).pop("report", None)
    finally:
        for name, value in held.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
