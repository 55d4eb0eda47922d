"""Whatever is packed is told, once, under its carton; and no upload breaks the reading or the mapping."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.documents.gs1 import check_digit_fits, make_sscc, serials, sscc_of
from connector.documents.order import Order
from connector.documents.upload import Upload
from connector.documents.upload_reading import COLUMNS, read_uploads
from connector.findings import Trace
from connector.mapping.conform import conform
from connector.mapping.upload_to_shipment import shipped_of_upload, upload_to_shipment
from connector.rules.packs import PartnerPack
from tests.outbound import PROFILE, assert_official, codes, has_schemas, order, order_line

UPLOADED = datetime(2026, 3, 10, 22, 15, tzinfo=UTC)
prefixes = st.integers(7, 10).flatmap(lambda n: st.text("0123456789", min_size=n, max_size=n))


@given(prefixes, st.data())
def test_made_ssccs_have_18_digits_fit_and_catch_every_mistyped_digit(
    prefix: str, data: st.DataObject
) -> None:
    serial = data.draw(st.integers(0, serials(prefix) - 1))
    sscc = make_sscc(prefix, serial, data.draw(st.sampled_from("0123456789")))
    assert len(sscc) == 18
    assert sscc[1 : 1 + len(prefix)] == prefix
    assert sscc_of(f"00{sscc}") == sscc
    place, other = data.draw(st.integers(0, 17)), data.draw(st.sampled_from("0123456789"))
    if other != sscc[place]:
        assert not check_digit_fits(sscc[:place] + other + sscc[place + 1 :])


@st.composite
def packings(draw: st.DrawFn) -> tuple[list[int], list[dict[int, int]], bool]:
    """Quantities of the order's lines, what each carton holds of them by line, and whether on a pallet."""
    ordered = draw(st.lists(st.integers(1, 60), min_size=1, max_size=5))
    left = list(ordered)
    cartons = []
    for _ in range(draw(st.integers(1, 6))):
        held = {}
        for line in range(len(ordered)):
            if left[line] and (quantity := draw(st.integers(0, left[line]))):
                held[line + 1] = quantity
                left[line] -= quantity
        if held:
            cartons.append(held)
    return ordered, cartons or [{1: ordered[0]}], draw(st.booleans())


@given(packings(), st.sampled_from(["pick_and_pack", "standard", "items"]))
def test_what_is_packed_is_what_the_notice_ships(
    packing: tuple[list[int], list[dict[int, int]], bool], structure: str
) -> None:
    ordered, held, on_pallet = packing
    cartons: list[dict[str, Any]] = [
        {
            "sscc": make_sscc("0614141", n),
            "contents": [
                {"purchase_order": "0045001234", "line": str(line), "quantity": quantity}
                for line, quantity in contents.items()
            ],
        }
        for n, contents in enumerate(held)
    ]
    fields: dict[str, Any] = {"shipment_id": "S", "ship_date": "2026-03-10", "scac": "RBTC"}
    fields |= (
        {"pallets": [{"sscc": make_sscc("0614141", 999), "cartons": cartons}]}
        if on_pallet
        else {"cartons": cartons}
    )
    upload = Upload.model_validate(fields)
    known = {"0045001234": order(*(order_line(str(n), q) for n, q in enumerate(ordered, 1)))}
    pack = PartnerPack.model_validate({"trading_partner_id": "SPSALLTESTID", "asn": {"structure": structure}})
    result = upload_to_shipment(upload, orders=known, pack=pack, profile=PROFILE, uploaded=UPLOADED)
    packed: Counter[str] = Counter()
    for contents in held:
        packed.update({str(line): quantity for line, quantity in contents.items()})
    told: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    levels = list(result.document["OrderLevel"])
    while levels:
        level = levels.pop()
        levels += level.get("PackLevel", []) + level.get("ItemLevel", [])
        if "ShipmentLine" in level:
            told[level["ShipmentLine"]["LineSequenceNumber"]] += level["ShipmentLine"]["ShipQty"]
        elif level.get("Pack", {}).get("PackLevelType") == "P":
            labels[level["Pack"]["ShippingSerialID"]] += 1
    assert told == packed
    assert shipped_of_upload(upload, known, pack) == {
        "0045001234": {k: Decimal(v) for k, v in packed.items()}
    }
    if structure == "pick_and_pack":
        assert labels == Counter(f"00{carton['sscc']}" for carton in cartons)
        assert not result.blocked
    totals = result.document["Header"]["QuantityTotals"][0]
    assert totals["Quantity"] == sum(packed.values())
    assert conform(result.document, "Shipment") == []
    if has_schemas():
        assert_official(result.document, "Shipment")


