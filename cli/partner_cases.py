"""`connector partners test`: a pack's golden cases, order and invoice in, RSX out, without any account or stack.

Beside `prairie.toml` the folder `prairie/` holds one folder a case:

    order.json | .xml       the RSX order(s); alone in a case: what FreshBooks is sent for it is expected
    invoice.json            the FreshBooks invoice, or bill.json a bill
    shipment.csv | .json    a shipment upload
    expected.json | .xml    what must come of invoice, bill or order; expected.shipment.json of the upload
    case.toml               optional: text = "what it shows", findings = ["error over_invoiced"],
                            ignore = ["Header.ShipmentHeader.ShipNoticeDate"]

A document that is stopped is compared all the same: the findings say why it would not be sent.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.offline import map_documents, read_bytes, read_order_file, read_pack_file
from cli.output import JsonOption, console, guarded, show_json, tinted
from connector import errors
from connector.documents.reading import read_documents
from connector.documents.xml_writing import write_xml
from connector.rules.packs import PartnerPack
from connector.usecases.summaries import differences

_INPUTS = ("invoice.json", "bill.json", "shipment.csv", "shipment.json")
_ROOTS = {"InvoiceHeader": "Invoice", "ShipmentHeader": "Shipment"}


@dataclass(slots=True)
class Outcome:
    """How one case ended: `differences` field by field, `findings` where the case says which are right."""

    case: str
    text: str = ""
    differences: list[dict[str, Any]] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.differences


@guarded
def run_cases(
    pack: Annotated[str, typer.Argument(metavar="PACK.toml")],
    case: Annotated[str, typer.Option("--case", help="Only this case.")] = "",
    update: Annotated[
        bool, typer.Option("--update", help="Write what comes out as what is expected.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run a pack's golden cases, in the folder beside it named like it. Exit 1 where a field differs."""
    settings = read_pack_file(pack)
    folder = Path(pack).with_suffix("")
    cases = [one for one in _cases(folder) if case in ("", one.name)]
    if not cases:
        raise errors.BadUse(
            f"no case {case} in {folder}" if case else f"no cases in {folder}", code="no_cases",
            fix="a case is a folder there with order.json, invoice.json and expected.json",
        )  # fmt: skip
    outcomes = [_run(one, settings, update) for one in cases]
    if as_json:
        show_json({"cases": [{**asdict(one), "passed": one.passed} for one in outcomes]})
    else:
        for one in outcomes:
            _tell(one)
    if not all(one.passed for one in outcomes):
        raise typer.Exit(1)


def _cases(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else []


def _run(case: Path, pack: PartnerPack, update: bool) -> Outcome:
    about = _about(case)
    outcome = Outcome(case.name, str(about.get("text", "")))
    order = next((case / name for name in ("order.json", "order.xml") if (case / name).is_file()), None)
    inputs = [case / name for name in _INPUTS if (case / name).is_file()]
    if not inputs and order is None:
        raise errors.BadUse("the case has neither an order nor an invoice", place=str(case), code="no_cases")
    found: list[str] = []
    for path in inputs or [order]:
        orders = read_order_file(str(order)) if order is not None and path != order else []
        refused: list[errors.BadInput] = []
        done = list(map_documents(str(path), pack, orders, None, refused))
        if refused:
            raise refused[0]
        found += [f"{one.severity} {one.code}" for each in done for one in each.mapped.findings]
        documents = [each.mapped.document for each in done]
        name = "expected.shipment" if path is not None and path.stem == "shipment" else "expected"
        _compare(case, name, documents, pack, about.get("ignore", []), update, outcome)
    if "findings" in about and sorted(about["findings"]) != sorted(found):
        outcome.differences.append(
            {"field": "findings", "sent": sorted(about["findings"]), "now": sorted(found)}
        )
    return outcome


def _compare(
    case: Path,
    name: str,
    documents: list[dict[str, Any]],
    pack: PartnerPack,
    ignored: list[str],
    update: bool,
    outcome: Outcome,
) -> None:
    root = next((kind for header, kind in _ROOTS.items() if header in documents[0].get("Header", {})), "")
    as_xml = (case / f"{name}.xml").is_file() or (pack.format == "xml" and bool(root))
    path = case / f"{name}.{'xml' if as_xml else 'json'}"
    content: Any = documents if len(documents) > 1 else documents[0]
    data = (
        write_xml(documents, root)
        if as_xml
        else (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
    )
    if update:
        if not path.is_file() or path.read_bytes() != data:
            path.write_bytes(data)
            outcome.updated.append(path.name)
        return
    if not path.is_file():
        outcome.differences.append({"field": path.name, "sent": None, "now": "run with --update to write it"})
        return
    expected, now = _content(path.read_bytes(), as_xml, path), _content(data, as_xml, path)
    outcome.differences += [
        one
        for one in differences(expected, now)
        if not any(one["field"].startswith(each) for each in ignored)
    ]


def _content(data: bytes, as_xml: bool, path: Path) -> Any:
    if not as_xml:
        try:
            return json.loads(data.decode("utf-8-sig"))
        except ValueError as error:
            raise errors.BadInput(f"not JSON: {error}", place=str(path)) from None
    reads = read_documents(data)
    for read in reads:
        if isinstance(read, errors.BadInput):
            raise read
    raw = [read.raw for read in reads if not isinstance(read, errors.BadInput)]
    return raw if len(raw) > 1 else raw[0]


def _about(case: Path) -> Mapping[str, Any]:
    path = case / "case.toml"
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(read_bytes(str(path)).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise errors.BadUse(f"not TOML: {error}", place=str(path), code="case_invalid") from None


def _tell(outcome: Outcome) -> None:
    mark = ("same", "green") if outcome.passed else ("differs", "red")
    words = f"  {outcome.text}" if outcome.text else ""
    updated = f"  wrote {', '.join(outcome.updated)}" if outcome.updated else ""
    console.print(tinted(*mark, f"  {outcome.case}{words}{updated}"), soft_wrap=True)
    for line in _lines(outcome):
        console.print(line, highlight=False, soft_wrap=True)


def _lines(outcome: Outcome) -> Iterator[str]:
    for one in outcome.differences:
        expected, now = (json.dumps(one[name], ensure_ascii=False) for name in ("sent", "now"))
        yield f"    {one['field']}: expected {expected}, comes out as {now}"
