"""Where documents go: FreshBooks bills (made, changed, closed out), and SPS's mailbox."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector import errors
from connector.documents.freshbooks import Bill
from connector.documents.xml_writing import write_xml
from connector.ledger import IN_FLIGHT, DocumentKey, Record, State, revision_began
from connector.usecases.advices import ShipmentTarget
from connector.usecases.as_shipped import bill_as_shipped
from connector.usecases.closing import CLOSE_OUT
from connector.usecases.orders import is_accepted, known_remote_id
from connector.usecases.push import Push, Receipt, Target, push
from connector.usecases.sales import SaleTarget
from connector.usecases.waiting import folded

if TYPE_CHECKING:
    from connector.usecases.together import Steps
    from connector.usecases.world import World

LEASE_SECONDS = 90.0
HISTORY_LAG_SECONDS = 330.0
HISTORY_MARGIN = timedelta(days=1)  # SPS's clock and zone are its own
DELETED = 1  # FreshBooks' vis_state; it keeps what is deleted
WHO = "push_freshbooks"


def push_document(world: World, message: Mapping[str, Any]) -> Steps[None]:
    """Push one document of either direction to where its kind goes."""
    key = DocumentKey.of(message["key"])
    if key.direction == "out":
        yield from push(world, message, MailboxTarget(world), "push_sps")
    elif key.type == CLOSE_OUT:
        yield from push(world, message, CloseOutTarget(world), WHO)
    else:
        yield from push(world, message, _target(world, key.type, message["document"]), WHO)


def _target(world: World, type_: str, document: Mapping[str, Any]) -> Target:
    if type_ == "shipment":
        return ShipmentTarget(world, BillTarget(world))
    if type_ != "order":
        raise LookupError(f"nothing takes documents of kind {type_}")
    if "invoice" in document or document.get("cancel") == "invoice_draft":
        return SaleTarget(world, "invoice")
    if "estimate" in document or document.get("cancel") == "estimate":
        return SaleTarget(world, "estimate")
    return BillTarget(world)


class BillTarget:
    """A purchase order becomes a bill; a revision updates it; a cancellation deletes it while unpaid."""

    settle_seconds = 60.0

    def __init__(self, world: World) -> None:
        self._world = world

    def prepare(self, push: Push) -> Push:
        self._world.freshbooks.ready()
        if push.document.get("cancel"):
            return replace(push, reference=known_remote_id(push.record), body={"bill": {"vis_state": 1}})
        vendor = push.document["bill_vendor"]
        bill = dict(push.document["bill"])
        bill.setdefault("vendorid", None)
        if bill["vendorid"] is None:
            bill["vendorid"] = self._vendor_id(vendor)
        category = (
            self._category_id(push.record.key.partner)
            if any("categoryid" not in x for x in bill["lines"])
            else 0
        )
        bill["lines"] = [{"categoryid": category, **line} for line in bill["lines"]]
        return replace(
            push, reference=bill["bill_number"], body={"bill": {"vendorid": bill.pop("vendorid"), **bill}}
        )

    def deliver(self, push: Push) -> Receipt:
        known = known_remote_id(push.record)
        if push.document.get("cancel"):
            with _alone(self._world, known):
                return self._cancel(known)
        difference = None
        if known:
            with _alone(self._world, known):
                answer = self.change(known, self._as_shipped(push) or push.body)
        else:
            answer = self._world.freshbooks.create_bill(push.body)
            difference = _difference(push.body["bill"], answer)
        return Receipt(str(answer.id), answer.model_dump(mode="json", exclude_unset=True), difference)

    def find(self, push: Push) -> Receipt | None:
        known = known_remote_id(push.record)
        if known:
            # updates and deletes act on one known bill: doing them again changes nothing more
            return None
        bill = push.body["bill"]
        found = self._world.freshbooks.find_bills(bill["vendorid"], bill["bill_number"])
        if not found:
            return None
        # one that differs is ours too, kept otherwise than sent or mapped anew since: a second would be a duplicate
        best = next((one for one in found if _difference(bill, one) is None), found[0])
        return Receipt(
            str(best.id), best.model_dump(mode="json", exclude_unset=True), _difference(bill, best)
        )

    def change(self, remote_id: str, body: Mapping[str, Any]) -> Bill:
        """Change a bill and read it back; its lease is held by the caller."""
        if self._may_change(remote_id).vis_state == DELETED:
            raise errors.CheckFailed(
                "the bill is deleted in FreshBooks: it was closed out, or somebody deleted it",
                code="bill_deleted",
                fix="bring it back in FreshBooks and replay, or mark this document resolved",
            )
        answer = self._world.freshbooks.update_bill(int(remote_id), dict(body))
        _must_match(body["bill"], self._world.freshbooks.get_bill(int(remote_id)))
        return answer

    def adjust(self, order: Record, made: Callable[[Record], Mapping[str, Any] | None]) -> None:
        """Set an order's bill to what is made of the order while nobody else changes the bill; None leaves it."""
        world = self._world
        with _alone(world, order.remote_id):
            order = world.ledger.get(order.key) or order
            try:
                bill = made(order)
                if bill is not None:
                    push = Push(order, {"bill": bill, "bill_vendor": _vendor_of(world, order)})
                    self.change(order.remote_id, self.prepare(push).body)
            except errors.CheckFailed as error:
                error.place = error.place or f"order {order.key.number}"
                raise

    def _as_shipped(self, push: Push) -> Mapping[str, Any] | None:
        """The changed bill at what was shipped already, where shipments set its quantities."""
        order = self._world.ledger.get(push.record.key) or push.record
        shipped = [number for number, event in order.shipments.items() if event["lines"]]
        if not shipped or not self._world.pack(order.key.partner).shipments.adjust_bill:
            return None
        last = self._world.ledger.get(order.key._replace(type="shipment", number=shipped[-1]))
        bill = None if last is None else bill_as_shipped(self._world, last, order)
        if bill is None:
            return None
        made = Push(order, {"bill": bill, "bill_vendor": push.document["bill_vendor"]})
        return {"bill": self.prepare(made).body["bill"]}

    def _cancel(self, remote_id: str) -> Receipt:
        kept = self._may_change(remote_id)
        if kept.vis_state != DELETED:
            self._world.freshbooks.delete_bill(int(remote_id))
            kept = self._world.freshbooks.get_bill(int(remote_id))
        if kept.vis_state != DELETED:
            raise errors.Refused(
                "FreshBooks did not delete the bill",
                code="change_ignored",
                fix="delete the bill in FreshBooks by hand, then mark this document resolved",
            )
        return Receipt(remote_id, kept.model_dump(mode="json", exclude_unset=True))

    def _may_change(self, remote_id: str) -> Bill:
        bill = self._world.freshbooks.get_bill(int(remote_id))
        if bill.paid is not None and bill.paid.amount > 0:
            raise errors.CheckFailed(
                "the order changed after its bill was paid",
                code="bill_already_paid",
                fix="settle the difference in FreshBooks, then mark this document resolved",
            )
        return bill

    def _vendor_id(self, vendor: Mapping[str, Any]) -> int:
        """The bill vendor of a trading partner: learned, else found by account number, then name, else created.

        One worker at a time looks and creates, and always looks before creating, so a lost reply to the
        creation finds the vendor the next time.
        """
        world, partner = self._world, str(vendor["account_number"])
        learned = world.learned("vendor", partner)
        if learned:
            return int(learned["vendorid"])
        lease = world.leases.hold(f"{world.id}/vendor/{partner}", LEASE_SECONDS, (errors.OutcomeUnknown,))
        try:
            with lease as fence:
                if fence is None:
                    raise errors.Busy(
                        "another worker is setting up the vendor", code="vendor_busy", retry_after=20
                    )
                return self._learn_vendor(partner, vendor)
        except errors.OutcomeUnknown:
            raise errors.Busy(
                "the vendor may have been created", code="vendor_busy", retry_after=LEASE_SECONDS
            ) from None

    def _learn_vendor(self, partner: str, vendor: Mapping[str, Any]) -> int:
        world, name = self._world, folded(str(vendor["vendor_name"]))
        vendors = [one for one in world.freshbooks.list_vendors() if one.vis_state in (0, None)]
        same = [one for one in vendors if one.account_number == partner] or [
            one for one in vendors if not one.account_number and folded(one.vendor_name or "") == name
        ]
        if not same:
            same = [world.freshbooks.create_vendor({"bill_vendor": dict(vendor)})]
        vendor_id = int(same[0].vendorid)
        world.notes.write(world.id, "vendor", partner, {"vendorid": vendor_id})
        world.report("vendor learned", partner=partner, vendor_id=vendor_id)
        return vendor_id

    def _category_id(self, partner: str) -> int:
        world = self._world
        name = world.pack(partner).freshbooks.category or world.connection.category
        if not name:
            raise errors.NotConfigured(
                "no FreshBooks category is set for this partner's bill lines",
                code="no_category",
                fix="name one in the partner's pack (freshbooks.category) or for the connection",
            )
        learned = world.learned("category", name)
        if learned:
            return int(learned["id"])
        for category in world.freshbooks.list_categories():
            if folded(category.category or "") == folded(name):
                world.notes.write(world.id, "category", name, {"id": category.categoryid})
                return int(category.categoryid)
        raise errors.NotConfigured(
            f"FreshBooks has no expense category named {name}",
            code="no_such_category",
            fix="name an existing one in the partner's pack (freshbooks.category)",
        )


