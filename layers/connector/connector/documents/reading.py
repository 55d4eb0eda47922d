"""A file out of the mailbox as documents: sniffed, parsed, told apart, each one standing alone.

RSX 7.7 comes as JSON (one document, an array, or several one after the other, with or without BOM) or XML; SPS also
passes X12 and CSV through, which is refused with a reason. Nothing here raises on any bytes: what cannot be read is
returned as a `BadInput` in its place among the documents that can.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from connector.documents.freshbooks_fields import bad_input
from connector.documents.invoice import Invoice
from connector.documents.order import Order
from connector.documents.order_change import OrderChange
from connector.documents.shipment import Shipment
from connector.documents.xml_reading import LISTS, number, read_xml
from connector.errors import BadInput

MAX_BYTES = 20 * 1024 * 1024
MAX_PARTNER_ID = 15
MAX_DIGITS = 400

Kind = Literal["order", "order_change", "order_ack", "invoice", "shipment"]


@dataclass(frozen=True, slots=True)
class Read:
    """One document as read.

    `raw` is its JSON as it came, `digest` the SHA-256 of that JSON in canonical form: layout, key order and
    20.0 against 20 make no difference. `number` is the document's number at its partner (for a release
    against a blanket order: order number and release), `purpose` its TsetPurposeCode or "".
    """

    kind: Kind
    document: Order | Invoice | Shipment
    raw: dict[str, Any]
    digest: str
    partner: str
    number: str
    purpose: str


_HEADERS: dict[str, tuple[Kind, type[Order] | type[Invoice] | type[Shipment], str]] = {
    "OrderHeader": ("order", Order, "PurchaseOrderNumber"),
    "InvoiceHeader": ("invoice", Invoice, "InvoiceNumber"),
    "ShipmentHeader": ("shipment", Shipment, "ShipmentIdentification"),
}
# the names of XML roots and, where somebody wraps JSON in them, of the wrapper
_ROOTS: dict[str, Kind] = {
    "Order": "order",
    "OrderChange": "order_change",
    "OrderAck": "order_ack",
    "Invoice": "invoice",
    "Shipment": "shipment",
}
_ONLY_CHANGES = {"LineChangeCode", "PreviousOrderQty", "VarianceQty", "POChangeDate", "ChangeOrderSeqNumber"}
_ONLY_7_6 = {"Contact", "Date", "Reference"}
_SPACE = re.compile(r"[ \t\r\n]*")
_ASK = "ask SPS Commerce to send RSX 7.7 as JSON or XML"


def read_documents(data: bytes) -> list[Read | BadInput]:
    """Every document of a file, in order; what cannot be read is a BadInput in its place. Never raises."""
    try:
        return [_read(value, place, root) for place, value, root in _split(data)]
    except BadInput as error:
        return [error]
    except RecursionError:
        return [BadInput("it is nested too deeply", code="too_deep", fix=_ASK)]


def canonical_digest(document: Mapping[str, Any]) -> str:
    """The SHA-256 (hexadecimal) of a JSON object's canonical form."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


# --- from bytes to plain values -------------------------------------------------------------------------


def _split(data: bytes) -> Iterator[tuple[str, Any, str]]:
    """(place, plain value, XML root or "") of every document in the file."""
    if len(data) > MAX_BYTES:
        size = f"{len(data) / 1024 / 1024:.1f} MB"
        raise BadInput(
            f"the file has {size}, {MAX_BYTES // 1024 // 1024} MB is the most",
            code="too_large",
            fix="split the file",
        )
    if not data.strip():
        raise BadInput("the file is empty", code="empty", fix="ask for the file again")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4]:
        raise BadInput(
            "the file is UTF-16 or UTF-32 text, or binary", code="not_utf8", fix="send it as UTF-8"
        )
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if data[:1] in (b"{", b"["):
        yield from _split_json(data)
    elif data[:1] == b"<":
        yield from _split_xml(data)
    elif data[:3] == b"ISA":
        raise BadInput("X12 file, RSX expected", code="not_rsx", fix=_ASK)
    else:
        raise BadInput("neither JSON nor XML, RSX expected", code="not_rsx", fix=_ASK)


def _split_json(data: bytes) -> Iterator[tuple[str, Any, str]]:
    try:
        values = list(_json_values(data.decode()))
    except UnicodeDecodeError as error:
        raise BadInput(
            "it is not UTF-8 text", code="not_utf8", place=f"byte {error.start}", fix="send it as UTF-8"
        ) from None
    except json.JSONDecodeError as error:
        raise BadInput(
            f"not JSON: {error.msg[:1].lower()}{error.msg[1:].removesuffix(' starting at')}",
            code="not_json",
            place=f"line {error.lineno} column {error.colno}",
            fix="ask for the file again",
        ) from None
    except ValueError:
        raise BadInput("not JSON: NaN and Infinity are no numbers", code="not_json", fix=_ASK) from None
    documents = []
    for value in values:
        inner, root = _unwrapped(value)
        documents += [(one, root) for one in (inner if isinstance(inner, list) else [inner])]
    if not documents:
        raise BadInput(
            "the file holds no document: it is an empty list", code="empty", fix="ask for it again"
        )
    alone = len(documents) == 1 and isinstance(values[0], dict)
    for index, (document, root) in enumerate(documents):
        yield "" if alone else f"[{index}]", document, root


def _json_values(text: str) -> Iterator[Any]:
    """The values of a JSON text, one after the other: most have one, JSON Lines have one a line."""
    decoder = json.JSONDecoder(parse_float=number, parse_int=_whole, parse_constant=_refuse_constant)
    at, end = 0, len(text.rstrip())
    while at < end:
        value, at = decoder.raw_decode(text, at)
        yield value
        at = _SPACE.match(text, at).end()  # type: ignore[union-attr]


