"""How many AWS and HTTP calls one document costs, counted: the real adapters on moto and on the simulators.

In full batches, as a poll or a busy hour makes them, and one by one. Receiving and deleting messages is counted apart,
by batch: SQS and Lambda do it by themselves.
"""

from __future__ import annotations

import io
import json
import math
import os
import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import boto3
import requests
from aws_lambda_powertools import Logger
from moto import mock_aws

from bench import prices
from connector.ledger import FINAL, State
from connector.rules.packs import PartnerPack
from connector.settings import FunctionSettings, connection_of
from connector.telemetry import _COUNTED, KEYS
from connector.usecases import packs, people
from connector.usecases.inbound import map_inbound
from connector.usecases.outbound import map_outbound
from connector.usecases.polling import poll_sps
from connector.usecases.targets import push_document
from connector.usecases.together import Work, together
from connector.usecases.webhooks import hint
from connector.usecases.world import World
from connector.wiring import Wiring
from local import day
from local.faults.queues import BATCH
from local.simulators.freshbooks import FreshBooksSimulator
from local.simulators.server import serve
from local.simulators.sps import SpsSimulator
from local.trade import PurchaseOrder
from tests.functions.template import TABLE

DOCUMENTS = 20
STEPS = 2  # one that maps and one that pushes
UPKEEP_READS = 1  # `resolve_in_doubt` looks at each document once, a quarter of an hour later
METRIC_LINE = (
    '{"_aws":{"Timestamp":1790000000000,"CloudWatchMetrics":[{"Namespace":"FreshbooksSpsConnector","Dimensions":'
    '[["service"]],"Metrics":[{"Name":"DocumentsDelivered","Unit":"Count"}]}]},"service":"freshbooks-sps",'
    '"DocumentsDelivered":[1.0]}\n'
)
WRITES = re.compile(
    r"PutItem|UpdateItem|DeleteItem|PutObject|SendMessage|PutSecretValue|TransactWrite|BatchWrite"
)


class Counted:
    """Calls by name, for AWS clients and the vendors' HTTP alike."""

    def __init__(self) -> None:
        self._entries: dict[str, set[tuple[str, str, str]]] = {}
        self.clear()

    def clear(self) -> None:
        self.calls: Counter[str] = Counter()
        self.units: Counter[str] = Counter()
        self.sent_bytes = 0
        self.log = io.StringIO()
        self._metrics: set[str] = set()
        self._share = 1.0
        self._logger = Logger(service="bench", stream=self.log, logger_formatter=None)
        self._logger.handlers[0].stream = self.log  # type: ignore[attr-defined]

    def report(self, message: str, **keys: Any) -> None:
        """As `connector.telemetry` prints it, and the metric line that most messages bring."""
        self._logger.info(message, extra={name: value for name, value in keys.items() if name in KEYS})
        if message in _COUNTED:  # an invocation has one line of each metric
            self.log.write(", 1.0" if message in self._metrics else METRIC_LINE)
            self._metrics.add(message)

    def work(self, world: World, messages: list[dict[str, Any]], work: Work, batch: int) -> None:
        """What one function does with its messages, an invocation for each batch."""
        for first in range(0, len(messages), batch):
            self._metrics.clear()
            for error in together(world, messages[first : first + batch], work).values():
                raise error

    def client(self, service: str) -> Any:
        client = boto3.client(service, region_name="us-east-1")
        client.meta.events.register("before-call", self._called)
        client.meta.events.register("provide-client-params.dynamodb.PutItem", self._written)
        client.meta.events.register("after-call.dynamodb", self._read)
        return client

    def _called(self, model: Any, params: dict[str, Any], **_: Any) -> None:
        self.calls[model.name] += 1
        body = params.get("body") or b""
        self.sent_bytes += len(body if isinstance(body, (bytes, str)) else body.getvalue())
        if model.name == "BatchGetItem":  # each of them is rounded up by itself
            self.units["read"] += sum(len(each["Keys"]) for each in json.loads(body)["RequestItems"].values())
        if model.name in (
            "GetItem",
            "Query",
        ):  # half the price where a moment's lag does no harm, as in any index
            self._share = 1.0 if json.loads(body).get("ConsistentRead") else 0.5

    def _written(self, params: dict[str, Any], **_: Any) -> None:
        item = params["Item"]
        size = sum(len(name) + _length(*value.values()) for name, value in item.items())
        there = {
            (name, str(item[name]), str(item["entered"]))
            for name in ("state_key", "waits_for")
            if name in item
        }
        before = self._entries.get(item["pk"]["S"], set())
        self._entries[item["pk"]["S"]] = there
        self.units["write"] += prices.write_units(size, len(there ^ before))

    def _read(self, http_response: Any, model: Any, **_: Any) -> None:
        if model.name in ("GetItem", "Query"):
            self.units["read"] += self._share * prices.read_units(len(http_response.content))

    def http(self, sent: Any) -> None:
        self.calls[f"{sent.call.vendor} {sent.call.method}"] += 1