class CloseOutTarget:
    """A bill that has done its work is deleted while nothing of it is paid, and looked at afterwards."""

    settle_seconds = 0.0

    def __init__(self, world: World) -> None:
        self._world = world

    def prepare(self, push: Push) -> Push:
        bill_id = str(push.document["close_out"])
        return replace(push, reference=f"bill {bill_id}", body={"bill": {"vis_state": DELETED}})

    def deliver(self, push: Push) -> Receipt:
        bill_id, freshbooks = int(push.document["close_out"]), self._world.freshbooks
        with _alone(self._world, str(bill_id)):
            bill = freshbooks.get_bill(bill_id)
            if bill.vis_state != DELETED:
                if bill.paid is not None and bill.paid.amount > 0:
                    raise errors.CheckFailed(
                        "something of the bill was paid",
                        code="bill_already_paid",
                        fix="settle it in FreshBooks, then mark this document resolved",
                    )
                _must_not_be_back(push.record, str(bill_id))
                freshbooks.delete_bill(bill_id)
                bill = freshbooks.get_bill(bill_id)
            if bill.vis_state != DELETED:
                raise errors.Refused(
                    "FreshBooks did not delete the bill",
                    code="change_ignored",
                    fix="delete the bill in FreshBooks by hand, then mark this document resolved",
                )
        return Receipt(str(bill_id), bill.model_dump(mode="json", exclude_unset=True))

    def find(self, push: Push) -> Receipt | None:
        """Deleting again changes nothing more, so there is nothing to find out first."""
        return None


