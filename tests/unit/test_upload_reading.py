"""Shipment uploads as spreadsheets write them, and every mistake in one told at once."""

from __future__ import annotations

import json
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.documents.gs1 import check_digit, check_digit_fits, make_sscc, sscc_of
from connector.documents.upload import Upload
from connector.documents.upload_reading import COLUMNS, MAX_BYTES, read_uploads, template

CSV = """\
shipment_id,ship_date,scac,carton,sscc,po,line,qty,uom
SH-1,2026-03-10,RBTC,1,000777747600006920,0045001234,1,5,EA
SH-1,,,1,,0045001234,2,2.5,LB
SH-1,,,2,,0045001234,2,1.5,LB
"""


def one(text: str | bytes) -> Upload:
    read = read_uploads(text.encode() if isinstance(text, str) else text)
    assert read.problems == []
    [upload] = read.uploads
    return upload


def problems(text: str | bytes) -> list[tuple[str, str]]:
    read = read_uploads(text.encode() if isinstance(text, str) else text)
    return [(problem.place, problem.message) for problem in read.problems]


def test_rows_make_a_shipment_of_cartons() -> None:
    upload = one(CSV)
    assert (upload.shipment_id, upload.ship_date, upload.scac) == ("SH-1", date(2026, 3, 10), "RBTC")
    first, second = upload.cartons
    assert (first.sscc, second.sscc, second.carton) == ("000777747600006920", "", "2")
    assert [(c.purchase_order, c.line, c.quantity, c.uom) for c in first.contents] == [
        ("0045001234", "1", Decimal(5), "EA"),
        ("0045001234", "2", Decimal("2.5"), "LB"),
    ]


def rewritten(name: str) -> bytes:
    return {
        "bom": b"\xef\xbb\xbf" + CSV.encode(),
        "crlf": CSV.replace("\n", "\r\n").encode(),
        "semicolons and decimal commas": CSV.replace(",", ";")
        .replace("2.5", "2,5")
        .replace("1.5", "1,5")
        .encode(),
        "tabs": CSV.replace(",", "\t").encode(),
        "quotes": CSV.replace("0045001234", '"0045001234"').encode(),
        "spoken headers": CSV.replace("shipment_id,ship_date", "Shipment ID,Ship Date").encode(),
        "blank rows and columns": CSV.replace("uom\n", "uom,,\n").encode() + b"\n,,,,,,,,\n",
        "no end of line": CSV.rstrip().encode(),
    }[name]


@pytest.mark.parametrize(
    "name",
    [
        "bom",
        "crlf",
        "semicolons and decimal commas",
        "tabs",
        "quotes",
        "spoken headers",
        "blank rows and columns",
        "no end of line",
    ],
)
def test_the_same_shipment_however_the_spreadsheet_writes_it(name: str) -> None:
    assert one(rewritten(name)) == one(CSV)


def test_json_says_the_same_as_csv() -> None:
    upload = one(CSV)
    text = upload.model_dump_json(exclude_defaults=True)
    assert one(text) == one(f"[{text}]") == one(f'\ufeff{{"shipments": [{text}]}}') == upload


def test_the_template_is_itself_a_shipment_that_can_be_read() -> None:
    upload = one(template())
    assert upload.ship_time == time(14, 30)
    assert [len(carton.contents) for carton in upload.cartons] == [1, 1]


def test_pallets_hold_their_cartons_and_loose_ones_stand_beside_them() -> None:
    upload = one(
        "shipment_id,ship_date,pallet,pallet_sscc,carton,po,sku,qty\n"
        "S,2026-03-10,P1,000777747600006937,1,45,V-1,5\n"
        "S,,P1,,2,45,V-1,5\n"
        "S,,,,3,45,V-2,1\n"
    )
    [pallet] = upload.pallets
    assert (pallet.sscc, [carton.carton for carton in pallet.cartons]) == ("000777747600006937", ["1", "2"])
    assert [carton.carton for carton in upload.cartons] == ["3"]


def test_rows_without_any_carton_are_loose_items_and_several_shipments_share_a_file() -> None:
    read = read_uploads(b"shipment_id,ship_date,po,sku,qty\nA,2026-03-10,45,V-1,5\nB,2026-03-11,46,V-2,1\n")
    assert [(u.shipment_id, u.items[0].purchase_order, u.cartons) for u in read.uploads] == [
        ("A", "45", ()),
        ("B", "46", ()),
    ]


