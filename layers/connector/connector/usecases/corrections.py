"""What a change in FreshBooks means for an invoice or bill that the trading partner already has.

    invoices.correction   replace, update   the same number again, purpose 05
                          credit            a credit over what was sent; the new one under a suffixed number
    deletion              hold              a person decides
                          cancel            what was sent once more, purpose 01
                          credit            a credit over what was sent

A credit is a document of its own, with a record of its own: `0000421C1` takes back what was sent first under
0000421, and only when it is delivered does `0000421R2` follow. It is made only where that could go: else the partner
keeps what it has, until the correction is right. What no longer stands (credited or cancelled) never comes back
under a number that the partner has seen.
"""

from __future__ import annotations

import json
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from connector import errors
from connector.findings import Mapped, Trace, as_json
from connector.ledger import AT_TARGET, DEALT_WITH, DocumentKey, Record, State, delivered_before
from connector.mapping.reversal import cancellation_of, credit_over
from connector.usecases.arrivals import Planned, settle
from connector.usecases.fulfilment import approved, kind_of
from connector.usecases.orders import blocked

if TYPE_CHECKING:
    from connector.rules.packs import PartnerPack
    from connector.usecases.world import World

REVERSAL = "reversal"
_CANCELLATION = "01"


class Make(Protocol):
    """Makes the document of FreshBooks' present content."""

    def __call__(self, purpose: str, number: str, credited: str = "") -> Planned:
        """`purpose` is its TsetPurposeCode, `number` "" for FreshBooks' own. What its order keeps as `credited`
        (`invoice/0000421`) counts no more."""


class Sent(NamedTuple):
    """The last document of a record that reached the partner; `times` is how many have."""

    document: dict[str, Any]
    digest: str
    pointer: str
    times: int

    @property
    def header(self) -> dict[str, Any]:
        header: dict[str, Any] = self.document["Header"]["InvoiceHeader"]
        return header


def last_sent(world: World, record: Record) -> Sent | None:
    """What the partner got last, from the archive; None where nothing has reached it."""
    past = [revision for revision in record.revisions if revision["state"] in AT_TARGET]
    if not past:
        return None
    pointer = past[-1]["payloads"].get("exchange")
    if pointer is None:
        raise errors.CheckFailed(
            "the copy of what was sent is missing, so it cannot be taken back",
            code="sent_copy_missing",
            fix="settle the change with the partner, then mark it resolved",
        )
    document = json.loads(world.archive.get(world.id, pointer))["mapped"]
    return Sent(document, past[-1]["digest"], pointer, len(past))


def last_delivered(world: World, record: Record) -> dict[str, Any] | None:
    """What the partner has of a document now, its present revision included."""
    if record.state in AT_TARGET and "exchange" in record.payloads:
        body = world.archive.get(world.id, record.payloads["exchange"])
        document: dict[str, Any] = json.loads(body)["mapped"]
        return document
    sent = last_sent(world, record)
    return sent.document if sent is not None else None


def has(world: World, record: Record) -> bool:
    """Whether the partner has the document: it was sent, and was not taken back since."""
    if record.state is State.CANCELLED or not (record.state in AT_TARGET or delivered_before(record)):
        return False
    document = last_delivered(world, record)
    header = next(iter(document["Header"].values())) if document is not None else {}
    return bool(header.get("TsetPurposeCode") != _CANCELLATION)


def plan_revision(
    world: World,
    record: Record,
    pack: PartnerPack,
    make: Make,
    *,
    deleted: bool,
    trace: Trace | None = None,
) -> Planned:
    """What is to be sent of an invoice's or bill's present revision, given what was sent before."""
    sent = last_sent(world, record)
    if sent is None:
        return never_sent() if deleted else make("00", "")
    bill = record.key.type == "bill"
    correction = "replace" if bill else pack.invoices.correction
    deletion = pack.bills.deletion if bill else pack.invoices.deletion
    number = sent.header["InvoiceNumber"]
    void = sent.header.get("TsetPurposeCode") == _CANCELLATION
    credit = None if void else world.ledger.get(credit_key(record.key, sent))
    if not void and credit is None and not deleted and sent.digest == record.digest:
        if not _resent(record):
            return Planned(state=State.SKIPPED, note="changed back to what the partner has")
        # a partner that knows no replacements is sent it as it was
        return make("00" if correction == "credit" else "05", number)
    anew = f"{record.key.number}R{sent.times + 1}"
    if not void and (credit is not None or (deletion if deleted else correction) == "credit"):
        if credit is None and not deleted:
            _must_be_able_to_go(world, record, sent, make, anew)
        _must_be_credited(record, sent, credit)
        void = True
    if deleted:
        if void:
            return Planned(state=State.CANCELLED, note=f"{number} was taken back")
        return _deleted(sent, deletion, trace)
    if void:
        return make("00", anew)
    return make("05", number)