def _must_not_be_back(record: Record, bill_id: str) -> None:
    """What was closed out before was brought back by somebody: only a person can say that it may go again."""
    closed = any(
        past["state"] == State.DELIVERED and past["remote_id"] == bill_id for past in record.revisions
    )
    if closed and not is_accepted(record):
        raise errors.CheckFailed(
            "the bill was closed out before, and somebody brought it back in FreshBooks",
            code="bill_brought_back",
            fix="to delete it again replay this document by force with a reason; to keep the bill mark this resolved",
        )


class MailboxTarget:
    """Invoices, bills, ASNs and acknowledgements become files in SPS's `in/`, named by number and revision."""

    settle_seconds = HISTORY_LAG_SECONDS

    def __init__(self, world: World) -> None:
        self._world = world

    def prepare(self, push: Push) -> Push:
        self._world.sps.ready()
        key, sps = push.record.key, self._world.connection.sps
        mark = hashlib.sha256(f"{key.id}/{push.record.digest}/{push.record.revision}".encode()).hexdigest()[
            :8
        ]
        number = re.sub(r"[^A-Za-z0-9._-]", "_", key.number)
        kind, prefix = {
            "asn": ("Shipment", sps.shipment_prefix),
            "ack": ("OrderAck", sps.acknowledgement_prefix),
        }.get(key.type, ("Invoice", sps.invoice_prefix))
        form = self._format(push.record)
        body = write_xml([push.document], kind).decode() if form == "xml" else push.document
        return replace(push, reference=f"{sps.outbox}{prefix}{number}-{mark}.{form}", body=body)

    def _format(self, record: Record) -> str:
        """The partner's format; what may have been sent already keeps the one that it was sent in."""
        if record.state in IN_FLIGHT and record.reference:
            return record.reference.rpartition(".")[2]
        return self._world.pack(record.key.partner).format

    def deliver(self, push: Push) -> Receipt:
        text = (
            push.body if isinstance(push.body, str) else json.dumps(push.body, ensure_ascii=False, indent=1)
        )
        self._world.sps.upload(push.reference, text.encode("utf-8", "replace"))
        return Receipt(push.reference)

    def find(self, push: Push) -> Receipt | None:
        """By the listing of our outbox, else by SPS's history, which may lag five minutes."""
        sps, wanted = self._world.sps, push.reference.lstrip("/")
        if any(entry.path.lstrip("/") == wanted for entry in sps.list(self._world.connection.sps.outbox)):
            return Receipt(push.reference)
        began = datetime.fromisoformat(revision_began(push.record)) - HISTORY_MARGIN
        if any(entry.path.lstrip("/") == wanted for entry in sps.history(after=began.isoformat()[:19])):
            return Receipt(push.reference)
        return None


