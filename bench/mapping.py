# ruff: noqa: T201 - it prints its figures
"""How fast a document is mapped: bytes in, bytes out, beside plain dict code, glom and JSONata doing the same work.

Ratios within one run are what counts; documents per second depend on the machine.
"""

from __future__ import annotations

import gc
import json
import re
import time
from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any

import glom
import jsonata
from pydantic_core import to_json

from connector.documents.freshbooks import read_record
from connector.documents.order import Order
from connector.documents.reading import read_documents
from connector.mapping.invoice_to_rsx import invoice_to_rsx
from connector.mapping.order_to_bill import order_to_bill
from connector.rules.packs import PartnerPack
from tests import builders

PACK = PartnerPack(trading_partner_id="TESTALLSUPPLIER")
TODAY = date(2026, 3, 2)
SECONDS = 0.1
ROUNDS = 5
TURNS = 5
CENT = Decimal("0.01")
CURRENCY = re.compile("[A-Z]{3}")
BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")


def document(lines: int) -> bytes:
    """An order as full as SPS Commerce's own samples are, of so many lines."""
    items = []
    for n in range(1, lines + 1):
        groups = {
            "Dates": [{"DateTimeQualifier": "037", "Date": "2026-03-15"}],
            "PriceInformation": [{"PriceTypeIDCode": "RTL", "UnitPrice": 60.0}],
            "PhysicalDetails": [{"PackQualifier": "OU", "PackValue": 1, "PackSize": 1.0, "PackUOM": "EA"}],
            "References": [{"ReferenceQual": "MR", "ReferenceID": "MerchandiseTypeCode"}],
            "Notes": [{"NoteCode": "GEN", "Note": "Gift Message: Happy Birthday!"}],
        }
        codes = {"GTIN": f"{859563003000 + n:014}", "UPCCaseCode": f"{496099966000 + n}"}
        product = [{"PartNumberQual": "MG", "PartNumber": f"{9565000 + n}"}]
        items.append(builders.order_line(n, item=groups, ProductID=product, **codes))
    contact = {"ContactTypeCode": "IC", "ContactName": "Buyer", "PrimaryPhone": "555-010-9400"}
    header = {
        "Contacts": [contact],
        "FOBRelatedInstruction": [{"FOBPayCode": "CC", "FOBLocationQualifier": "DE"}],
        "CarrierInformation": [{"CarrierTransMethodCode": "M", "CarrierAlphaCode": "JBHT"}],
        "Notes": [{"NoteCode": "GEN", "Note": "For questions please contact your buyer"}],
    }
    discount = builders.allowance(13.5, AllowChrgPercentQual="6", AllowChrgPercent=5.0)
    return builders.as_bytes(builders.order(items, charges=[discount], header=header))


def mapped(data: bytes) -> bytes:
    """The connector: parse and validate, map, write."""
    result = order_to_bill(Order.model_validate_json(data), PACK, TODAY)
    return to_json(result.document)


def plain(data: bytes) -> bytes:
    """The same work by hand on dicts: every check that the connector makes, but no models.

    What these orders don't have is looked for and raises NotImplementedError.
    """
    order = json.loads(data, parse_float=Decimal)
    group = order["Header"]
    header = group["OrderHeader"]
    findings: list[str] = []
    currency = (header.get("BuyersCurrency") or "").strip().upper() or PACK.freshbooks.currency
    if not CURRENCY.fullmatch(currency):
        raise NotImplementedError
    number = header["PurchaseOrderNumber"]
    if header.get("ReleaseNumber") and header.get("PrimaryPOTypeCode") in ("BK", "RL"):
        number = f"{number}-{header['ReleaseNumber']}"
    try:
        issued = date.fromisoformat(header["PurchaseOrderDate"])
    except (KeyError, ValueError):
        raise NotImplementedError from None
    due_days = _due_days(group, findings)
    lines: list[dict[str, Any]] = []
    gross = net = Decimal("0.00")
    for index, item in enumerate(order["LineItem"]):
        line = item["OrderLine"]
        if line.get("BuyersCurrency") not in (None, currency):
            raise NotImplementedError
        count, cost, amount, folded = _priced(index, item, line, findings)
        gross += amount
        net += amount
        lines.append(_bill_line(_description(item, line, folded), count, cost, currency, findings))
        if item.get("ChargesAllowances"):
            raise NotImplementedError
    for charge in group.get("ChargesAllowances", ()):
        amount = _charged(charge)
        net += amount
        lines.append(_bill_line(_charge_text(charge), 1, amount, currency, findings))
    if group.get("Taxes") or any(item.get("Taxes") for item in order["LineItem"]):
        raise NotImplementedError
    summary = order.get("Summary", {})
    total = summary.get("TotalAmount")
    if total is not None and abs(total - net) > PACK.orders.total_tolerance:
        if abs(total - gross) > PACK.orders.total_tolerance:
            findings.append(f"the lines come to {net}, the order states {total}")
        else:
            findings.append(f"the stated total {gross} leaves out charges and allowances")
    if summary.get("TotalLineItemNumber", len(order["LineItem"])) != len(order["LineItem"]):
        findings.append("line count differs")
    if group.get("QuantityTotals"):
        raise NotImplementedError
    vendor = {
        "vendor_name": PACK.vendor_name,
        "account_number": header["TradingPartnerId"],
        "currency_code": currency,
        "language": PACK.freshbooks.language,
        "is_1099": False,
    }
    bill: dict[str, Any] = {}
    if PACK.freshbooks.vendor_id is not None:
        bill["vendorid"] = PACK.freshbooks.vendor_id
    bill["bill_number"] = number
    bill["issue_date"] = issued.isoformat()
    bill["due_offset_days"] = due_days
    bill["currency_code"] = currency
    bill["language"] = PACK.freshbooks.language
    bill["lines"] = lines
    return json.dumps({"bill_vendor": vendor, "bill": bill}).encode()


