"""An order change (860) applied to its order: the whole order as changed, in RSX's own JSON values.

What the change states replaces what the order has: element by element in a line, group by group elsewhere
(dates, addresses and references by their kind). A line is found by its LineSequenceNumber, else by a part
number or UPC that only one line has. The code of a line says what kind of change it is; a line that changes
more, or the other way, than its code says is an error finding, which parks the change for a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connector.documents.order import OrderLineItem
from connector.documents.order_change import ChangeLineItem, OrderChange
from connector.documents.parts import plain_number
from connector.findings import Finding, Source, Trace
from connector.mapping.money import shown, too_large
from connector.mapping.order_lines import ordered_quantity

_CODES = {"AI", "CA", "CC", "CE", "CL", "CS", "CT", "DI", "NCH", "PC", "PQ", "QD", "QI", "RC", "RQ", "RZ"}
_QUANTITY = frozenset({"CA", "PQ", "QD", "QI", "RQ", "RZ", ""})
_PRICE = frozenset({"CA", "PC", "PQ", "RZ", ""})
_IDENTIFIERS = (
    "VendorPartNumber",
    "BuyerPartNumber",
    "ConsumerPackageCode",
    "GTIN",
    "EAN",
    "UPCCaseCode",
)
_ONLY_CHANGES = frozenset({"LineChangeCode", "PreviousOrderQty", "VarianceQty"})
# what names the order, or speaks of the change itself, stays as the order has it
_OF_THE_ORDER = frozenset(
    {
        "TradingPartnerId",
        "PurchaseOrderNumber",
        "ReleaseNumber",
        "PrimaryPOTypeCode",
        "TsetPurposeCode",
        "ChangeOrderSeqNumber",
        "POChangeDate",
    }
)
_BY_KIND = {"Dates": "DateTimeQualifier", "Address": "AddressTypeCode", "References": "ReferenceQual"}
_ASK = "ask the trading partner what is meant, then accept the change by force, or mark it resolved"


@dataclass(slots=True)
class Line:
    """One line of the order as changed; `sources` names the document and path of its elements ("": the rest)."""

    raw: dict[str, Any]
    sources: dict[str, str]


@dataclass(slots=True)
class Whole:
    """An order in the making: header groups, lines, and where each came from."""

    rest: dict[str, Any]
    lines: list[Line]
    header_sources: dict[str, str] = field(default_factory=dict)

    @property
    def raw(self) -> dict[str, Any]:
        return {**self.rest, "LineItem": [line.raw for line in self.lines]}

    def source_of(self, path: str) -> str:
        """Where a path of the order as changed was stated: `change 2: LineItem[0].OrderLine.OrderQty`."""
        if not path.startswith("LineItem["):
            return self.header_sources.get(path) or self.header_sources.get(_group(path)) or path
        index, _, rest = path.removeprefix("LineItem[").partition("]")
        if not index.isdigit() or int(index) >= len(self.lines):
            return path
        sources, rest = self.lines[int(index)].sources, rest.removeprefix(".")
        stated = sources.get(rest) or sources.get(_group(rest))
        return stated or ".".join(part for part in (sources[""], rest) if part)

    def sourced(self, trace: Trace) -> Trace:
        """A trace of the order as changed, its paths those of the documents that stated them."""
        return {
            name: Source(tuple(self.source_of(path) for path in source.paths), source.rule)
            for name, source in trace.items()
        }


def _group(path: str) -> str:
    """`Header.Dates` of `Header.Dates[0].Date`: groups are replaced as a whole."""
    head, bracket, _ = path.partition("[")
    return head if bracket else path


def whole_order(document: Mapping[str, Any], label: str = "") -> Whole:
    """The order that a document states on its own; of an order change that replaces, its lines but the deleted."""
    mark = f"{label}: " if label else ""
    rest = {name: value for name, value in document.items() if name != "LineItem"}
    lines = []
    for index, item in enumerate(document.get("LineItem") or ()):
        if item.get("OrderLine", {}).get("LineChangeCode") != "DI":
            lines.append(Line(_as_ordered(item), {"": f"{mark}LineItem[{index}]"}))
    return Whole(rest, lines)


def replaced(order: Whole | None, document: Mapping[str, Any], label: str) -> Whole:
    """The order that a replacement states; header groups that it leaves out stay as they were."""
    whole = whole_order(document, label)
    if order is not None:
        header = {**order.rest["Header"], **whole.rest["Header"]}
        header["OrderHeader"] = {**order.rest["Header"]["OrderHeader"], **whole.rest["Header"]["OrderHeader"]}
        whole.rest = {**whole.rest, "Header": header}
    own = whole.rest["Header"]["OrderHeader"]
    own = {name: value for name, value in own.items() if name not in ("ChangeOrderSeqNumber", "POChangeDate")}
    whole.rest = {**whole.rest, "Header": {**whole.rest["Header"], "OrderHeader": own}}
    return whole


def apply_change(
    order: Whole, document: Mapping[str, Any], label: str = "change"
) -> tuple[Whole, list[Finding]]:
    """The order with the change in it, and what is unclear. Never raises on what the change's schema admits."""
    change = OrderChange.model_validate(document)
    findings: list[Finding] = []
    header, header_sources = _changed_header(order, document, label)
    whole = Whole(
        {**{name: value for name, value in order.rest.items() if name != "Summary"}, "Header": header},
        [Line(line.raw, dict(line.sources)) for line in order.lines],
        header_sources,
    )
    items: Iterable[dict[str, Any]] = document.get("LineItem") or ()
    for index, (item, stated) in enumerate(zip(items, change.LineItem, strict=True)):
        _change_line(whole, item, stated, index, label, findings)
    return whole, findings