@contextmanager
def _alone(world: World, remote_id: str) -> Iterator[None]:
    """One change of a bill at a time: an order's revision and its shipments may want to change it at once.

    One whose outcome is unknown may act late, and would undo what the next one changes.
    """
    lease = world.leases.hold(f"{world.id}/bill/{remote_id}", LEASE_SECONDS, (errors.OutcomeUnknown,))
    with lease as fence:
        if fence is None:
            raise errors.Busy("another worker is changing the bill", code="bill_busy", retry_after=20)
        yield


def _vendor_of(world: World, order: Record) -> dict[str, Any]:
    pack = world.pack(order.key.partner)
    return {"account_number": order.key.partner, "vendor_name": pack.vendor_name}


def _difference(sent: Mapping[str, Any], kept: Bill) -> str | None:
    """What differs between a bill as sent and as FreshBooks has it: it drops what it does not like silently."""
    if kept.bill_number != sent["bill_number"]:
        return "bill number"
    if len(kept.lines) != len(sent["lines"]):
        return f"{len(sent['lines'])} lines sent, {len(kept.lines)} kept"
    wanted = sum(
        (Decimal(line["unit_cost"]["amount"]) * line["quantity"] for line in sent["lines"]), Decimal()
    )
    if kept.amount is not None and kept.amount.amount != wanted:
        return f"{wanted} sent, {kept.amount.amount} kept"
    return None


def _must_match(sent: Mapping[str, Any], kept: Bill) -> None:
    difference = _difference(sent, kept)
    if difference is not None:
        raise errors.Refused(
            f"FreshBooks did not take the change of the bill ({difference})",
            code="change_ignored",
            fix="change the bill in FreshBooks by hand, then mark this document resolved",
        )
