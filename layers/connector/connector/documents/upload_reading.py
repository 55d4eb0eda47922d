"""Reading a shipment upload: CSV (one row per article in a carton) or JSON, every problem told at once.

CSV: a header line, then rows; separated by comma, semicolon or tab; quoted as spreadsheets do; with or without BOM.
What is said of a shipment, pallet or carton stands in its first row and may be repeated, but not contradicted.
Rows are in one carton where they have the same `sscc` or `carton`. A file may hold several shipments.
JSON: one shipment, a list of them, or `{"shipments": [...]}`, with the same names (`documents.upload`).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from connector.documents.upload import Upload
from connector.findings import Finding

MAX_BYTES = 5 * 1024 * 1024
MAX_PROBLEMS = 100
TEXT_FORMAT = "a spreadsheet has rounded it: format the column as text and paste it again"

SHIP_FROM = ("name", "location", "address", "city", "state", "postal_code", "country")
# what a column is about -> column -> field
_OF_SHIPMENT = """
    shipment_id partner ship_date ship_time time_zone delivery_date scac method routing trailer bill_of_lading
    pro_number weight weight_uom fob seals agreed
"""
_OF_CONTENT = "purchase_order line sku upc quantity uom lot expires"
_COLUMNS: dict[str, dict[str, str]] = {
    "shipment": {name: name for name in _OF_SHIPMENT.split()}
    | {f"ship_from_{name}": f"ship_from.{name}" for name in SHIP_FROM},
    "pallet": {
        "pallet": "pallet",
        "pallet_sscc": "sscc",
        "pallet_weight": "weight",
        "pallet_packaging": "packaging",
    },
    "carton": {
        "carton": "carton",
        "sscc": "sscc",
        "tracking": "tracking",
        "packaging": "packaging",
        "carton_weight": "weight",
        "marks": "marks",
        "store": "store",
    },
    "content": {name: name for name in _OF_CONTENT.split()},
}
COLUMNS = {column: about for about, columns in _COLUMNS.items() for column in columns}
"""Every column of the CSV form -> what it is about."""
_ALSO_CALLED = {
    "shipment": "shipment_id",
    "carrier": "scac",
    "bol": "bill_of_lading",
    "pro": "pro_number",
    "po": "purchase_order",
    "po_number": "purchase_order",
    "item": "sku",
    "gtin": "upc",
    "qty": "quantity",
    "unit": "uom",
    "weight_unit": "weight_uom",
    "expiry": "expires",
    "tracking_number": "tracking",
}
_NUMBERS = {"weight", "pallet_weight", "carton_weight", "quantity"}
_DIGITS = {"sscc", "pallet_sscc", "upc", "purchase_order", "line", "tracking"}

Where = tuple[str | int, ...]


@dataclass(slots=True)
class ReadUploads:
    """What a file holds. Where there are problems nothing of it is to be taken in."""

    uploads: list[Upload] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)


def read_uploads(data: bytes) -> ReadUploads:
    """The shipments of a file, and every problem with its line or place. Never raises on any bytes."""
    read = ReadUploads()
    text = _text(data, read)
    if text is None:
        return read
    if text.lstrip()[:1] in ("{", "["):
        _json(text, read)
    else:
        _csv(text, read)
    if not read.uploads and not read.problems:
        _problem(read, "the file has no shipment", "", "write a row for every article in a carton")
    twice = {
        u.shipment_id for u in read.uploads if sum(u.shipment_id == v.shipment_id for v in read.uploads) > 1
    }
    for shipment_id in sorted(twice):
        _problem(
            read, f"shipment {shipment_id} is in the file twice", "", "give each shipment an id of its own"
        )
    return read


def is_upload(data: bytes) -> bool:
    """Whether this looks like a shipment upload, by its header line or its first object."""
    start = data[:4096].decode("utf-8-sig", "ignore").lstrip()
    if start[:1] in ("{", "["):
        return '"shipment_id"' in start
    return "shipment_id" in _names(
        next(csv.reader([start.partition("\n")[0]], delimiter=_separator(start)), [])
    )


def template() -> str:
    """A CSV to start from: every column, and a shipment of two cartons as an example."""
    shipment = {
        "shipment_id": "SH-1001",
        "ship_date": "2026-03-10",
        "ship_time": "14:30",
        "time_zone": "America/Chicago",
        "delivery_date": "2026-03-16",
        "scac": "RBTC",
        "bill_of_lading": "BOL100200",
        "pro_number": "PRO998877",
        "weight": "40.5",
        "weight_uom": "LB",
    }
    order = {"purchase_order": "0045001234", "uom": "EA"}
    rows = [
        shipment | order | {"carton": "1", "sscc": "000777747600006920", "sku": "V-1", "quantity": "5"},
        {"shipment_id": "SH-1001", "carton": "2"} | order | {"line": "2", "quantity": "3"},
    ]
    written = io.StringIO()
    writer = csv.DictWriter(written, list(COLUMNS), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


def _text(data: bytes, read: ReadUploads) -> str | None:
    if len(data) > MAX_BYTES:
        _problem(read, f"the file has more than {MAX_BYTES // 1024 // 1024} MB", "", "split it")
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        _problem(read, "the file is not UTF-8 text", "", "save it as CSV UTF-8")
        return None
    if "\0" in text:
        _problem(read, "the file is no text", "", "save the sheet as CSV UTF-8; .xlsx cannot be read")
        return None
    return text


def _problem(read: ReadUploads, message: str, place: str, fix: str = "", code: str = "upload_wrong") -> None:
    if len(read.problems) < MAX_PROBLEMS:
        read.problems.append(Finding(code, "error", message, place, fix))


# --- JSON -----------------------------------------------------------------------------------------------


def _json(text: str, read: ReadUploads) -> None:
    try:
        value = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        line = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        _problem(read, "the file is damaged JSON", line, "check commas, quotes and brackets")
        return
    if isinstance(value, dict) and "shipments" in value:
        value = value["shipments"]
    for n, each in enumerate(value if isinstance(value, list) else [value]):
        prefix = f"shipments[{n}]" if isinstance(value, list) else ""
        _take(each, read, lambda where, prefix=prefix: _path(prefix, where))


def _path(prefix: str, where: Where) -> str:
    place = prefix
    for step in where:
        place += f"[{step}]" if isinstance(step, int) else f".{step}" if place else str(step)
    return place


def _take(value: Any, read: ReadUploads, place_of: Any) -> None:
    try:
        read.uploads.append(Upload.model_validate(value))
    except (ValidationError, RecursionError) as error:
        if isinstance(error, RecursionError):
            _problem(read, "the file is nested too deeply", place_of(()))
            return
        told = error.errors(include_url=False, include_input=False, include_context=False)
        for each in told:
            here = each["loc"]
            if each["type"] == "too_short" and any(o["loc"][: len(here)] == here != o["loc"] for o in told):
                continue  # only because its entries are wrong
            _problem(read, _words(each["type"], each["msg"]), place_of(each["loc"]))


def _words(kind: str, message: str) -> str:
    """A complaint of the model in plain words."""
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "there is no such field"
    if kind in ("greater_than_equal", "less_than_equal"):
        return "is no date of this century"
    if kind in ("greater_than", "less_than"):
        return "has to be more than 0 and less than a billion"
    if kind.startswith(("decimal", "finite")):
        return "is not a number"
    if kind in ("string_type", "tuple_type", "model_type", "too_short"):
        words = {"string_type": "a text", "tuple_type": "a list", "model_type": "an object"}
        return f"has to be {words[kind]}" if kind in words else "has to have at least one entry"
    if kind == "string_pattern_mismatch":
        return "a SCAC is 2 to 4 capital letters"
    return message.removeprefix("Value error, ")


# --- CSV ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Group:
    """A shipment, pallet or carton as rows tell it, and the line that said each field first."""

    line: int
    fields: dict[str, str] = field(default_factory=dict)
    said: dict[str, int] = field(default_factory=dict)
    named: dict[str, _Group] = field(default_factory=dict)
    pallets: list[_Group] = field(default_factory=list)
    cartons: list[_Group] = field(default_factory=list)
    contents: list[_Group] = field(default_factory=list)


def _csv(text: str, read: ReadUploads) -> None:
    separator = _separator(text)
    rows = _rows(text, separator, read)
    header = next(rows, None)
    if header is None:
        return
    columns = _header(header[1], read)
    if read.problems:
        return
    shipments: dict[str, _Group] = {}
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
            _problem(
                read,
                f"has {len(cells)} cells, the header {len(columns)}",
                f"line {line}",
                "quote texts with commas",
            )
            continue
        row = {column: cell.strip() for column, cell in zip(columns, cells, strict=False) if cell.strip()}
        _row(line, row, separator, shipments, read)
    for shipment in shipments.values():
        _shipment(shipment, read)
    read.problems.sort(key=lambda problem: int(problem.place.split()[1].rstrip(",")))


def _separator(text: str) -> str:
    first = text.lstrip("\r\n").partition("\n")[0]
    return max(",;\t", key=first.count)


def _rows(text: str, separator: str, read: ReadUploads) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells); the number is that of the row's first line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            _problem(read, f"is no CSV: {error}", f"line {line}", "check its quotes")
            return
        if cells:
            yield line, cells


def _names(cells: Sequence[str]) -> list[str]:
    """The columns that a header's cells name, however they are written."""
    names = ("_".join(cell.casefold().replace("-", " ").split()) for cell in cells)
    return [_ALSO_CALLED.get(name, name) for name in names]