def _changed_header(
    order: Whole, document: Mapping[str, Any], label: str
) -> tuple[dict[str, Any], dict[str, str]]:
    before, stated = order.rest["Header"], document["Header"]
    own = {name: value for name, value in stated["OrderHeader"].items() if name not in _OF_THE_ORDER}
    sources = dict(order.header_sources)
    for name in own:
        sources[f"Header.OrderHeader.{name}"] = f"{label}: Header.OrderHeader.{name}"
    groups = {name: value for name, value in stated.items() if name != "OrderHeader"}
    for name in groups:
        sources[f"Header.{name}"] = f"{label}: Header.{name}"
    kept = {name: value for name, value in before.items() if name != "QuantityTotals"}  # of the order before
    header = {**_merged(kept, groups), "OrderHeader": {**before["OrderHeader"], **own}}
    return header, sources


def _merged(before: Mapping[str, Any], stated: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**before, **stated}
    for name, kind in _BY_KIND.items():
        if name in before and name in stated:
            now = {entry.get(kind) for entry in stated[name]}
            merged[name] = [entry for entry in before[name] if entry.get(kind) not in now] + stated[name]
    return merged


def _as_ordered(item: Mapping[str, Any]) -> dict[str, Any]:
    """A line of a change as a line of an order."""
    line = {name: value for name, value in item.get("OrderLine", {}).items() if name not in _ONLY_CHANGES}
    return {**item, "OrderLine": line}


# --- lines ----------------------------------------------------------------------------------------------


def _change_line(
    whole: Whole,
    item: dict[str, Any],
    stated: ChangeLineItem,
    index: int,
    label: str,
    findings: list[Finding],
) -> None:
    code = stated.OrderLine.LineChangeCode or ""
    place = f"LineItem[{index}]"

    def unclear(name: str, message: str, severity: Any = "error", element: str = "LineChangeCode") -> None:
        fix = _ASK if severity == "error" else ""
        findings.append(Finding(name, severity, message, f"{place}.OrderLine.{element}", fix))

    called = _called(stated, index)
    if (code and code not in _CODES) or code == "RC":
        what = f"the code {code} is unknown" if code != "RC" else "the code RC rejects a change"
        unclear("change_code_unknown", f"{called}: {what}")
    if code == "NCH":
        return
    found = _found(whole, stated)
    if found is None:
        if code == "DI":
            unclear("line_not_there", f"{called} is to be deleted, but the order does not have it", "warning")
            return
        if code not in ("AI", ""):
            unclear("line_not_there", f"{called} is to be changed, but the order does not have it")
        elif not code:
            unclear("line_not_there", f"{called} is not in the order, and nothing says that it is added")
        whole.lines.append(Line(_as_ordered(item), {"": f"{label}: {place}"}))
        return
    line = whole.lines[found]
    before = OrderLineItem.model_validate(line.raw)
    other = _other_item(before, stated)
    if code == "DI":
        if other:
            unclear("other_item", f"{called} is to be deleted, but it is of another item: {other}")
        del whole.lines[found]
        return
    if code == "AI" and other:
        unclear(
            "line_already_there", f"{called} is to be added, but the order has another item there: {other}"
        )
    elif other and code != "RZ":
        unclear("other_item", f"{called} is of another item than the order's: {other}")
    _replace_values(line, item, stated, before, f"{label}: {place}", code == "RZ")
    _check_quantity(stated, before, line.raw, called, unclear)
    _check_price(stated, before, called, unclear)


def _called(stated: ChangeLineItem, index: int) -> str:
    own = stated.OrderLine
    part = own.VendorPartNumber or own.BuyerPartNumber or own.ConsumerPackageCode or ""
    return f"line {own.LineSequenceNumber or f'#{index + 1}'}" + (f" ({part})" if part else "")


def _found(whole: Whole, stated: ChangeLineItem) -> int | None:
    """The index of the one line that is meant; None where there is none, or several."""
    own = stated.OrderLine
    for wanted, of in ((own.LineSequenceNumber, str), (own.LineSequenceNumber, _without_zeros)):
        if wanted:
            found = _only(whole, "LineSequenceNumber", wanted, of)
            if found is not None:
                return found
    numbered = own.LineSequenceNumber and any(
        "LineSequenceNumber" in line.raw["OrderLine"] for line in whole.lines
    )
    if numbered and own.LineChangeCode in ("AI", None):
        return None  # a number that no line has is a new line, though perhaps of an item once more
    for name in _IDENTIFIERS:
        if getattr(own, name):
            found = _only(whole, name, getattr(own, name), str)
            if found is not None:
                return found
    return None


