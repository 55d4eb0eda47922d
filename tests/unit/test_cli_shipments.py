"""`connector shipments` and `connector map` on uploads: exit codes, every mistake told, the whole way on a stack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connector.documents.upload_reading import read_uploads
from connector.ledger import DocumentKey, State
from tests import builders
from tests.stack_of_fakes import connector, stack_of
from tests.unit.test_inbound import PARTNER
from tests.unit.test_shipping import file, world


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(folder: Path, name: str, data: bytes) -> str:
    (folder / name).write_bytes(data)
    return name


def test_an_upload_is_sent_once_and_can_be_taken_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = put(folder, "today.csv", file(25, 15))
    with stack_of(monkeypatch, folder, world()) as stack:
        preview = connector("shipments", "upload", name, "--dry-run", "--json")
        assert preview.exit_code == 0
        assert json.loads(preview.stdout)["shipments"][0]["document"]["OrderLevel"][0]["PackLevel"]
        key = DocumentKey("acme", "out", PARTNER, "asn", "SH-1")
        assert stack.wiring.ledger.get(key) is None
        first = connector("shipments", "upload", name)
        assert (first.exit_code, "MAPPED" in first.stdout) == (0, True)
        again = connector("shipments", "upload", name, "--connection", "acme", "--json")
        told: Any = json.loads(again.stdout)["shipments"][0]
        assert (again.exit_code, told["state"]) == (0, "MAPPED")
        record = stack.wiring.ledger.get(key)
        assert record is not None
        assert record.source == "upload:today.csv"
        cancelled = connector("shipments", "cancel", "SH-1", "--reason", "wrong truck", "--json")
        assert json.loads(cancelled.stdout)["outcome"] == "cancelled"
        record = stack.wiring.ledger.get(key)
        assert record is not None
        assert (record.state, record.history[-1].note) == (State.CANCELLED, "wrong truck")


def test_a_notice_that_is_held_and_a_file_with_mistakes_have_exit_codes_of_their_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stack_of(monkeypatch, folder, world()):
        held = connector("shipments", "upload", put(folder, "many.csv", file(41)))
        assert (held.exit_code, "41 shipped, 40 ordered" in held.stderr) == (1, True)
        wrong = connector(
            "shipments", "upload", put(folder, "bad.csv", file(40) + b"\nSH-1,,,2,45,V-1,x\n,,,3,,,")
        )
        assert wrong.exit_code == 2
        assert "line 3, quantity" in wrong.stderr
        assert "line 4, purchase_order" in wrong.stderr
        assert "nothing of the file was taken in" in wrong.stderr
        nobody = connector("shipments", "cancel", "SH-9", "--reason", "x")
        assert (nobody.exit_code, nobody.stderr.count("\n")) == (2, 1)


def test_an_upload_is_mapped_offline_with_its_order(folder: Path) -> None:
    order = put(folder, "po.json", builders.as_bytes(builders.order(1)))
    data = file(5).replace(b"carton", b"sscc", 1).replace(b",RBTC,1,", b",RBTC,000777747600006920,")
    pack = put(
        folder,
        "pack.toml",
        f'trading_partner_id = "{builders.PARTNER}"\n[addresses.SF]\nAddressName = "Dock"\n'.encode(),
    )
    ran = connector(
        "map", put(folder, "ship.csv", data), "--order", order, "--partner", pack, "--explain", "--json"
    )
    assert ran.exit_code == 0
    [document] = json.loads(ran.stdout)["documents"]
    assert (document["kind"], document["number"]) == ("asn", "SH-1")
    rows = {row["field"]: row for row in document["explain"]}
    assert rows["OrderLevel[0].PackLevel[0].ItemLevel[0].ShipmentLine.ShipQty"]["from"] == [
        "upload.cartons[0].contents[0].quantity"
    ]
    assert all(row["rule"] for row in rows.values())
    alone = connector(
        "map", put(folder, "ship.json", read_uploads(data).uploads[0].model_dump_json().encode())
    )
    assert (alone.exit_code, "which trading partner" in alone.stderr) == (2, True)


def test_an_upload_mapped_offline_gets_sscc_that_are_said_to_be_examples(folder: Path) -> None:
    order = put(folder, "po.json", builders.as_bytes(builders.order(1)))
    text = f'trading_partner_id = "{builders.PARTNER}"\n[addresses.SF]\nAddressName = "Dock"\n'
    upload = put(folder, "ship.csv", file(5))
    without = connector("map", upload, "--order", order, "--partner", put(folder, "a.toml", text.encode()))
    assert (without.exit_code, "made by asn.gs1_prefix of the pack" in without.stderr) == (1, True)
    text += '[asn]\ngs1_prefix = "0614141"\n'
    ran = connector("map", upload, "--order", order, "--partner", put(folder, "b.toml", text.encode()))
    assert ran.exit_code == 0
    assert "the SSCCs are examples" in ran.stderr
    pack = json.loads(ran.stdout)["OrderLevel"][0]["PackLevel"][0]["Pack"]
    assert pack["ShippingSerialID"] == "00006141410000000005"


def test_the_form_is_written_once_and_can_be_uploaded(folder: Path) -> None:
    assert connector("shipments", "template", "form.csv").exit_code == 0
    assert read_uploads((folder / "form.csv").read_bytes()).problems == []
    assert connector("shipments", "template", "form.csv").exit_code == 2
    assert read_uploads(connector("shipments", "template").stdout.encode()).problems == []
    assert read_uploads(connector("shipments", "template", "--json").stdout.encode()).problems == []