def _header(cells: Sequence[str], read: ReadUploads) -> list[str]:
    columns = _names(cells)
    while columns and not columns[-1]:
        columns.pop()
    fix = "`connector shipments template` writes a file with every column"
    for column, cell in zip(columns, cells, strict=False):
        if column not in COLUMNS:
            _problem(read, f"there is no column {cell[:40]!r}", "line 1", fix)
        elif columns.count(column) > 1:
            _problem(read, f"column {column} is there twice", "line 1", "take one of them out")
    for needed in ("shipment_id", "ship_date", "purchase_order", "quantity"):
        if needed not in columns:
            _problem(read, f"column {needed} is missing", "line 1", fix)
    return columns


def _row(
    line: int, row: dict[str, str], separator: str, shipments: dict[str, _Group], read: ReadUploads
) -> None:
    for column in row.keys() & _DIGITS:
        cell = row[column].upper()
        if "E+" in cell and cell.replace("E+", "").replace(".", "").replace(",", "").isdigit():
            _problem(read, f"{row[column]!r} is not the whole number", f"line {line}, {column}", TEXT_FORMAT)
            return
    for column in row.keys() & _NUMBERS:
        if (
            separator == ";" and row[column].count(",") == 1
        ):  # such files come from where the comma is decimal
            row[column] = row[column].replace(",", ".")
    shipment_id = row.get("shipment_id", next(iter(shipments)) if len(shipments) == 1 else "")
    if not shipment_id:
        _problem(read, "is missing", f"line {line}, shipment_id")
        return
    shipment = shipments.setdefault(shipment_id, _Group(line))
    _tell(shipment, "shipment", line, row | {"shipment_id": shipment_id}, read)
    holder = shipment
    for about, keys in (("pallet", ("pallet_sscc", "pallet")), ("carton", ("sscc", "carton"))):
        names = [f"{key} {row[key]}" for key in keys if key in row]
        if names:
            group = next((holder.named[name] for name in names if name in holder.named), None)
            if group is None:
                group = _Group(line)
                (holder.pallets if about == "pallet" else holder.cartons).append(group)
            holder.named.update(dict.fromkeys(names, group))
            holder = group
            _tell(holder, about, line, row, read)
        elif about == "pallet" and any(column in row for column in _COLUMNS[about]):
            _problem(read, "say which pallet it is", f"line {line}, pallet")
    content = _Group(line)
    _tell(content, "content", line, row, read)
    holder.contents.append(content)