def _due_days(group: dict[str, Any], findings: list[str]) -> int:
    for terms in group.get("PaymentTerms", ()):
        days = terms.get("TermsNetDueDays")
        if days is not None:
            if isinstance(days, int) and 0 <= days <= 3650:
                return days
            findings.append("the net days of the terms make no sense")
        if terms.get("TermsNetDueDate") is not None:
            raise NotImplementedError
    return PACK.orders.due_days


def _priced(
    index: int, item: dict[str, Any], line: dict[str, Any], findings: list[str]
) -> tuple[int, Decimal, Decimal, str]:
    """(quantity, unit cost, amount, arithmetic in words) of a bill line."""
    if "OrderQty" not in line or "PurchasePrice" not in line or item.get("QuantitiesSchedulesLocations"):
        raise NotImplementedError
    if isinstance(line["OrderQty"], str) or isinstance(line["PurchasePrice"], str):
        raise NotImplementedError
    quantity, price = Decimal(line["OrderQty"]), Decimal(line["PurchasePrice"])
    if quantity.adjusted() > 12 or price.adjusted() > 12:
        raise NotImplementedError
    if line.get("PurchasePriceBasis") not in (None, "PE", "UM"):
        raise NotImplementedError
    amount = (quantity * price).quantize(CENT, ROUND_HALF_UP) or Decimal("0.00")
    if line.get("ExtendedItemTotal") not in (None, amount):
        findings.append(f"LineItem[{index}]: quantity x price is {amount}")
    count, cost = int(quantity), price.quantize(CENT)
    if count > 0 and count == quantity and cost == price:
        return count, cost, amount, ""
    return 1, amount, amount, f"{quantity.normalize():f} {line.get('OrderQtyUOM', '')} @ {price:.2f}"


def _description(item: dict[str, Any], line: dict[str, Any], folded: str) -> str:
    texts = []
    if line.get("VendorPartNumber"):
        texts.append(f"VN {line['VendorPartNumber']}")
    if line.get("BuyerPartNumber"):
        texts.append(f"BP {line['BuyerPartNumber']}")
    if line.get("ConsumerPackageCode"):
        texts.append(f"UPC {line['ConsumerPackageCode']}")
    elif line.get("GTIN") or line.get("EAN"):
        texts.append(f"GTIN {line.get('GTIN') or line.get('EAN')}")
    if folded:
        texts.append(folded)
    for described in item.get("ProductOrItemDescription", ()):
        if described.get("ProductDescription") and described.get("ProductCharacteristicCode") in ("08", None):
            texts.append(described["ProductDescription"])
            break
    if line.get("ProductColorDescription") or line.get("ProductSizeDescription"):
        raise NotImplementedError
    return " / ".join(texts)


