"""`connector map` and `connector check`: JSON on stdout, remarks on stderr, exit codes, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from cli.main import app
from connector.documents.reading import MAX_BYTES, Read, read_documents
from tests import builders
from tests.builders import PARTNER, allowance, order_line

ROOT = Path(__file__).parents[2]


class Ran:
    def __init__(self, result: Any) -> None:
        self.code = result.exit_code
        self.out = result.stdout
        self.err = result.stderr
        assert "Traceback" not in self.out + self.err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(*arguments: object, given: bytes | None = None) -> Ran:
    return Ran(CliRunner().invoke(app, [str(argument) for argument in arguments], input=given))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(folder: Path, name: str, document: Any) -> str:
    data = document if isinstance(document, bytes) else builders.as_bytes(document)
    (folder / name).write_bytes(data)
    return name


def test_an_order_is_mapped_to_the_requests_for_freshbooks(folder: Path) -> None:
    ran = run("map", put(folder, "po.json", builders.order(1)))
    assert ran.code == 0
    assert ran.err == ""
    assert list(ran.json) == ["bill_vendor", "bill"]
    assert ran.json["bill"]["lines"][0]["unit_cost"] == {"amount": "20.00", "code": "USD"}


def test_standard_input_is_a_file_too() -> None:
    assert (
        run("map", "-", given=builders.as_bytes(builders.order(1))).json["bill"]["bill_number"]
        == "0045001234"
    )


def test_several_documents_give_a_list(folder: Path) -> None:
    ran = run("map", put(folder, "po.json", [builders.order(PurchaseOrderNumber=n) for n in "AB"]))
    assert [entry["bill"]["bill_number"] for entry in ran.json] == ["A", "B"]


def test_remarks_go_to_stderr_in_one_line_each_and_leave_the_exit_code_alone(folder: Path) -> None:
    ran = run("map", put(folder, "po.json", builders.order(summary={"TotalAmount": 19})))
    assert ran.code == 0
    assert ran.err.splitlines() == [
        "warning: po.json: Summary.TotalAmount: the lines come to 200.00, the order states 19.00 "
        "(ask the trading partner which is right; the bill has what its lines come to)"
    ]


def test_a_blocked_document_exits_with_1(folder: Path) -> None:
    ran = run("map", put(folder, "po.json", builders.order([])))
    assert ran.code == 1
    assert ran.err.startswith("error: po.json: LineItem: the order has no lines")


def test_json_is_one_object_with_findings(folder: Path) -> None:
    ran = run("map", put(folder, "po.json", builders.order(summary={"TotalAmount": 19})), "--json")
    [entry] = ran.json["documents"]
    assert (entry["source"], entry["kind"], entry["partner"], entry["number"]) == (
        "po.json",
        "order",
        PARTNER,
        "0045001234",
    )
    assert entry["findings"][0]["code"] == "total_differs"
    assert "explain" not in entry
    assert ran.err == ""


def test_explain_says_where_every_value_came_from(folder: Path) -> None:
    name = put(folder, "po.json", builders.order([order_line(OrderQty=12.5)], charges=[allowance(2)]))
    table = run("map", name, "--explain").out
    assert "LineItem[0].OrderLine.PurchasePrice" in table
    [entry] = run("map", name, "--explain", "--json").json["documents"]
    rows = {row["field"]: row for row in entry["explain"]}
    assert rows["bill.lines[0].unit_cost.amount"]["value"] == "250.00"
    assert rows["bill.bill_number"]["from"] == ["Header.OrderHeader.PurchaseOrderNumber"]
    assert all(row["rule"] for row in rows.values())


def test_a_pack_is_used_and_must_be_of_the_same_partner(folder: Path) -> None:
    name = put(folder, "po.json", builders.order(1))
    put(folder, "pack.toml", f'trading_partner_id = "{PARTNER}"\n[freshbooks]\nvendor_id = 5\n'.encode())
    assert run("map", name, "--partner", "pack.toml").json["bill"]["vendorid"] == 5
    put(folder, "pack.toml", b'trading_partner_id = "OTHER"')
    ran = run("map", name, "--partner", "pack.toml")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        f"error: the partner pack is for OTHER, the document for {PARTNER} (give the pack of that trading partner)\n"
    )


def test_a_mistake_in_a_pack_is_told_with_its_file_line_and_name(folder: Path) -> None:
    name = put(folder, "order.json", builders.order(1))
    put(folder, "pack.toml", b'trading_partner_id = "X"\nnmae = "y"\n\n[tolerances]\nprice = "six"\n')
    ran = run("map", name, "--partner", "pack.toml")
    assert (ran.code, ran.err) == (
        2,
        "error: pack.toml: line 2: nmae: there is no such setting, did you mean name?; "
        "line 5: tolerances.price: must be a number, such as 5 or 2.5\n",
    )


def test_a_shipment_is_mapped_with_its_order(folder: Path) -> None:
    put(folder, "po.json", builders.order(2))
    ran = run("map", put(folder, "asn.json", builders.shipment(2)), "--order", "po.json")
    assert ran.code == 0
    assert ran.json["events"][0]["status"] == "complete"


def test_a_bad_document_among_good_ones_is_told_and_the_others_are_mapped(folder: Path) -> None:
    documents = [builders.order(), builders.order(TradingPartnerId=None)]
    ran = run("map", put(folder, "po.json", documents))
    assert ran.code == 2
    assert ran.json["bill"]["bill_number"] == "0045001234"
    assert ran.err.startswith("error: po.json: [1].Header.OrderHeader.TradingPartnerId: is missing (")
    both = run("map", "po.json", "--json").json
    assert both["errors"][0]["place"] == "po.json: [1].Header.OrderHeader.TradingPartnerId"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"ISA*00*", "X12 file, RSX expected"),
        (b"\x00\x01\x02\x03", "binary"),
        (b"PK\x03\x04" + bytes(range(256)), "neither JSON nor XML"),
        (b'{"Header": ', "line 1 column 12"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[1, 2]", "neither an RSX document nor a FreshBooks record"),
        (b'{"results": []}', "record (give RSX 7.7, or an invoice or bill as FreshBooks' API answers it)"),
        (b'{"invoice": {"invoice_number": 5, "lines": [{"qty": "x"}]}}', "lines[0]"),
        ("{}".encode("utf-16"), "UTF-16"),
    ],
)
@pytest.mark.parametrize("command", ["map", "check"])
def test_bad_input_is_one_line_and_2(folder: Path, command: str, data: bytes, words: str) -> None:
    ran = run(command, put(folder, "in.dat", data))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: in.dat: ")
    if command == "map" or "FreshBooks" not in words:
        assert words in ran.err
    assert ran.err.count("\n") == 1 or b"1, 2" in data  # each document of a list has its own line


def test_a_file_that_is_missing_a_folder_or_too_large_is_one_line_and_2(folder: Path) -> None:
    with (folder / "big.json").open("wb") as big:
        big.truncate(50 * 1024 * 1024)
    assert MAX_BYTES < 50 * 1024 * 1024
    for name, words in (
        ("none.json", "no such file"),
        (".", "is a directory"),
        ("big.json", "50.0 MB, 20 MB"),
    ):
        ran = run("map", name)
        assert ran.code == 2
        assert ran.err.startswith(f"error: {name}: ")
        assert words in ran.err
        assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["map"], "Missing argument"),
        (["mpa", "x"], "No such command"),
        (["map", "x", "--tp"], "No such option"),
        (["map", "x", "--to", "nowhere"], "nowhere"),
    ],
)
def test_bad_use_is_one_line_and_2(arguments: list[str], words: str) -> None:
    ran = run(*arguments)
    assert ran.code == 2
    assert words in ran.err
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1


def test_an_rsx_invoice_is_not_mapped_but_checked(folder: Path) -> None:
    name = put(folder, "in.json", builders.invoice(2))
    ran = run("map", name)
    assert ran.code == 2
    assert "connector check" in ran.err
    assert run("check", name).code == 0


def test_help_lists_the_commands() -> None:
    ran = run("--help")
    assert ran.code == 0
    assert "map" in ran.out
    assert run().code == 0


# --- FreshBooks to SPS ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrap", [lambda i: i, lambda i: {"invoice": i}, lambda i: {"response": {"result": {"invoice": i}}}]
)
def test_a_freshbooks_invoice_is_mapped_with_its_order_to_a_valid_rsx_invoice(
    folder: Path, shared: Path, wrap: Any
) -> None:
    put(folder, "po.json", builders.order(2))
    ran = run("map", put(folder, "invoice.json", wrap(builders.fb_invoice(2))), "--order", "po.json")
    header = ran.json["Header"]["InvoiceHeader"]
    assert (header["TradingPartnerId"], header["InvoiceNumber"], header["PurchaseOrderNumber"]) == (
        PARTNER,
        "0000421",
        "0045001234",
    )
    assert ran.json["Summary"]["TotalAmount"] == 200
    jsonschema.validate(ran.json, json.loads((shared / "rsx/schema/Invoices.json").read_text()))


def test_a_freshbooks_bill_is_mapped(folder: Path, shared: Path) -> None:
    put(folder, "po.json", builders.order(2))
    ran = run("map", put(folder, "bill.json", builders.bill(2)), "--order", "po.json", "--to", "sps")
    assert ran.json["Header"]["InvoiceHeader"]["InvoiceTypeCode"] == "SELF"
    jsonschema.validate(ran.json, json.loads((shared / "rsx/schema/Invoices.json").read_text()))


def test_xml_is_written_where_the_option_or_the_pack_asks_for_it(folder: Path) -> None:
    put(folder, "po.json", builders.order(2))
    put(folder, "invoice.json", builders.fb_invoice(2))
    as_json = run("map", "invoice.json", "--order", "po.json").json
    put(folder, "pack.toml", f'trading_partner_id = "{PARTNER}"\nformat = "xml"'.encode())
    for asked in (["--format", "xml"], ["--partner", "pack.toml"]):
        written = run("map", "invoice.json", "--order", "po.json", *asked)
        assert written.code == 0
        [read] = read_documents(written.out.encode())
        assert isinstance(read, Read)
        assert read.raw == as_json
    refused = run("map", "po.json", "--format", "xml")
    assert (refused.code, refused.out) == (2, "")


def test_a_freshbooks_invoice_alone_does_not_say_which_partner_it_is_for(folder: Path) -> None:
    ran = run("map", put(folder, "invoice.json", builders.fb_invoice(2)))
    assert (ran.code, ran.out) == (2, "")
    assert "--partner" in ran.err


# --- check ----------------------------------------------------------------------------------------------


def test_check_foots_an_order(folder: Path) -> None:
    ran = run("check", put(folder, "po.json", builders.order(2, charges=[allowance(13.5)])))
    assert ran.code == 0
    assert "po.json: order 0045001234 of TESTALLSUPPLIER: 2 lines, comes to 186.50, states 186.50" in ran.out
    assert run("check", put(folder, "po.json", builders.order(summary={"TotalAmount": 19}))).code == 1


def test_check_foots_an_invoice_and_compares_it_with_its_order(folder: Path) -> None:
    put(folder, "po.json", builders.order(1))
    items = [
        builders.invoice_line(1, InvoiceQty=6, PurchasePrice=21.0, ExtendedItemTotal=126.0),
        builders.invoice_line(7),
    ]
    put(folder, "in.json", builders.invoice(items, summary={"TotalAmount": 225, "TotalLineItemNumber": 2}))
    ran = run("check", "in.json", "--order", "po.json", "--json")
    [entry] = ran.json["documents"]
    assert ran.code == 1
    assert entry["totals"] == {"computed": "226.00", "stated": "225.00"}  # 6 x 21 + 5 x 20
    assert [finding["code"] for finding in entry["findings"]] == [
        "total_differs",
        "more_than_ordered",
        "price_differs",
        "not_on_order",
    ]


def test_check_finds_codes_that_rsx_does_not_list(folder: Path) -> None:
    ran = run("check", put(folder, "po.json", builders.order([order_line(OrderQtyUOM="EACH")])), "--json")
    [finding] = ran.json["documents"][0]["findings"]
    assert (finding["code"], finding["place"]) == ("code_unlisted", "LineItem[0].OrderLine.OrderQtyUOM")


def test_check_knows_shipments_acknowledgements_and_freshbooks_records(folder: Path) -> None:
    assert run("check", put(folder, "asn.json", builders.shipment())).code == 0
    document = builders.order(AcknowledgementType="AD")
    document["LineItem"][0]["LineItemAcknowledgement"] = [{"ItemStatusCode": "IA"}]
    assert (
        run("check", put(folder, "ack.json", document), "--json").json["documents"][0]["kind"] == "order_ack"
    )
    put(folder, "po.json", builders.order(2))
    ran = run("check", put(folder, "fb.json", builders.fb_invoice(2)), "--order", "po.json", "--json")
    assert ran.json["documents"][0]["totals"] == {"computed": "200.00", "stated": "200.00"}


SAMPLES = {
    "PO584615-1-v7.7-BulkImport.json": 1,
    "PO584616-1-v7.7-DropShip.json": 1,
    "IN584615-1-v7.7-BulkImport.json": 1,
    "SH584615-1-v7.7-BulkImport.json": 0,
    "minimal/Order.json": 0,
    "minimal/Invoice.json": 0,
    "minimal/OrderAck.json": 0,
    "minimal/Shipment_outbound.json": 0,
}


@pytest.mark.parametrize(("name", "code"), SAMPLES.items())
def test_check_reads_the_official_samples(shared: Path, name: str, code: int) -> None:
    assert run("check", shared / "rsx/samples" / name).code == code


# --- as a process ---------------------------------------------------------------------------------------


def test_the_module_runs_without_colour_where_there_is_no_terminal(folder: Path) -> None:
    put(folder, "po.json", builders.order(summary={"TotalAmount": 19}))
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/connector'}",
        "PYTHONIOENCODING": "ascii",
    }
    done = subprocess.run(
        [sys.executable, "-m", "cli", "map", "po.json"], capture_output=True, env=environment, check=False
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["bill"]["bill_number"] == "0045001234"
    assert b"\x1b" not in done.stderr


def test_an_order_change_is_mapped_with_its_order_and_says_what_each_line_changes(folder: Path) -> None:
    put(folder, "po.json", builders.order())
    put(folder, "change.json", builders.order_change([builders.change_line(1, "QD", OrderQty=3)]))
    ran = run("map", "change.json", "--order", "po.json")
    assert ran.code == 0
    assert [line["quantity"] for line in ran.json["bill"]["lines"]] == [3, 5]
    assert "line 1 (V-1): quantity 5 -> 3, -40.00 USD" in ran.err
    told = run("map", "change.json", "--order", "po.json", "--explain", "--json").json["documents"][0]
    assert told["changes"]["effect"] == "-40.00"
    sources = {entry["field"]: entry["from"] for entry in told["explain"]}
    assert "change: LineItem[0].OrderLine.OrderQty" in sources["bill.lines[0].quantity"]
    assert "LineItem[0].OrderLine.PurchasePrice" in sources["bill.lines[0].unit_cost.amount"]


def test_an_order_change_without_its_order_is_bad_use_and_a_cancelling_one_cancels(folder: Path) -> None:
    put(folder, "change.json", builders.order_change([builders.change_line(1, "QD", OrderQty=3)]))
    ran = run("map", "change.json")
    assert (ran.code, ran.out) == (2, "")
    assert "--order" in ran.err
    put(folder, "cancel.json", builders.order_change(TsetPurposeCode="01"))
    put(folder, "po.json", builders.order())
    assert run("map", "cancel.json", "--order", "po.json").json == {"cancel": "bill"}


def test_an_order_for_information_makes_nothing_and_one_that_cancels_or_replaces_does_so(
    folder: Path,
) -> None:
    put(folder, "po.json", builders.order())
    copy = run("map", put(folder, "copy.json", builders.order(PrimaryPOTypeCode="IN")))
    assert (copy.code, copy.json, "for information only" in copy.err) == (0, {}, True)
    cancel = put(folder, "cancel.json", builders.order(TsetPurposeCode="01"))
    assert run("map", cancel, "--order", "po.json").json == {"cancel": "bill"}
    replacement = put(folder, "new.json", builders.order(1, TsetPurposeCode="05"))
    alone, with_order = run("map", replacement), run("map", replacement, "--order", "po.json")
    assert len(alone.json["bill"]["lines"]) == len(with_order.json["bill"]["lines"]) == 1
    assert (alone.err, "line 2 (V-2): deleted: quantity 5, unit EA, price 20.00" in with_order.err) == (
        "",
        True,
    )


def test_an_unclear_order_change_fails_with_the_reason(folder: Path) -> None:
    put(folder, "po.json", builders.order())
    put(folder, "change.json", builders.order_change([builders.change_line(1, "XX", OrderQty=3)]))
    ran = run("map", "change.json", "--order", "po.json")
    assert ran.code == 1
    assert "the code XX is unknown" in ran.err


def test_a_change_alone_is_checked_without_pricing_what_it_does_not_state(folder: Path) -> None:
    ran = run(
        "check",
        put(folder, "change.json", builders.order_change([builders.change_line(1, "QD", OrderQty=3)])),
    )
    assert ran.code == 0
    assert "order change 0045001234" in ran.out
