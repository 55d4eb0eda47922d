"""The rules before sending: each says no to what it is there for, and nothing to what is right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cli.rules import page
from connector.documents.order import Order
from connector.findings import Finding
from connector.ledger import State
from connector.mapping.invoice_to_rsx import invoice_to_rsx
from connector.rules.checks import RULES, check
from connector.rules.open_quantities import open_lines
from connector.rules.packs import PartnerPack
from connector.rules.rule import Case, elements
from tests.outbound import PROFILE, fb_line, invoice, order, order_line
from tests.unit import test_outbound as outbound
from tests.unit.test_open_quantities import part

ROOT = Path(__file__).parents[2]
GOOD = [fb_line("V-1", "5", "20.00", "100.00")]


def pack_with(**settings: Any) -> PartnerPack:
    return PartnerPack.model_validate({"trading_partner_id": "SPSALLTESTID", **settings})


def findings(
    rows: list[dict[str, Any]] | None = None,
    total: str = "100.00",
    *,
    ordered: Order | None = None,
    pack: PartnerPack | None = None,
    kind: str = "invoice",
    fulfilment: dict[str, Any] | None = None,
    cancelled: bool = False,
    change: Any = None,
    **fields: Any,
) -> list[Finding]:
    """What the rules say to an invoice of 5 V-1 at 20.00; `change` edits the RSX document before they look."""
    pack, ordered = pack or pack_with(), ordered or order()
    mapped = invoice_to_rsx(
        invoice(GOOD if rows is None else rows, total, **fields), order=ordered, pack=pack, profile=PROFILE
    )
    document = mapped.document
    if change is not None:
        change(document)
    open_ = open_lines(ordered, fulfilment or {}, cancelled=cancelled)
    return check(Case(kind, document, pack, ordered, open_), mapped.findings)


def told(*arguments: Any, **keywords: Any) -> dict[str, str]:
    return {finding.code: finding.severity for finding in findings(*arguments, **keywords)}


def line(document: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = document["LineItem"][0]["InvoiceLine"]
    return fields


def test_an_invoice_that_is_right_breaks_no_rule() -> None:
    assert findings() == []


# --- money --------------------------------------------------------------------------------------------


def test_a_total_that_its_parts_do_not_come_to_is_stopped() -> None:
    def charged(document: dict[str, Any]) -> None:
        document["Header"]["ChargesAllowances"] = [
            {"AllowChrgIndicator": "C", "AllowChrgAmt": 12.5, "Taxes": [{"TaxAmount": 0.5}]},
            {"AllowChrgIndicator": "A", "AllowChrgAmt": 3},
        ]
        document["LineItem"][0]["Taxes"] = [{"TaxAmount": 8.25}]
        document["Summary"]["TotalAmount"] = 118.25  # 100 + 12.50 + 0.50 - 3 + 8.25

    assert findings(change=charged) == []

    def wrong(document: dict[str, Any]) -> None:
        charged(document)
        document["Summary"]["TotalAmount"] = 118.27

    [finding] = findings(change=wrong)
    assert (finding.code, finding.severity, finding.place) == (
        "total_differs",
        "error",
        "Summary.TotalAmount",
    )
    assert "118.25" in finding.message
    assert findings(change=wrong, pack=pack_with(tolerances={"total": "0.02"})) == []


def test_a_firm_rule_cannot_be_turned_off() -> None:
    pack = pack_with(rules={"line_count": "off"})
    assert told(pack=pack, change=lambda d: d["Summary"].update(TotalLineItemNumber=2)) == {
        "line_count": "error"
    }


def test_a_free_line_is_remarked_and_an_error_where_the_partner_forbids_it() -> None:
    free = [*GOOD, fb_line("V-2", "1", "0.00", "0.00")]
    ordered = order(order_line("1"), order_line("2", 1, 0.0))
    assert told(free, ordered=ordered) == {"zero_line": "warning"}
    assert told(free, ordered=ordered, pack=pack_with(rules={"zero_line": "error"})) == {"zero_line": "error"}


# --- against the order --------------------------------------------------------------------------------


def test_another_price_than_the_orders_is_stopped_beyond_the_tolerance() -> None:
    dear = [fb_line("V-1", "5", "20.40", "102.00")]
    [finding] = findings(dear, "102.00")
    assert (finding.code, finding.severity) == ("price_differs", "error")
    assert "2.00 USD more in all" in finding.message
    assert findings(dear, "102.00", pack=pack_with(tolerances={"price": "2"})) == []
    assert told(dear, "102.00", pack=pack_with(tolerances={"price": "1.9"})) == {"price_differs": "error"}
    assert findings(dear, "102.00", pack=pack_with(rules={"price_differs": "off"})) == []


def test_half_a_cent_that_freshbooks_cannot_keep_is_only_remarked() -> None:
    ordered = order(order_line("1", 100, 12.355, PurchasePriceBasis="HP"))  # 0.12355 each
    assert told([fb_line("V-1", "100", "0.12", "12.00")], "12.00", ordered=ordered) == {
        "price_rounded": "warning"
    }
    assert told([fb_line("V-1", "100", "0.11", "11.00")], "11.00", ordered=ordered) == {
        "price_differs": "error"
    }


def test_a_price_in_cents_where_the_order_has_four_places_is_the_orders() -> None:
    ordered = order(order_line("1", 5, 20.0014))
    assert findings(ordered=ordered) == []


def test_a_price_per_dozen_is_compared_by_the_piece() -> None:
    ordered = order(order_line("1", 24, 24.0, PurchasePriceBasis="PD"))
    assert told([fb_line("V-1", "24", "2.00", "48.00")], "48.00", ordered=ordered) == {}
    assert told([fb_line("V-1", "24", "2.10", "50.40")], "50.40", ordered=ordered) == {
        "price_differs": "error"
    }


def test_a_unit_that_the_pack_cannot_convert_is_stopped() -> None:
    def by_the_case(document: dict[str, Any]) -> None:
        line(document)["InvoiceQtyUOM"] = "CA"

    assert told(change=by_the_case) == {"unit_differs": "error"}
    pack = pack_with(uom={"CA": {"EA": "12"}})
    assert told(change=by_the_case, pack=pack) == {
        "price_differs": "error",
        "over_invoiced": "error",
    }  # 60 ordered 5


def test_a_line_that_counts_pieces_is_sent_in_the_orders_cases() -> None:
    pack = pack_with(uom={"CA": {"EA": "12"}})
    ordered = order(order_line("1", 10, 12.6, OrderQtyUOM="CA"))
    pieces = invoice([fb_line("V-1", "120", "1.05", "126.00")], "126.00")
    mapped = invoice_to_rsx(pieces, order=ordered, pack=pack, profile=PROFILE)
    sent = line(mapped.document)
    assert (sent["InvoiceQty"], sent["InvoiceQtyUOM"], sent["PurchasePrice"]) == (10, "CA", 12.6)
    assert (sent["ShipQty"], sent["ExtendedItemTotal"]) == (10, 126)
    assert [finding.code for finding in mapped.findings] == ["unit_converted"]
    assert told([fb_line("V-1", "132", "1.05", "138.60")], "138.60", ordered=ordered, pack=pack) == {
        "unit_converted": "info",
        "over_invoiced": "error",
    }


def test_a_line_that_counts_cases_is_sent_in_the_orders_pieces() -> None:
    pack = pack_with(uom={"CA": {"EA": "12"}})
    ordered = order(order_line("1", 24, 1.05))
    mapped = invoice_to_rsx(
        invoice([fb_line("V-1", "2", "12.60", "25.20")], "25.20"), order=ordered, pack=pack, profile=PROFILE
    )
    sent = line(mapped.document)
    assert (sent["InvoiceQty"], sent["InvoiceQtyUOM"], sent["PurchasePrice"]) == (24, "EA", 1.05)


def test_a_quantity_that_does_not_divide_stays_as_it_is_and_is_stopped() -> None:
    pack = pack_with(uom={"CA": {"EA": "7"}})
    ordered = order(order_line("1", 10, 7.35, OrderQtyUOM="CA"))
    assert "price_differs" in told(
        [fb_line("V-1", "10", "1.05", "10.50")], "10.50", ordered=ordered, pack=pack
    )


def test_more_than_is_open_or_was_acknowledged_is_told() -> None:
    partly = {"invoice/1": {"lines": {"1": "3"}}, "credit/2": {"lines": {"1": "2"}}}  # 5 - 3 + 2 open
    assert told([fb_line("V-1", "4", "20.00", "80.00")], "80.00", fulfilment=partly) == {}
    assert told(fulfilment=partly) == {"over_invoiced": "error"}
    less = {"ack/PO": {"lines": {"1": "4"}}}
    assert told(fulfilment=less) == {"over_acknowledged": "warning"}


def test_of_a_cancelled_order_no_more_is_invoiced_than_was_shipped() -> None:
    assert told(cancelled=True) == {"order_cancelled": "error"}
    assert told(cancelled=True, fulfilment={"asn/S1": {"lines": {"1": "4"}}}) == {"order_cancelled": "error"}
    assert told(cancelled=True, fulfilment={"asn/S1": {"lines": {"1": "5"}}}) == {}


def test_an_invoice_dated_before_its_order_is_stopped() -> None:
    assert told(create_date="2026-03-01") == {"dated_before_order": "error"}
    assert "dated_before_order" not in told(create_date="2026-03-02")


def test_a_line_that_is_not_on_the_order_may_pass_where_the_pack_says_so() -> None:
    rows = [*GOOD, fb_line("Engraving", "1", "5.00", "5.00")]
    assert told(rows, "105.00") == {"line_not_on_order": "error"}
    lenient = pack_with(rules={"line_not_on_order": "warning"})
    assert told(rows, "105.00", pack=lenient) == {"line_not_on_order": "warning"}


# --- numbers and names --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "held"),
    [
        ({}, False),
        ({"number_pattern": r"\d{7}"}, False),
        ({"number_pattern": r"[A-Z]+"}, True),
        ({"number_max": 6}, True),
    ],
)
def test_a_number_has_the_form_that_the_partner_wants(settings: dict[str, Any], held: bool) -> None:
    assert (told(pack=pack_with(invoices=settings)) == {"number_form": "error"}) is held


def test_what_the_partner_needs_is_named_with_its_place() -> None:
    wanted = [
        "Header.InvoiceHeader.Department",
        "LineItem.InvoiceLine.GTIN",
        "Header.Address[ST].AddressName",
    ]
    [finding] = findings(pack=pack_with(required={"invoice": wanted}))
    assert (finding.code, finding.severity) == ("required_missing", "error")
    assert finding.place == "LineItem[0].InvoiceLine.GTIN"


def test_a_path_names_every_element_of_a_list_or_those_of_a_kind() -> None:
    document = {"A": [{"T": "ST", "N": 1}, {"T": "BT"}], "B": {"C": 2}}
    assert list(elements(document, "A.N")) == [("A[0].N", 1), ("A[1].N", None)]
    assert list(elements(document, "A[ST].N")) == [("A[0].N", 1)]
    assert list(elements(document, "A[SF].N")) == [("A[SF].N", None)]
    assert list(elements(document, "B.C")) == [("B.C", 2)]
    assert list(elements(document, "X.Y")) == [("X.Y", None)]


def test_a_credit_names_its_invoice_and_has_positive_numbers() -> None:
    def credit(document: dict[str, Any]) -> None:
        document["Header"]["InvoiceHeader"]["InvoiceTypeCode"] = "CR"
        document["Header"]["References"] = [{"ReferenceQual": "INV", "ReferenceID": "1"}]

    invoiced = {"invoice/1": {"lines": {"1": "5"}}}
    assert told(kind="credit", change=credit, fulfilment=invoiced) == {}
    assert told(kind="credit", change=credit) == {"over_credited": "warning"}

    def negative(document: dict[str, Any]) -> None:
        credit(document)
        document["Header"]["References"] = []
        line(document)["InvoiceQty"] = -5

    remarks = [
        one.message for one in findings(kind="credit", change=negative) if one.code == "credit_incomplete"
    ]
    assert len(remarks) == 2


def test_a_cancellation_is_not_judged_again() -> None:
    def cancelled(document: dict[str, Any]) -> None:
        document["Header"]["InvoiceHeader"]["TsetPurposeCode"] = "01"
        document["Summary"]["TotalLineItemNumber"] = 7

    assert findings(change=cancelled) == []


# --- with the ledger ----------------------------------------------------------------------------------


def test_an_invoice_number_that_another_record_used_is_stopped() -> None:
    fake = outbound.world()
    fake.freshbooks.invoices[101] = part("101", "10", "25.00")
    outbound.told(fake, object_id=101)
    later = {"id": 102, "invoiceid": 102, "version": "2026-03-12 08:00:00.000000"}
    fake.freshbooks.invoices[102] = part("101", "9", "22.50", **later)
    outbound.told(fake, object_id=102)
    held = outbound.stored(fake, "101 (invoice 102)")
    assert (held.state, held.reason["code"]) == (State.HELD, "number_reused")
    assert outbound.stored(fake, "101").state is State.DELIVERED
    assert "invoice 101" in held.reason["message"]
    assert len(fake.sps.uploads) == 1


# --- the catalogue ------------------------------------------------------------------------------------


def test_the_page_of_rules_is_made_of_the_code() -> None:
    assert (ROOT / "docs/rules.md").read_text() == "\n".join(page()) + "\n"


def test_every_rule_says_what_it_is_there_for() -> None:
    for rule in RULES.values():
        assert re.fullmatch(r"[a-z_]+", rule.id)
        assert rule.text and rule.protects and rule.fix and rule.documents  # noqa: PT018


def test_every_rule_that_a_mapping_finds_is_found_by_one() -> None:
    sources = (ROOT / "layers/connector/connector/mapping").rglob("*.py")
    text = "\n".join(source.read_text() for source in sources)
    missing = [rule.id for rule in RULES.values() if rule.check is None and f'"{rule.id}"' not in text]
    assert missing == []