def _bill_line(text: str, count: int, cost: Decimal, currency: str, findings: list[str]) -> dict[str, Any]:
    if not text.isascii():
        text = BEYOND_BMP.sub("\ufffd", text)
    if len(text) > 500:
        text = f"{text[:499]}…"
        findings.append("the description is cut")
    line: dict[str, Any] = {}
    if PACK.freshbooks.category_id is not None:
        line["categoryid"] = PACK.freshbooks.category_id
    line["description"] = text
    line["quantity"] = count
    line["unit_cost"] = {"amount": str(cost), "code": currency}
    return line


def _charged(charge: dict[str, Any]) -> Decimal:
    if charge.get("AllowChrgIndicator") not in ("A", "C") or "AllowChrgAmt" not in charge:
        raise NotImplementedError
    if charge.get("AllowChrgHandlingCode") not in (None, "02", "06"):
        raise NotImplementedError
    amount = Decimal(charge["AllowChrgAmt"])
    if amount.adjusted() > 12:
        raise NotImplementedError
    amount = amount.quantize(CENT, ROUND_HALF_UP)
    return -abs(amount) if charge["AllowChrgIndicator"] == "A" else amount


def _charge_text(charge: dict[str, Any]) -> str:
    kind = "Allowance" if charge["AllowChrgIndicator"] == "A" else "Charge"
    name = charge.get("AllowChrgHandlingDescription")
    if not name:
        raise NotImplementedError
    text = " ".join(part for part in (kind, charge.get("AllowChrgCode"), name) if part)
    percent = charge.get("AllowChrgPercent")
    return text if percent is None else f"{text} {Decimal(percent).normalize():f}%"


JSONATA = jsonata.Jsonata(
    """(
    $currency := $exists(Header.OrderHeader.BuyersCurrency) ? Header.OrderHeader.BuyersCurrency : "USD";
    $cents := function($n) { $formatNumber($n, "0.00") };
    $net := Header.PaymentTerms[$exists(TermsNetDueDays)][0].TermsNetDueDays;
    {
      "bill_vendor": {
        "vendor_name": Header.OrderHeader.TradingPartnerId,
        "account_number": Header.OrderHeader.TradingPartnerId,
        "currency_code": $currency, "language": "en", "is_1099": false
      },
      "bill": {
        "bill_number": Header.OrderHeader.PurchaseOrderNumber,
        "issue_date": Header.OrderHeader.PurchaseOrderDate,
        "due_offset_days": $exists($net) ? $net : 30,
        "currency_code": $currency, "language": "en",
        "lines": $append(
          LineItem.{
            "description": $join([
              "VN " & OrderLine.VendorPartNumber, "BP " & OrderLine.BuyerPartNumber,
              "UPC " & OrderLine.ConsumerPackageCode,
              ProductOrItemDescription[ProductCharacteristicCode = "08"][0].ProductDescription], " / "),
            "quantity": OrderLine.OrderQty,
            "unit_cost": {"amount": $cents(OrderLine.PurchasePrice), "code": $currency}
          },
          Header.ChargesAllowances.{
            "description": (AllowChrgIndicator = "A" ? "Allowance " : "Charge ") & AllowChrgCode & " " &
              AllowChrgHandlingDescription & ($exists(AllowChrgPercent) ? " " & $string(AllowChrgPercent) & "%" : ""),
            "quantity": 1,
            "unit_cost": {
              "amount": $cents(AllowChrgIndicator = "A" ? -AllowChrgAmt : AllowChrgAmt), "code": $currency}
          })
      }
    })"""
)


def with_jsonata(data: bytes) -> bytes:
    return json.dumps(JSONATA.evaluate(json.loads(data))).encode()


def _charge_of(charge: dict[str, Any]) -> str:
    kind = "Allowance" if charge["AllowChrgIndicator"] == "A" else "Charge"
    percent = f" {charge['AllowChrgPercent']:g}%" if "AllowChrgPercent" in charge else ""
    return f"{kind} {charge['AllowChrgCode']} {charge['AllowChrgHandlingDescription']}{percent}"


def _signed(charge: dict[str, Any]) -> str:
    return f"{-charge['AllowChrgAmt'] if charge['AllowChrgIndicator'] == 'A' else charge['AllowChrgAmt']:.2f}"