def measure() -> dict[str, Any]:
    """Calls per document of a warm connection, inbound (order -> bill) and outbound (invoice -> RSX)."""
    alone = {f"{flow}_alone": figures for flow, figures in measured(1).items()}
    return {**measured(BATCH), **alone}


def measured(batch: int, prepare: Callable[[Wiring], None] = lambda wiring: None) -> dict[str, Any]:
    """The same in batches of so many; `prepare` may fill the stack before."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    with mock_aws(), serve(SpsSimulator()) as sps, serve(FreshBooksSimulator()) as books:
        counted = Counted()
        wiring = _wiring(counted)
        supplier = day.make_day(1, date(2026, 4, 16))[0]
        partner = supplier.partners[0]
        token = _accounts(sps.url, books.url)
        _connect(wiring, sps.url, books.url, token)
        prepare(wiring)
        world = wiring.world("acme")
        packs.set_up_partner(world, PartnerPack(trading_partner_id=partner.id, name=partner.name))
        for n in range(DOCUMENTS + 1):
            order = supplier.orders[n % 5].rsx()
            order["Header"]["OrderHeader"]["PurchaseOrderNumber"] = f"PO{n:04d}"
            requests.put(
                f"{sps.url}/_control/mailbox/sps/out/PO{n:04d}.json", data=json.dumps(order), timeout=10
            )
        poll_sps(world)
        files = _taken(wiring, wiring.settings.sps_files_to_map)

        def inbound(messages: list[dict[str, Any]]) -> None:
            counted.work(world, messages, map_inbound, batch)
            counted.work(world, _taken(wiring, wiring.settings.bills_to_push), push_document, batch)

        def outbound(ids: list[int]) -> None:
            hints = [hint("acme", "invoice", object_id, "invoice.create", "c") for object_id in ids]
            counted.work(world, hints, map_outbound, batch)
            counted.work(world, _taken(wiring, wiring.settings.rsx_to_push), push_document, batch)

        inbound(files[:1])  # tokens, vendor and category are learned once
        counted.clear()
        counted.calls["SendMessageBatch"] += math.ceil(DOCUMENTS / 10)  # what the poll sent
        inbound(files[1:])
        inward = _figures(counted, batch)
        invoices = [
            _invoice(books.url, token, f"I{n:04d}", supplier.orders[n % 5]) for n in range(DOCUMENTS + 1)
        ]
        outbound(invoices[:1])
        counted.clear()
        outbound(invoices[1:])
        outward = _figures(counted, batch)
        unfinished = [
            f"{record['id']} {record['state']}: {record['reason'].get('message', '')}"
            for record in people.documents(wiring.ledger, "acme", states=set(State) - FINAL)
        ]
        if unfinished:
            raise SystemExit(f"not every document went through, so nothing was measured: {unfinished[:3]}")
        return {"order_to_bill": inward, "invoice_to_rsx": outward}


def _length(value: str | bytes) -> int:
    return len(value if isinstance(value, bytes) else value.encode())


def _figures(counted: Counted, batch: int) -> dict[str, Any]:
    calls = {
        name: count
        for name, count in counted.calls.items()
        if name not in ("ReceiveMessage", "DeleteMessage")
    }
    each = {name: round(count / DOCUMENTS, 2) for name, count in sorted(calls.items())}
    http = {name: count for name, count in each.items() if " " in name}
    aws = {name: count for name, count in each.items() if " " not in name}
    return {
        "http": http,
        "aws": aws,
        "http_calls": round(sum(http.values()), 2),
        "aws_writes": round(sum(count for name, count in aws.items() if WRITES.match(name)), 2),
        "aws_reads": round(sum(count for name, count in aws.items() if not WRITES.match(name)), 2),
        "write_units": (written := counted.units["write"] / DOCUMENTS),
        "read_units": (read := counted.units["read"] / DOCUMENTS + UPKEEP_READS),
        "aws_bytes": round(counted.sent_bytes / DOCUMENTS),
        "log_bytes": (logged := round(len(counted.log.getvalue()) / DOCUMENTS)),
        "dollars_per_1000": prices.dollars(aws, written, read, STEPS, batch, logged),
    }


def _wiring(counted: Counted) -> Wiring:
    sqs, settings = boto3.client("sqs", region_name="us-east-1"), {}
    for name in ("sps_files_to_map", "bills_to_push", "records_to_map", "rsx_to_push"):
        settings[name] = sqs.create_queue(QueueName=name)["QueueUrl"]
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="archive")
    boto3.client("dynamodb", region_name="us-east-1").create_table(TableName="documents", **TABLE)
    wiring = Wiring(
        FunctionSettings(stack="bench", table="documents", archive_bucket="archive", **settings),
        counted.report,
        counted.client,
    )
    wiring.http = type(wiring.http)(on_request=counted.http)
    return wiring


def _accounts(sps: str, books: str) -> dict[str, str]:
    requests.post(f"{sps}/_control/accounts", json={"client_id": "sps", "client_secret": "s"}, timeout=10)
    account = {"account_id": "ACC", "business_id": 1, "client_id": "fb", "client_secret": "s"}
    answer = requests.post(
        f"{books}/_control/accounts",
        json={**account, "categories": [{"id": 7, "category": "Orders"}]},
        timeout=10,
    )
    tokens: dict[str, str] = answer.json()
    return tokens


def _connect(wiring: Wiring, sps: str, books: str, token: dict[str, str]) -> None:
    wiring.secrets.create("acme", "sps", {"client_id": "sps", "client_secret": "s"}, "")
    wiring.secrets.create("acme", "sps-token", {}, "")
    wiring.secrets.create("acme", "freshbooks", {"access_token": token["access_token"]}, "")
    connection = connection_of(
        {
            "id": "acme",
            "category": "Orders",
            "freshbooks": {"account_id": "ACC", "api_url": books},
            "sps": {
                "api_url": f"{sps}/transactions/v5",
                "token_url": f"{sps}/oauth/token",
                "auth_check_url": f"{sps}/auth-check",
            },
        }
    )
    wiring.notes.write("", "connection", "acme", connection.model_dump(mode="json"))


def _invoice(books: str, token: dict[str, str], number: str, order: PurchaseOrder) -> int:
    invoice = day.invoice(number, order, random.Random(1), order.when, taxed=None).body  # noqa: S311
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token['access_token']}"
    url = f"{books}/accounting/account/ACC"
    invoice["customerid"] = session.post(
        f"{url}/users/clients", json={"client": {"organization": "x"}}, timeout=10
    ).json()["response"]["result"]["client"]["userid"]
    invoice |= {"po_number": f"PO{number[1:]}", "discount_value": "0"}
    made = session.post(f"{url}/invoices/invoices", json={"invoice": invoice}, timeout=10).json()
    return int(made["response"]["result"]["invoice"]["id"])


def _taken(wiring: Wiring, url: str) -> list[dict[str, Any]]:
    messages = []
    while got := wiring.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in got:
            messages.append(json.loads(message["Body"]))
            wiring.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return messages
