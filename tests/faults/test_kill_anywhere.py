"""R2: killed at any call of any function, every document still reaches its target once, and nothing is lost.

A flow is run once to note its calls. Then, for each of them, it is run again from a new beginning and killed
there: before the call's effect and after. What follows is what AWS and the vendors do: messages are delivered
again, schedules run, a webhook without a 2xx is sent again.

A read leaves nothing behind, so a kill at one is the kill before the next effect; `THOROUGH=1` tries them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from connector.ledger import Record, State, verify_history
from tests.faults.killing import Machine, Point, machine
from tests.outbound import written_bill

ROUNDS = 8
ROUND_SECONDS = 1000.0  # longer than anything is left alone before the upkeep takes it up


@pytest.fixture(scope="module")
def cloud() -> Iterator[Machine]:
    with machine() as made:
        yield made


# ------------------------------------------------------------------------------------------ documents


def order(price: float = 2.5, **header: Any) -> dict[str, Any]:
    return {
        "Header": {
            "OrderHeader": {
                "TradingPartnerId": "123ALLSUPPLIER",
                "PurchaseOrderNumber": "0045001234",
                "TsetPurposeCode": "00",
                "PurchaseOrderDate": "2026-03-02",
                **header,
            },
            "PaymentTerms": [{"TermsNetDueDays": 30}],
        },
        "LineItem": [
            {
                "OrderLine": {
                    "LineSequenceNumber": "1",
                    "VendorPartNumber": "V-1",
                    "BuyerPartNumber": "B-1",
                    "OrderQty": 40,
                    "OrderQtyUOM": "EA",
                    "PurchasePrice": price,
                }
            }
        ],
    }


def shipment(number: str = "0045001234") -> dict[str, Any]:
    line = {"LineSequenceNumber": "1", "VendorPartNumber": "V-1", "ShipQty": 30, "ShipQtyUOM": "EA"}
    return {
        "Header": {
            "ShipmentHeader": {
                "TradingPartnerId": "123ALLSUPPLIER",
                "ShipmentIdentification": "S1",
                "ShipDate": "2026-03-09",
            }
        },
        "OrderLevel": [
            {"OrderHeader": {"PurchaseOrderNumber": number}, "ItemLevel": [{"ShipmentLine": line}]}
        ],
    }


def invoice_in(cloud: Machine, number: str = "421", pieces: str = "40") -> int:
    client = cloud.books_of("clients").create({"organization": "Example Retail"})
    invoice = cloud.books_of("invoices").create(
        {
            "customerid": client["userid"],
            "create_date": "2026-03-11",
            "due_offset_days": 30,
            "invoice_number": number,
            "po_number": "0045001234",
            "status": 2,
            "lines": [{"name": "V-1", "description": "Bowl", "qty": pieces, "unit_cost": {"amount": "2.50"}}],
        }
    )
    return int(invoice["invoiceid"])


def bill_in(cloud: Machine) -> int:
    """A bill that a person wrote, from the vendor that the connector made."""
    bill = cloud.books_of("bills").create(written_bill(vendor=501))
    return int(bill["id"])


# ---------------------------------------------------------------------------------------------- flows


@dataclass
class Flow:
    """`prepare` what is there before; `begin` what is killed; `again` what the world does in every later round."""

    prepare: Callable[[Machine], None]
    begin: Callable[[Machine], None]
    again: Callable[[Machine], None]
    check: Callable[[Machine], None]


def poll(cloud: Machine) -> None:
    cloud.schedule("poll_sps")
    cloud.work()


def poll_books(cloud: Machine) -> None:
    cloud.schedule("poll_freshbooks")
    cloud.work()


def upkeep(cloud: Machine) -> None:
    cloud.clock.pass_(ROUND_SECONDS)
    cloud.schedule("resolve_in_doubt")
    cloud.work()


def ordered(cloud: Machine, **pack: Any) -> None:
    cloud.set_up(**pack)
    cloud.put("out/PO1.json", order())
    poll(cloud)


def one_bill(cloud: Machine, amount: str, *, vis_state: int = 0) -> None:
    [bill] = cloud.books_of("bills").rows.values()
    assert (bill["bill_number"], bill["amount"]["amount"], bill["vis_state"]) == (
        "0045001234",
        amount,
        vis_state,
    )
    assert len(cloud.books_of("bill_vendors").rows) == 1
    assert cloud.posts("/bills/bills") == 1
    assert cloud.files() == []


def delivered(
    cloud: Machine, direction: str, type_: str, number: str, state: State = State.DELIVERED
) -> None:
    record = cloud.record(direction, type_, number)
    assert record.state is state, f"{record.key.id} is {record.state}: {dict(record.reason)}"
    assert verify_history(tuple(cloud.wiring.ledger.history(record.key))) is None


def order_to_bill() -> Flow:
    def prepare(cloud: Machine) -> None:
        cloud.set_up()
        cloud.put("out/PO1.json", order())

    def check(cloud: Machine) -> None:
        one_bill(cloud, "100.00")
        delivered(cloud, "in", "order", "0045001234")

    return Flow(prepare, poll, poll, check)


def a_batch_of_orders() -> Flow:
    """Three orders that share one archive object and one batch of messages on their way."""
    numbers = [f"004500123{n}" for n in range(3)]

    def prepare(cloud: Machine) -> None:
        cloud.set_up()
        for number in numbers:
            cloud.put(f"out/{number}.json", order(PurchaseOrderNumber=number))

    def check(cloud: Machine) -> None:
        bills = cloud.books_of("bills").rows.values()
        assert sorted(bill["bill_number"] for bill in bills) == numbers
        assert cloud.posts("/bills/bills") == 3
        assert cloud.files() == []
        for number in numbers:
            delivered(cloud, "in", "order", number)
            assert archived(cloud, cloud.record("in", "order", number)) == {"received", "exchange"}

    return Flow(prepare, poll, poll, check)


def archived(cloud: Machine, record: Record) -> set[str]:
    """What the archive has of a document; every pointer leads to what is its own."""
    archive, number = cloud.wiring.archive, record.key.number
    for pointer in record.payloads.values():
        assert number in archive.get("acme", pointer).decode()
    return set(record.payloads)


def shipment_to_events() -> Flow:
    def prepare(cloud: Machine) -> None:
        ordered(cloud, shipments={"adjust_bill": True})
        cloud.put("out/SH1.json", shipment())

    def check(cloud: Machine) -> None:
        one_bill(cloud, "75.00")
        delivered(cloud, "in", "shipment", "S1")
        [line] = cloud.record("in", "order", "0045001234").shipments["S1"]["lines"]
        assert str(line["shipped"]) == "30"

    return Flow(prepare, poll, poll, check)


def shipment_of_another_order() -> Flow:
    """Its correction names another order than the one that it was first for."""
    other = "0045001235"

    def prepare(cloud: Machine) -> None:
        cloud.set_up(shipments={"adjust_bill": True})
        cloud.put("out/PO1.json", order())
        cloud.put("out/PO2.json", order(PurchaseOrderNumber=other))
        cloud.put("out/SH1.json", shipment())
        poll(cloud)
        corrected = shipment(other)
        corrected["Header"]["ShipmentHeader"]["TsetPurposeCode"] = "05"
        cloud.put("out/SH2.json", corrected)

    def check(cloud: Machine) -> None:
        bills = cloud.books_of("bills").rows.values()
        amounts = {bill["bill_number"]: bill["amount"]["amount"] for bill in bills}
        assert (len(bills), amounts) == (2, {"0045001234": "100.00", other: "75.00"})
        assert not cloud.record("in", "order", "0045001234").shipments
        assert list(cloud.record("in", "order", other).shipments) == ["S1"]
        delivered(cloud, "in", "shipment", "S1")

    return Flow(prepare, poll, poll, check)


def shipment_before_its_order() -> Flow:
    def prepare(cloud: Machine) -> None:
        cloud.set_up()
        cloud.put("out/A-SH1.json", shipment())
        cloud.put("out/B-PO1.json", order())

    def check(cloud: Machine) -> None:
        one_bill(cloud, "100.00")
        delivered(cloud, "in", "order", "0045001234")
        delivered(cloud, "in", "shipment", "S1")

    return Flow(prepare, poll, poll, check)


def order_revision() -> Flow:
    def prepare(cloud: Machine) -> None:
        ordered(cloud)
        cloud.put("out/PO2.json", order(price=3.0))

    def check(cloud: Machine) -> None:
        one_bill(cloud, "120.00")
        delivered(cloud, "in", "order", "0045001234")
        assert cloud.record("in", "order", "0045001234").revision == 2

    return Flow(prepare, poll, poll, check)


def order_cancellation() -> Flow:
    def prepare(cloud: Machine) -> None:
        ordered(cloud)
        cloud.put("out/PO2.json", order(TsetPurposeCode="01"))

    def check(cloud: Machine) -> None:
        one_bill(cloud, "100.00", vis_state=1)
        delivered(cloud, "in", "order", "0045001234", State.CANCELLED)

    return Flow(prepare, poll, poll, check)


def one_file(cloud: Machine, type_: str, number: str, total: Any) -> None:
    [document] = cloud.sent()
    assert document["Summary"]["TotalAmount"] == total
    delivered(cloud, "out", type_, number)


def told(noun: str, make: Callable[[Machine], int], type_: str, number: str, total: Any, **pack: Any) -> Flow:
    status: dict[str, int] = {}

    def prepare(cloud: Machine) -> None:
        ordered(cloud, **pack)
        status.clear()
        status["id"] = make(cloud)

    def tell(cloud: Machine) -> None:
        if status.get("last") != 200:  # FreshBooks sends again what was not taken
            status["last"] = cloud.webhook(noun, status["id"])
        cloud.work()

    return Flow(prepare, tell, tell, lambda cloud: one_file(cloud, type_, number, total))


def invoice_hint() -> Flow:
    return told("invoice", invoice_in, "invoice", "421", 100)


def bill_hint() -> Flow:
    return told("bill", bill_in, "bill", "SB-1", 12.34, bills={"send": True})


def correction_by_credit() -> Flow:
    """The invoice changed after it was sent: a credit over it and then the new one, each once."""
    first = told("invoice", invoice_in, "invoice", "421", 100, invoices={"correction": "credit"})
    status: dict[str, int] = {}

    def prepare(cloud: Machine) -> None:
        first.prepare(cloud)
        first.begin(cloud)
        status.clear()
        invoices = cloud.books_of("invoices")
        [row] = invoices.rows.values()
        status["id"] = row["invoiceid"]
        lines = [{"name": "V-1", "description": "Bowl", "qty": "39", "unit_cost": {"amount": "2.50"}}]
        cloud.clock.pass_(60)
        invoices.update(row, {"lines": lines})

    def tell(cloud: Machine) -> None:
        if status.get("last") != 200:
            status["last"] = cloud.webhook("invoice", status["id"])
        cloud.work()

    def check(cloud: Machine) -> None:
        headers = [document["Header"]["InvoiceHeader"] for document in cloud.sent()]
        assert [(one["InvoiceNumber"], one["InvoiceTypeCode"]) for one in headers] == [
            ("421", "DR"),
            ("421C1", "CR"),
            ("421R2", "DR"),
        ]
        assert [document["Summary"]["TotalAmount"] for document in cloud.sent()] == [100, 100, 97.5]
        delivered(cloud, "out", "invoice", "421")
        delivered(cloud, "out", "credit", "421C1")

    return Flow(prepare, tell, tell, check)


def acknowledgement() -> Flow:
    """Of an order that came before, as it is offered again."""

    def prepare(cloud: Machine) -> None:
        ordered(cloud)
        cloud.set_up(acknowledgements={"send": True})
        cloud.put("out/PO2.json", order())

    def check(cloud: Machine) -> None:
        one_bill(cloud, "100.00")
        [document] = cloud.sent()
        assert document["Header"]["OrderHeader"]["AcknowledgementType"] == "AD"
        delivered(cloud, "out", "ack", "0045001234")

    return Flow(prepare, poll, poll, check)


def reconcile_poll() -> Flow:
    def prepare(cloud: Machine) -> None:
        ordered(cloud)
        invoice_in(cloud)

    return Flow(prepare, poll_books, poll_books, lambda cloud: one_file(cloud, "invoice", "421", 100))


def a_batch_of_invoices() -> Flow:
    """Two invoices of one order that are read, registered, noted and reserved in one batch."""

    def prepare(cloud: Machine) -> None:
        ordered(cloud)
        invoice_in(cloud, "421", "15")
        invoice_in(cloud, "422", "25")

    def check(cloud: Machine) -> None:
        totals = {
            document["Header"]["InvoiceHeader"]["InvoiceNumber"]: document["Summary"]["TotalAmount"]
            for document in cloud.sent()
        }
        assert len(cloud.sent()) == 2
        assert totals == {"421": 37.5, "422": 62.5}
        kept = cloud.record("in", "order", "0045001234").fulfilment
        assert {name: entry["lines"] for name, entry in kept.items()} == {
            "invoice/421": {"1": "15"},
            "invoice/422": {"1": "25"},
        }
        for number in totals:
            delivered(cloud, "out", "invoice", number)
            assert archived(cloud, cloud.record("out", "invoice", number)) == {"received", "exchange"}

    return Flow(prepare, poll_books, poll_books, check)


def lost_reply_of_a_bill() -> Flow:
    """The bill was made, but nobody heard: killed also while it is being found out."""
    made = order_to_bill()

    def prepare(cloud: Machine) -> None:
        made.prepare(cloud)
        cloud.books.faults.add({"route": "POST .*/bills/bills", "kind": "reset_after"})
        cloud.schedule("poll_sps")
        cloud.batch("sps_files_to_map")
        cloud.batch("bills_to_push")
        assert cloud.record("in", "order", "0045001234").state is State.IN_DOUBT

    return Flow(prepare, upkeep, poll, made.check)


def lost_request_of_a_file() -> Flow:
    """The upload was cut off before it acted: asked for twice, a settle time apart, then sent again."""
    made = invoice_hint()

    def prepare(cloud: Machine) -> None:
        made.prepare(cloud)
        cloud.sps.faults.add({"route": "POST .*/data/in/", "kind": "reset_before"})
        cloud.webhook("invoice", min(cloud.books_of("invoices").rows))
        cloud.batch("records_to_map")
        cloud.batch("rsx_to_push")
        assert cloud.record("out", "invoice", "421").state is State.IN_DOUBT

    return Flow(prepare, upkeep, upkeep, made.check)


def token_refresh() -> Flow:
    """FreshBooks knows no way back from a refresh whose answer was lost: then, and only then, a person is needed."""

    def prepare(cloud: Machine) -> None:
        cloud.set_up()
        cloud.clock.pass_(22_000)

    def refresh(cloud: Machine) -> None:
        cloud.schedule("refresh_token")

    def check(cloud: Machine) -> None:
        refreshes = cloud.books.grants.told("ACC")
        posts = cloud.posts("/oauth/token")
        assert refreshes["refreshes"] == 1
        stored = cloud.wiring.secrets.read("acme", "freshbooks") or {}
        if cloud.books.grants.refresh[stored["refresh_token"]].spent:
            assert (posts, refreshes["refused_refreshes"]) == (2, 1)
            assert [message for message, _ in cloud.reports if message == "token stranded"] == [
                "token stranded"
            ]
        else:
            assert cloud.books.grants.holder(stored["access_token"]) is not None
            assert posts - refreshes["refreshes"] == refreshes["refused_refreshes"] == 0

    return Flow(prepare, refresh, refresh, check)


def webhook_handshake() -> Flow:
    """A new callback's key is answered and kept; the request that brings it is sent again until it is taken."""
    status: dict[str, int] = {}

    def prepare(cloud: Machine) -> None:
        status.clear()
        cloud.set_up()
        books = cloud.books
        made = books.webhooks._create(
            {"event": "invoice", "uri": "https://hooks.example/x"}, books.accounts["ACC"]
        )
        cloud.wiring.secrets.write("acme", "webhooks", {"invoice": {"callback_id": made.callbackid}})

    def shake(cloud: Machine) -> None:
        [callback] = cloud.books.webhooks.callbacks.values()
        if status.get("last") != 200:
            status["last"] = cloud.handshake("invoice", callback.callbackid, callback.verifier)
        cloud.work()

    def check(cloud: Machine) -> None:
        [callback] = cloud.books.webhooks.callbacks.values()
        assert callback.verified
        kept = cloud.wiring.secrets.read("acme", "webhooks") or {}
        assert kept["invoice"] == {"callback_id": callback.callbackid, "verifiers": [callback.verifier]}

    return Flow(prepare, shake, shake, check)


