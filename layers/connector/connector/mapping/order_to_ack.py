"""An order and what was decided about it as an RSX OrderAck (855).

Each order line is repeated as it was ordered, with one status for what is accepted and one for what follows:

    IA  as ordered         IQ  less than ordered                       IB  later (backordered)
    IP  another price      IS  another article     IC  several of these     DR  only the date is another
    ID  nothing of it      IR  rejected (or the reason: R1, R2, R3, R4, R7, ROS, CC)

The whole is AD (all as ordered), RD (all rejected) or AC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from connector.documents import order_ack
from connector.documents.order import Order, OrderLineItem
from connector.documents.parts import as_date, plain_number
from connector.findings import Finding, Mapped, Trace
from connector.mapping.carry import Explainer, carry, once
from connector.mapping.conform import conform, in_schema_order
from connector.mapping.order_lines import OrderedLine, ordered_lines
from connector.mapping.shapes import names

Fields = dict[str, Any]
Reason = Literal["CC", "ID", "IR", "R1", "R2", "R3", "R4", "R7", "ROS"]
_REJECTED = frozenset(get_args(Reason))
_ALL_LINE_FIELDS = frozenset(order_ack.LineFields.model_fields)
Positive = Field(default=None, gt=0, lt=10**9)

_HEADER = names("""
    PurchaseOrderNumber TradingPartnerId PrimaryPOTypeCode PrimaryPOTypeDescription AdditionalPOTypeCodes
    PurchaseOrderDate ReleaseNumber ShipCompleteCode BuyersCurrency SellersCurrency ExchangeRate Department
    DepartmentDescription Vendor JobNumber Division CustomerAccountNumber CustomerOrderNumber
""")
_GROUPS = names("Dates Contacts Address FOBRelatedInstruction CarrierInformation References Commodity")
_LINE_GROUPS = names("PriceInformation ProductOrItemDescription PhysicalDetails References Commodity Address")
# the day of the order that a line is promised for -> the qualifier under which we promise it
_PROMISED = {"010": "068", "038": "068", "037": "068", "002": "017", "063": "017", "064": "017"}


class LineDecision(BaseModel):
    """What is decided about one order line (its LineSequenceNumber); what is not said is as ordered.

    `quantity` is accepted now, `backorder` follows later (on `backorder_date`); what is left of the ordered
    quantity is not delivered. `reject` is the ItemStatusCode of the reason.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    line: str
    quantity: Decimal | None = Field(default=None, ge=0, lt=10**9)
    price: Decimal | None = Positive
    ship_date: date | None = None
    vendor_part: str = ""
    upc: str = ""
    backorder: Decimal | None = Positive
    backorder_date: date | None = None
    reject: Reason | None = None