def _unwrapped(value: Any) -> tuple[Any, str]:
    """What is inside of `{"Orders": {"Order": ...}}` and the like, and the name it was called by."""
    root = ""
    while isinstance(value, dict):
        names = [name for name in value if not name.startswith("@")]
        if len(names) != 1 or names[0].removesuffix("s") not in _ROOTS:
            break
        root, value = names[0].removesuffix("s"), value[names[0]]
    return value, root


def _split_xml(data: bytes) -> Iterator[tuple[str, Any, str]]:
    root, content = read_xml(data)
    if root in _ROOTS:
        yield "", content, root
        return
    one = root.removesuffix("s")
    if one not in _ROOTS:
        raise BadInput(
            f"the XML is <{root[:40]}>, not an RSX order, invoice or shipment", code="not_rsx", fix=_ASK
        )
    documents = content.get(one, [])
    documents = documents if isinstance(documents, list) else [documents]
    if not documents:
        raise BadInput(f"<{root}> holds no <{one}>", code="empty", fix="ask for the file again")
    for index, document in enumerate(documents):
        yield f"[{index}]" if len(documents) > 1 else "", document, one


def _whole(text: str) -> int | str:
    return int(text) if len(text) < MAX_DIGITS else text


def _refuse_constant(text: str) -> Any:
    raise ValueError(text)


# --- from plain values to a document --------------------------------------------------------------------


def _read(value: Any, place: str, root: str) -> Read | BadInput:
    try:
        return _document(value, place, root)
    except BadInput as error:
        return error
    except RecursionError:
        return BadInput("it is nested too deeply", code="too_deep", place=place, fix=_ASK)
    except UnicodeEncodeError:
        return BadInput("it has half a character (a lone surrogate)", code="not_utf8", place=place, fix=_ASK)


def _document(value: Any, place: str, root: str) -> Read:
    name = _header_name(value, place)
    kind, model, number_name = _HEADERS[name]
    if kind == "order":
        kind = _kind_of_order(value, root)
        model = OrderChange if kind == "order_change" else Order
    try:
        document: Order | Invoice | Shipment = model.model_validate(value)
    except ValidationError as error:
        plain = _as_rsx_writes(value)
        if plain != value:
            return _document(plain, place, root)
        complaint = bad_input(error, place)
        complaint.fix = "ask the trading partner or SPS Commerce for a corrected document"
        raise complaint from None
    header = getattr(document.Header, name)
    for element in ("TradingPartnerId", number_name):
        if not getattr(header, element).strip():
            raise _bad_header(place, f"{name}.{element}", "is empty")
    if len(header.TradingPartnerId) > MAX_PARTNER_ID:
        raise _bad_header(place, f"{name}.TradingPartnerId", f"has more than {MAX_PARTNER_ID} characters")
    return Read(
        kind=kind,
        document=document,
        raw=value,
        digest=canonical_digest(value),
        partner=header.TradingPartnerId,
        number=document.number,
        purpose=header.TsetPurposeCode or "",
    )


def _header_name(value: Any, place: str) -> str:
    """The one name under Header that says what the document is."""
    if not isinstance(value, dict):
        raise BadInput("is not an object, which every RSX document is", code="not_rsx", place=place, fix=_ASK)
    header = value.get("Header")
    if "LineItems" in value or (isinstance(header, dict) and not header.keys().isdisjoint(_ONLY_7_6)):
        raise BadInput("an RSX 7.6 document, 7.7 expected", code="rsx_7_6", place=place, fix=_ASK)
    if header is None:
        raise BadInput("no RSX document: it has no Header", code="not_rsx", place=place, fix=_ASK)
    if not isinstance(header, dict):
        raise _bad_header(place, "", "is not an object")
    for name in _HEADERS:
        if name in header:
            return name
    raise _bad_header(place, "", "has no OrderHeader, InvoiceHeader or ShipmentHeader")


def _bad_header(place: str, element: str, message: str) -> BadInput:
    path = ".".join(part for part in (place, "Header", element) if part)
    return BadInput(
        message, place=path, fix="ask the trading partner or SPS Commerce for a corrected document"
    )


def _kind_of_order(value: dict[str, Any], root: str) -> Kind:
    """Orders, changes and acknowledgements share OrderHeader; each has elements that the others lack."""
    if root:
        return _ROOTS[root]
    header, items = value["Header"]["OrderHeader"], value.get("LineItem")
    if not isinstance(header, dict) or not isinstance(items, list | None):
        return "order"  # whatever it is, it cannot be read
    groups = [item for item in items or () if isinstance(item, dict)]
    if "AcknowledgementDate" in header or any("LineItemAcknowledgement" in item for item in groups):
        return "order_ack"
    lines = [item["OrderLine"] for item in groups if isinstance(item.get("OrderLine"), dict)]
    changed = any(not line.keys().isdisjoint(_ONLY_CHANGES) for line in [header, *lines])
    if changed or header.get("TsetPurposeCode") == "04":
        return "order_change"
    return "order"


def _as_rsx_writes(value: Any, name: str = "") -> Any:
    """Other writers' JSON as RSX has it: no nulls for what is absent, a list also where there is one element."""
    if isinstance(value, dict):
        inner = {key: _as_rsx_writes(one, key) for key, one in value.items() if one is not None}
        return [inner] if name in LISTS else inner
    if isinstance(value, list):
        return [_as_rsx_writes(inner) for inner in value if inner is not None]
    return value