GLOM_LINE = {
    "description": (
        {
            "VN ": "OrderLine.VendorPartNumber",
            "BP ": "OrderLine.BuyerPartNumber",
            "UPC ": "OrderLine.ConsumerPackageCode",
            "": (
                "ProductOrItemDescription",
                [glom.Check("ProductCharacteristicCode", equal_to="08", default=glom.SKIP)],
                "0.ProductDescription",
            ),
        },
        lambda texts: " / ".join(kind + text for kind, text in texts.items()),
    ),
    "quantity": "OrderLine.OrderQty",
    "unit_cost": {"amount": ("OrderLine.PurchasePrice", "{:.2f}".format), "code": glom.S.currency},
}
GLOM = (
    glom.S(currency=glom.Coalesce("Header.OrderHeader.BuyersCurrency", default="USD")),
    {
        "bill_vendor": {
            "vendor_name": "Header.OrderHeader.TradingPartnerId",
            "account_number": "Header.OrderHeader.TradingPartnerId",
            "currency_code": glom.S.currency,
            "language": glom.Val("en"),
            "is_1099": glom.Val(False),
        },
        "bill": {
            "bill_number": "Header.OrderHeader.PurchaseOrderNumber",
            "issue_date": "Header.OrderHeader.PurchaseOrderDate",
            "due_offset_days": glom.Coalesce(
                ("Header.PaymentTerms", [glom.Coalesce("TermsNetDueDays", default=glom.SKIP)], glom.T[0]),
                default=30,
            ),
            "currency_code": glom.S.currency,
            "language": glom.Val("en"),
            "lines": (
                {
                    "items": ("LineItem", [GLOM_LINE]),
                    "charges": (
                        "Header.ChargesAllowances",
                        [
                            {
                                "description": _charge_of,
                                "quantity": glom.Val(1),
                                "unit_cost": {"amount": _signed, "code": glom.S.currency},
                            }
                        ],
                    ),
                },
                lambda both: both["items"] + both["charges"],
            ),
        },
    },
)


def with_glom(data: bytes) -> bytes:
    return json.dumps(glom.glom(json.loads(data), GLOM)).encode()


def invoiced(data: bytes, order: Order) -> bytes:
    _, [record] = read_record(data)
    return json.dumps(invoice_to_rsx(record, order=order, pack=PACK).document).encode()  # type: ignore[arg-type]


def rate(function: Callable[[], object]) -> float:
    """Runs per second: the best of several rounds, collector off, as the least disturbed one."""
    function()
    best = 0.0
    gc.collect()
    gc.disable()
    try:
        for _ in range(ROUNDS):
            done, started = 0, time.perf_counter()
            while (elapsed := time.perf_counter() - started) < SECONDS / ROUNDS:
                function()
                done += 1
            best = max(best, done / elapsed)
    finally:
        gc.enable()
    return best


def rates_of(functions: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Each function's rate, measured in turns, so that a busy moment of the machine hits all of them."""
    best = dict.fromkeys(functions, 0.0)
    for _ in range(TURNS):
        for name, function in functions.items():
            best[name] = max(best[name], rate(function))
    return best


def run() -> dict[str, float]:
    figures: dict[str, float] = {}
    print("documents per second, bytes in to bytes out (1.00 = plain dict code)")
    for count in (10, 100):
        data = document(count)
        expected = json.loads(plain(data))
        for other in (mapped, with_jsonata, with_glom):
            if json.loads(other(data)) != expected:
                raise SystemExit(f"{other.__name__} and the plain code differ")
        order = Order.model_validate_json(data)
        record = builders.as_bytes(builders.fb_invoice(lines=count))
        rates = rates_of(
            {
                "plain dict": partial(plain, data),
                "connector": partial(mapped, data),
                "jsonata": partial(with_jsonata, data),
                "glom": partial(with_glom, data),
                "read_documents": partial(read_documents, data),
                "invoice to RSX": partial(invoiced, record, order),
            }
        )
        for name, value in rates.items():
            ratio = value / rates["plain dict"]
            print(f"  {count:3} lines  {name:15} {value:9,.0f}  {ratio:5.2f}")
            figures[f"{name.replace(' ', '_')}_{count}"] = round(value, 1)
        figures[f"order_to_plain_{count}"] = round(rates["connector"] / rates["plain dict"], 3)
        figures[f"order_to_glom_{count}"] = round(rates["connector"] / rates["glom"], 1)
        figures[f"order_to_jsonata_{count}"] = round(rates["connector"] / rates["jsonata"], 1)
    for name, key in (("order", "connector"), ("invoice", "invoice_to_RSX")):
        figures[f"{name}_line_100_to_10"] = round(figures[f"{key}_10"] / figures[f"{key}_100"] / 10, 3)
        print(f"  time per line at 100 lines to that at 10, {name}: {figures[f'{name}_line_100_to_10']:.2f}")
    return figures