class Decision(BaseModel):
    """What is decided about an order. `at` is the day of the acknowledgement; lines not named are as ordered."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    verdict: Literal["accept", "reject", "lines"] = "accept"
    lines: tuple[LineDecision, ...] = ()
    who: str = ""
    at: date
    note: str = ""


def order_to_ack(
    order: Order,
    decision: Decision,
    *,
    purpose: str = "00",
    trace: Trace | None = None,
) -> Mapped:
    """The RSX OrderAck as plain JSON values in schema order. Never raises on what the models admit."""
    explain = Explainer(trace) if trace is not None else None
    header, findings = carry(
        order.Header.OrderHeader,
        order_ack.HeaderFields,
        document="OrderAck",
        place="Header.OrderHeader",
        only=_HEADER,
        explain=explain,
        to="Header.OrderHeader",
    )
    groups, found = carry(
        order.Header,
        order_ack.OrderAckHeaderGroup,
        document="OrderAck",
        place="Header",
        only=_GROUPS,
        explain=explain,
        to="Header",
    )
    findings += found + list(_impossible(order, decision))
    decided = {one.line: one for one in decision.lines}
    items: list[Fields] = []
    for line in ordered_lines(order):
        mine = decided.get(line.line, LineDecision(line=line.line))
        if decision.verdict == "reject" and mine.reject is None:
            mine = mine.model_copy(update={"reject": "IR"})
        item, found = _item(order, line, mine, explain, f"LineItem[{len(items)}]")
        items.append(item)
        findings += found
    header |= {
        "TradingPartnerId": order.Header.OrderHeader.TradingPartnerId,
        "PurchaseOrderNumber": order.Header.OrderHeader.PurchaseOrderNumber,
        "TsetPurposeCode": purpose,
        "AcknowledgementType": _type(items, decision),
        "AcknowledgementDate": decision.at.isoformat(),
    }
    document: Fields = {"Header": {"OrderHeader": header} | groups}
    if items:
        document |= {"LineItem": items, "Summary": {"TotalLineItemNumber": len(items)}}
    document = in_schema_order(document, "OrderAck")
    if explain is not None:
        to = "Header.OrderHeader"
        for name in ("TradingPartnerId", "PurchaseOrderNumber"):
            explain.mark(f"{to}.{name}", "as on the order", f"order.Header.OrderHeader.{name}")
        explain.mark(f"{to}.TsetPurposeCode", "why it is sent")
        explain.mark(f"{to}.AcknowledgementType", "what was decided in all", "decision.lines")
        explain.mark(f"{to}.AcknowledgementDate", "the day of the decision", "decision.at")
        explain.mark("Summary.TotalLineItemNumber", "number of line items", "order.LineItem")
        explain.finish(document)
    return Mapped(document, once(findings + conform(document, "OrderAck")))


def accepted_quantities(order: Order, decision: Decision) -> dict[str, Decimal]:
    """How much of each line is promised, backorders included."""
    decided = {one.line: one for one in decision.lines}
    promised = {}
    for line in ordered_lines(order):
        mine = decided.get(line.line, LineDecision(line=line.line))
        rejected = decision.verdict == "reject" or mine.reject is not None
        promised[line.line] = Decimal(0) if rejected else _now(line, mine) + (mine.backorder or 0)
    return promised


def _now(line: OrderedLine, mine: LineDecision) -> Decimal:
    """The quantity accepted for now: as decided, else what is not backordered."""
    if mine.quantity is not None:
        return mine.quantity
    return max(line.quantity - (mine.backorder or 0), Decimal(0))


def _item(
    order: Order, line: OrderedLine, mine: LineDecision, explain: Explainer | None, to: str
) -> tuple[Fields, list[Finding]]:
    place = f"LineItem[{line.position}]"
    fields, findings = carry(
        line.item.OrderLine,
        order_ack.LineFields,
        document="OrderAck",
        place=f"{place}.OrderLine",
        only=_ALL_LINE_FIELDS,
        explain=explain,
        to=f"{to}.OrderLine",
    )
    groups, found = carry(
        line.item,
        order_ack.OrderAckLineItem,
        document="OrderAck",
        place=place,
        only=_LINE_GROUPS,
        explain=explain,
        to=to,
    )
    if explain is not None:
        explain.copy(f"{to}.OrderLine", f"order.{place}.OrderLine")
    if "LineSequenceNumber" not in fields:
        fields["LineSequenceNumber"] = str(line.position + 1)
        if explain is not None:
            explain.mark(f"{to}.OrderLine.LineSequenceNumber", "position on the order, which numbers no line")
    unit = {"ItemScheduleUOM": fields["OrderQtyUOM"]} if "OrderQtyUOM" in fields else {}
    statuses = [
        {name: value for name, value in (status | unit).items() if value is not None}
        for status in _statuses(order, line, mine)
    ]
    if explain is not None:
        for index in range(len(statuses)):
            here = f"{to}.LineItemAcknowledgement[{index}]"
            source = f"decision.lines[{line.line}]"
            explain.mark(here, "as decided; what was not is as ordered", source, f"order.{place}.OrderLine")
            explain.mark(
                f"{here}.ItemScheduleUOM", "as on the order line", f"order.{place}.OrderLine.OrderQtyUOM"
            )
    return {"OrderLine": fields, "LineItemAcknowledgement": statuses} | groups, findings + found


def _statuses(order: Order, line: OrderedLine, mine: LineDecision) -> Iterator[Fields]:
    if mine.reject is not None:
        yield {"ItemStatusCode": mine.reject, "ItemScheduleQty": plain_number(line.quantity)}
        return
    now = _now(line, mine)
    changes = {
        "IQ": now != line.quantity,
        "IP": mine.price is not None and mine.price != line.unit_price,
        "IS": bool(mine.vendor_part or mine.upc),
    }
    made = [code for code, is_made in changes.items() if is_made]
    plain = "DR" if mine.ship_date is not None else "IA"
    if now or mine.backorder is None:
        yield {
            "ItemStatusCode": ("IC" if len(made) > 1 else made[0] if made else plain) if now else "ID",
            "ItemScheduleQty": plain_number(now),
            "VendorPartNumber": mine.vendor_part or None,
            "ConsumerPackageCode": mine.upc or None,
            "PurchasePrice": plain_number(mine.price) if mine.price is not None else None,
        } | _when(order, line.item, mine.ship_date)
    if mine.backorder is not None:
        yield {"ItemStatusCode": "IB", "ItemScheduleQty": plain_number(mine.backorder)} | _when(
            order, line.item, mine.backorder_date
        )


def _when(order: Order, item: OrderLineItem, decided: date | None) -> Fields:
    """The day decided, else the one that the line, or the order, asks for."""
    if decided is not None:
        return {"ItemScheduleQualifier": "068", "ItemScheduleDate": decided.isoformat()}
    asked: dict[str, date] = {}
    for entry in [*item.Dates, *order.Header.Dates]:
        values = entry if isinstance(entry, Mapping) else entry.__dict__
        day = as_date(values.get("Date") if isinstance(values.get("Date"), str) else None)
        if day is not None:
            asked.setdefault(str(values.get("DateTimeQualifier")), day)
    for qualifier, promised in _PROMISED.items():
        if qualifier in asked:
            return {"ItemScheduleQualifier": promised, "ItemScheduleDate": asked[qualifier].isoformat()}
    return {}


def _type(items: list[Fields], decision: Decision) -> str:
    codes = {status["ItemStatusCode"] for item in items for status in item["LineItemAcknowledgement"]}
    if not items:
        return "RD" if decision.verdict == "reject" else "AD"
    if codes == {"IA"}:
        return "AD"
    return "RD" if codes <= _REJECTED else "AC"


def _impossible(order: Order, decision: Decision) -> Iterator[Finding]:
    """What cannot be promised: lines that the order has not, and more than it asks for."""
    lines = {line.line: line for line in ordered_lines(order)}
    for mine in decision.lines:
        line = lines.get(mine.line)
        if line is None:
            yield _wrong(f"the order has no line {mine.line}", mine)
        elif mine.reject is None and _now(line, mine) + (mine.backorder or 0) > line.quantity:
            yield _wrong(f"line {mine.line}: more is promised than was ordered", mine)
    if len({mine.line for mine in decision.lines}) != len(decision.lines):
        yield Finding("decision_impossible", "error", "a line is decided twice", "decision.lines", _FIX)


_FIX = "decide again: `connector acknowledge`"


def _wrong(message: str, mine: LineDecision) -> Finding:
    return Finding("decision_impossible", "error", message, f"decision.lines[{mine.line}]", _FIX)