def test_every_mistake_is_told_at_once_with_its_line_and_column() -> None:
    found = problems(
        "shipment_id,ship_date,weight,sscc,po,line,qty\n"
        "S1,3/10/2026,1.5,000777747600006921,45,1,2\n"
        "S1,,9,000777747600006920,45,2,x\n"
        "S1,,,7.777476E+16,45,3,1\n"
        "S1,,,,45,4,1\n"
        "S1,,,000777747600006937,45,,1\n"
        "S1,,,000777747600006937,45,5,-1\n"
    )
    assert sorted(place for place, _ in found) == [
        "line 2, ship_date",
        "line 2, sscc",
        "line 3, quantity",
        "line 3, weight",
        "line 4, sscc",
        "line 5, carton",
        "line 6",
        "line 7, quantity",
    ]
    told = dict(found)
    assert "2026-03-10" in told["line 2, ship_date"]
    assert "check digit should be 0" in told["line 2, sscc"]
    assert "line 2 says '1.5'" in told["line 3, weight"]
    assert "line, sku or upc" in told["line 6"]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("shipment_id,ship_date,po,qty,colour\n", "line 1", "no column 'colour'"),
        ("shipment_id,ship_date,po\n", "line 1", "column quantity is missing"),
        ("shipment_id,ship_date,po,qty,po\n", "line 1", "twice"),
        ("shipment_id,ship_date,po,qty\n", "", "no shipment"),
        ('shipment_id,ship_date,po,qty\n"S', "line 2", "no CSV"),
        ("shipment_id,ship_date,po,line,qty\nS,2026-03-10,45,1,2,3\n", "line 2", "6 cells"),
        (
            "shipment_id,ship_date,time_zone,po,line,qty\nS,2026-03-10,Mars,45,1,2\n",
            "line 2, time_zone",
            "no time zone",
        ),
        (
            "shipment_id,ship_date,scac,po,line,qty\nS,2026-03-10,ups,45,1,2\n",
            "line 2, scac",
            "capital letters",
        ),
        ("shipment_id,ship_date,po,line,qty,uom\nS,2026-03-10,45,1,2,CASE\n", "line 2, uom", "RSX list"),
        ('{"shipment_id": "S", "ship_date": "2026-03-10", "colour": 1}', "colour", "no such field"),
        ('{"shipment_id": ', "line 1", "damaged JSON"),
        ("", "", "no shipment"),
        (b"\xff\xfes\0h\0", "", "UTF-8"),
        (b"PK\x03\x04\0\0", "", "no text"),
        (b"x" * (MAX_BYTES + 1), "", "more than 5 MB"),
    ],
)
def test_what_cannot_be_taken_says_where_and_why(text: str | bytes, place: str, words: str) -> None:
    found = problems(text)
    assert any(at == place and words in message for at, message in found), found


def test_one_id_for_two_shipments_and_one_sscc_for_two_cartons_are_refused() -> None:
    shipment = json.loads(one(CSV).model_dump_json(exclude_defaults=True))
    assert problems(json.dumps([shipment, shipment])) == [("", "shipment SH-1 is in the file twice")]
    carton: dict[str, Any] = {**shipment["cartons"][0], "carton": "9"}
    again = {**shipment, "cartons": [shipment["cartons"][0], carton]}
    assert problems(json.dumps(again)) == [("", "SSCC 000777747600006920 is there twice")]


def test_check_digits_are_those_of_gs1s_own_examples() -> None:
    assert check_digit("629104150021") == "3"
    assert make_sscc("0614141", 234567890, "1") == "106141412345678908"
    assert check_digit_fits("859563003863") is True
    assert check_digit_fits("859563003864") is False


def test_an_sscc_is_read_in_every_usual_writing() -> None:
    assert sscc_of("(00) 1 0614141 234567890 8") == sscc_of("106141412345678908") == "106141412345678908"
    with pytest.raises(ValueError, match="18 digits"):
        sscc_of("10614141234567890")
    with pytest.raises(ValueError, match="no serial number"):
        make_sscc("0614141000", 10**6)


def test_the_page_on_shipments_explains_every_column() -> None:
    page = (Path(__file__).parents[2] / "docs/shipments.md").read_text()
    assert [column for column in COLUMNS if f"`{column}`" not in page] == []