FLOWS = [
    order_to_bill,
    a_batch_of_orders,
    shipment_to_events,
    shipment_of_another_order,
    shipment_before_its_order,
    order_revision,
    order_cancellation,
    invoice_hint,
    bill_hint,
    correction_by_credit,
    acknowledgement,
    reconcile_poll,
    a_batch_of_invoices,
    lost_reply_of_a_bill,
    lost_request_of_a_file,
    token_refresh,
    webhook_handshake,
]


def run(cloud: Machine, flow: Flow, kill: tuple[int, str] | None) -> list[Point]:
    """The flow from a new beginning to its end; the calls of its killed (or whole) part."""
    cloud.fresh()
    flow.prepare(cloud)
    cloud.killer.arm(kill)
    flow.begin(cloud)
    points = cloud.killer.points
    assert kill is None or cloud.killer.has_struck
    cloud.killer.arm(None)
    for _ in range(ROUNDS):
        cloud.clock.pass_(ROUND_SECONDS)
        flow.again(cloud)
        if not (cloud.unfinished() or cloud.files()):
            break
        upkeep(cloud)
    if kill is None:  # what is done stays done
        upkeep(cloud)
        flow.again(cloud)
    assert cloud.unfinished() == []
    flow.check(cloud)
    return points


@pytest.mark.parametrize("make", FLOWS, ids=lambda make: make.__name__)
def test_a_kill_at_any_call_changes_nothing_in_the_end(
    cloud: Machine, make: Callable[[], Flow], subtests: pytest.Subtests
) -> None:
    flow = make()
    points = run(cloud, flow, None)
    assert points
    for n, point in enumerate(points, 1):
        for side in point.sides:
            with subtests.test(f"killed {side} call {n}, {point}"):
                run(cloud, flow, (n, side))