cells = st.one_of(
    st.sampled_from(["", "1", "45", "2026-03-10", "000777747600006920", "EA", "x", "=1+1"]),
    st.text(max_size=12),
)


@given(
    st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(COLUMNS, cells)), max_size=4),
    st.binary(max_size=60),
)
def test_no_file_breaks_the_reading(rows: list[dict[str, str]], noise: bytes) -> None:
    lines = [",".join(COLUMNS), *(",".join(row.get(column, "") for column in COLUMNS) for row in rows)]
    for data in (
        "\n".join(lines).encode(errors="replace"),
        noise,
        b"{" + noise,
        b"[" + noise,
        json.dumps(rows).encode(),
    ):
        read = read_uploads(data)
        assert read.uploads or read.problems


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**15), 10**15), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
GROUPS = (
    "Address",
    "References",
    "CarrierInformation",
    "FOBRelatedInstruction",
    "QuantityAndWeight",
    "Notes",
)
amounts = st.decimals("0.001", "999999999", places=3, allow_nan=False, allow_infinity=False)
dates = st.dates(date(2000, 1, 1), date(2099, 12, 31)).map(str)


@settings(max_examples=150)
@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(GROUPS, st.lists(anything, max_size=3))),
    st.lists(
        st.fixed_dictionaries(
            {
                "purchase_order": st.sampled_from(["P", "Q"]),
                "sku": st.sampled_from(["V-1", "X"]),
                "quantity": amounts,
            },
            optional={
                "uom": st.sampled_from(["EA", "CA", "LB"]),
                "lot": st.text("ab ", max_size=3),
                "expires": dates,
            },
        ),
        min_size=1,
        max_size=4,
    ),
    st.lists(st.tuples(st.sampled_from(["037", "038", "001", "063", "064", "002"]), dates), max_size=4),
    st.tuples(dates, st.none() | dates, st.sampled_from(["", "America/Chicago", "+14:00"])),
    st.sampled_from(["pick_and_pack", "standard", "items"]),
    st.one_of(st.none(), st.decimals("0.00001", "1E+20", allow_nan=False, allow_infinity=False)),
)
def test_whatever_the_models_admit_is_mapped_without_a_crash(
    groups: dict[str, Any],
    contents: list[dict[str, Any]],
    window: list[tuple[str, str]],
    when: tuple[str, str | None, str],
    structure: str,
    holds: Decimal | None,
) -> None:
    line = {"OrderLine": {"VendorPartNumber": "V-1", "OrderQty": 5, "OrderQtyUOM": "EA"}}
    header = {"OrderHeader": {"TradingPartnerId": "T", "PurchaseOrderNumber": "P"}}
    stated = [{"DateTimeQualifier": q, "Date": day} for q, day in window]
    ordered = Order.model_validate({"Header": header | {"Dates": stated} | groups, "LineItem": [line, line]})
    shipped, delivered, zone = when
    upload = Upload.model_validate(
        {"shipment_id": "S", "ship_date": shipped, "delivery_date": delivered, "time_zone": zone}
        | {"cartons": [{"contents": [content], "store": "7"} for content in contents]}
    )
    pack = PartnerPack.model_validate(
        {"trading_partner_id": "T", "asn": {"structure": structure}, "deadlines": {"asn": {"hours": 24}}}
        | ({"uom": {"CA": {"EA": holds}}} if holds is not None else {})
    )
    for known in ({}, {"P": ordered}, {"P": ordered, "Q": ordered}):
        result = upload_to_shipment(
            upload, orders=known, pack=pack, uploaded=UPLOADED, trace=(trace := Trace())
        )
        json.dumps(result.document, allow_nan=False)
        assert not {"unknown_element", "null", "wrong_type", "empty_element"} & set(codes(result.findings))
        assert all(source.rule != "mapped" for source in trace.values())