def _tell(group: _Group, about: str, line: int, row: dict[str, str], read: ReadUploads) -> None:
    for column, name in _COLUMNS[about].items():
        if column not in row:
            continue
        known = group.fields.setdefault(name, row[column])
        group.said.setdefault(name, line)
        if known != row[column]:
            message = (
                f"{row[column][:40]!r}, but line {group.said[name]} says {known[:40]!r} of the same {about}"
            )
            _problem(
                read,
                message,
                f"line {line}, {column}",
                f"what is said of a {about} has to be the same in all its rows",
            )


def _shipment(shipment: _Group, read: ReadUploads) -> None:
    lines: dict[Where, tuple[int, str]] = {}

    def values(group: _Group, where: Where, about: str) -> dict[str, Any]:
        named = {name: column for column, name in _COLUMNS[about].items()}
        lines[where] = (group.line, "")
        made: dict[str, Any] = {}
        for name, column in named.items():
            lines[(*where, *name.split("."))] = (group.said.get(name, group.line), column)
            if name in group.fields:
                outer, _, inner = name.partition(".")
                if inner:
                    made.setdefault(outer, {})[inner] = group.fields[name]
                else:
                    made[name] = group.fields[name]
        return made

    def contents(group: _Group, where: Where) -> list[dict[str, Any]]:
        return [values(each, (*where, n), "content") for n, each in enumerate(group.contents)]

    def cartons(groups: list[_Group], where: Where) -> list[dict[str, Any]]:
        return [
            values(each, (*where, n), "carton") | {"contents": contents(each, (*where, n, "contents"))}
            for n, each in enumerate(groups)
        ]

    made = values(shipment, (), "shipment")
    if "seals" in made:
        made["seals"] = made["seals"].replace("|", " ").split()
    made["pallets"] = [
        values(each, ("pallets", n), "pallet") | {"cartons": cartons(each.cartons, ("pallets", n, "cartons"))}
        for n, each in enumerate(shipment.pallets)
    ]
    made["cartons"] = cartons(shipment.cartons, ("cartons",))
    packed = bool(shipment.pallets or shipment.cartons)
    made["items"] = [] if packed else contents(shipment, ("items",))
    homeless = [each for pallet in shipment.pallets for each in pallet.contents]
    for content in homeless + (shipment.contents if packed else []):
        _problem(read, "say which carton it is in, as other rows do", f"line {content.line}, carton")

    def place_of(where: Where) -> str:
        for end in range(len(where), -1, -1):
            if where[:end] in lines:
                line, column = lines[where[:end]]
                return f"line {line}, {column}" if column else f"line {line}"
        return f"line {shipment.line}"

    _take(made, read, place_of)