def credit_key(key: DocumentKey, sent: Sent) -> DocumentKey:
    return key._replace(type="credit", number=f"{key.number}C{sent.times}")


def is_reversal(record: Record) -> bool:
    return record.source.startswith(f"{REVERSAL}:")


def is_over(credit: Record | None) -> bool:
    """Whether who waits for this credit may go on: it is delivered, or has yet to be made by whoever waits."""
    return credit is None or credit.state in DEALT_WITH


def make_credit(world: World, record: Record, who: str) -> None:
    """Send the credit that a parked correction waits for."""
    sent = last_sent(world, record)
    if sent is not None:
        _settle_credit(
            world,
            credit_key(record.key, sent),
            source=f"{REVERSAL}:{record.key.id}",
            received=sent.pointer,
            correlation_id=record.correlation_id,
            who=who,
        )


def map_credit_again(world: World, record: Record, correlation_id: str, who: str) -> None:
    _settle_credit(
        world,
        record.key,
        source=record.source,
        received=record.payloads["received"],
        correlation_id=correlation_id,
        who=who,
    )


def plan_credit(world: World, record: Record, trace: Trace | None = None) -> Planned:
    """The credit over the sent document that the record's archived input is."""
    sent = json.loads(world.archive.get(world.id, record.payloads["received"]))["mapped"]
    issued = date.fromisoformat(record.created[:10])
    return planned(credit_over(sent, number=record.key.number, issued=issued, trace=trace))


def planned(mapped: Mapped, note: str = "") -> Planned:
    """A mapped RSX Invoice as what is to be done, or the error that parks it."""
    if mapped.blocked:
        raise blocked(mapped)
    header = mapped.document["Header"]["InvoiceHeader"]
    return Planned(
        document=mapped.document,
        note=note,
        findings=tuple(as_json(mapped.findings)),
        amount=_amount(mapped.document),
        currency=header.get("BuyersCurrency", ""),
        date=header.get("InvoiceDate", ""),
    )


def _settle_credit(world: World, key: DocumentKey, **keywords: Any) -> None:
    settle(
        world,
        key,
        digest=keywords["received"],
        rank="",
        plan=approved(world, partial(plan_credit, world), who=keywords["who"]),
        queue=world.queues.rsx_to_push,
        **keywords,
    )


def _must_be_able_to_go(world: World, record: Record, sent: Sent, make: Make, number: str) -> None:
    """Stop what could not follow its credit, as its order is once that is delivered: the partner would be left
    with a credit and no invoice."""
    was = Planned(document=sent.document)
    credited = f"{kind_of(record, was)}/{sent.header['InvoiceNumber']}"
    approved(world, lambda _: make("00", number, credited), who="", keep=False, credited=credited)(record)


def _must_be_credited(record: Record, sent: Sent, credit: Record | None) -> None:
    if credit is None or credit.state not in DEALT_WITH:
        number = sent.header["InvoiceNumber"]
        raise errors.Waiting(
            f"{number} is credited first",
            code="credit_first",
            waits_for=credit_key(record.key, sent).id,
            fix="nothing: it goes on by itself when the credit is delivered",
        )


def _resent(record: Record) -> bool:
    """Whether a person had the present revision sent by force."""
    return any(event.what == "resent" and event.revision == record.revision for event in record.history)


def _deleted(sent: Sent, deletion: str, trace: Trace | None) -> Planned:
    if deletion == "cancel":
        return planned(cancellation_of(sent.document, trace), note="cancellation")
    raise errors.CheckFailed(
        "deleted in FreshBooks after it was sent to the trading partner",
        code="deleted_after_sending",
        fix="agree with the partner on a credit or cancellation, then mark it resolved",
    )


def never_sent() -> Planned:
    return Planned(state=State.CANCELLED, note="deleted in FreshBooks before it was sent")


def _amount(document: dict[str, Any]) -> str:
    total = document.get("Summary", {}).get("TotalAmount")
    if total is None:
        return ""
    # RSX states a credit's total without a sign; in the ledger it is what it is to the books
    given_back = document["Header"]["InvoiceHeader"].get("InvoiceTypeCode") == "CR"
    return f"-{total}" if given_back else str(total)