def _only(whole: Whole, name: str, wanted: str, of: Callable[[str], str]) -> int | None:
    found = [
        index
        for index, line in enumerate(whole.lines)
        if name in line.raw["OrderLine"] and of(str(line.raw["OrderLine"][name])) == of(wanted)
    ]
    return found[0] if len(found) == 1 else None


def _without_zeros(text: str) -> str:
    return text.lstrip("0")


def _other_item(before: OrderLineItem, stated: ChangeLineItem) -> str:
    """`V-1, not V-2` where both name the item and agree in nothing."""
    pairs = list(_both(before, stated))
    if not pairs or any(one == other for one, other in pairs):
        return ""
    return f"{pairs[0][0]}, not {pairs[0][1]}"


def _both(before: OrderLineItem, stated: ChangeLineItem) -> Iterator[tuple[str, str]]:
    for name in _IDENTIFIERS:
        one, other = getattr(before.OrderLine, name), getattr(stated.OrderLine, name)
        if one and other:
            yield one, other


def _replace_values(
    line: Line,
    item: Mapping[str, Any],
    stated: ChangeLineItem,
    before: OrderLineItem,
    source: str,
    everything: bool,
) -> None:
    now = _as_ordered(item)
    own, ordered = now["OrderLine"], line.raw["OrderLine"]
    quantity = _quantity(stated, before)
    if quantity is not None and "OrderQty" not in own:
        own["OrderQty"] = plain_number(quantity)
    if everything:
        sequence = {name: ordered[name] for name in ("LineSequenceNumber",) if name in ordered}
        line.raw = {**now, "OrderLine": {**sequence, **own}}
        line.sources = {
            "": source,
            "OrderLine.LineSequenceNumber": line.sources[""] + ".OrderLine.LineSequenceNumber",
        }
        return
    moved = {"OrderQty", "PurchasePrice", "PurchasePriceBasis"} & {
        name for name in own if own[name] != ordered.get(name)
    }
    if moved:  # the line's own total was that of the line before
        ordered = {name: value for name, value in ordered.items() if name != "ExtendedItemTotal"}
    groups = {name: value for name, value in now.items() if name != "OrderLine"}
    line.raw = {**_merged(line.raw, groups), "OrderLine": {**ordered, **own}}
    for name in own:
        line.sources[f"OrderLine.{name}"] = f"{source}.OrderLine.{name}"
    for name in groups:
        line.sources[name] = f"{source}.{name}"


def _quantity(stated: ChangeLineItem, before: OrderLineItem) -> Decimal | None:
    """The quantity as changed: as stated, else by how much it changes; None where the change has neither."""
    own, ordered = stated.OrderLine, ordered_quantity(before)
    if own.OrderQty is not None or own.VarianceQty is None or ordered is None:
        return own.OrderQty
    if too_large(own.VarianceQty, ordered):
        return None
    if own.LineChangeCode == "QD":
        return ordered - abs(own.VarianceQty)
    return ordered + (abs(own.VarianceQty) if own.LineChangeCode == "QI" else own.VarianceQty)


def _check_quantity(
    stated: ChangeLineItem,
    before: OrderLineItem,
    raw: Mapping[str, Any],
    called: str,
    unclear: Callable[..., None],
) -> None:
    code, own = stated.OrderLine.LineChangeCode or "", stated.OrderLine
    ordered, now = ordered_quantity(before), _quantity(stated, before)
    if ordered is None or now is None:
        return
    told = f"{shown(ordered)} are ordered, {shown(now)} stated"
    if (code == "QD" and now > ordered) or (code == "QI" and now < ordered):
        word = "decrease" if code == "QD" else "increase"
        unclear("change_contradicts", f"{called} is to {word}, but {told}", element="OrderQty")
    elif now != ordered and code not in _QUANTITY and code in _CODES and code != "AI":
        unclear(
            "change_contradicts",
            f"{called}: the code {code} changes no quantity, but {told}",
            element="OrderQty",
        )
    if now < 0:
        unclear("change_contradicts", f"{called} would have a negative quantity: {told}", element="OrderQty")
    previous = own.PreviousOrderQty
    if previous is not None and previous not in (ordered, now):
        unclear(
            "previous_quantity_differs",
            f"{called}: the partner had {shown(previous)} before, the order here has {shown(ordered)}",
            "warning",
            "PreviousOrderQty",
        )


def _check_price(
    stated: ChangeLineItem, before: OrderLineItem, called: str, unclear: Callable[..., None]
) -> None:
    code, now, ordered = (
        stated.OrderLine.LineChangeCode or "",
        stated.OrderLine.PurchasePrice,
        before.OrderLine.PurchasePrice,
    )
    if (
        now is None
        or ordered is None
        or now == ordered
        or code in _PRICE
        or code not in _CODES
        or code == "AI"
    ):
        return
    message = f"{called}: the code {code} changes no price, but {shown(ordered, 2)} is ordered, {shown(now, 2)} stated"
    unclear("change_contradicts", message, element="PurchasePrice")
