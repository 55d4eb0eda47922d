"""The evidence pack of an order: whole, readable, the same bytes every time, and nobody else's business in it."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from connector import errors
from connector.rules.packs import PartnerPack
from connector.usecases.evidence import evidence
from connector.usecases.replaying import replay
from tests.fakes import FakeWorld
from tests.stack_of_fakes import connector, stack_of
from tests.unit import test_inbound as inbound
from tests.unit import test_outbound as outbound
from tests.unit.test_exporting import INVOICE, ORDER
from tests.unit.test_inbound import PARTNER

PO = ORDER.number


def traded() -> FakeWorld:
    """The order in one file with somebody else's, shipped, invoiced, and the invoice sent again."""
    fake = FakeWorld()
    fake.set_up(PartnerPack(trading_partner_id=PARTNER, name="Example <Retail> & Co"))
    inbound.put(fake, "out/1.json", [inbound.order("FOREIGN-77"), inbound.order()])
    inbound.put(fake, "out/2.json", inbound.shipment(quantity=40))
    inbound.run(fake)
    fake.freshbooks.invoices[987654] = outbound.invoice()
    outbound.told(fake)
    replay(fake.world, INVOICE, who="a person", force=True, reason="they <lost> it")
    outbound.drain(fake)
    return fake


def pack(fake: FakeWorld) -> dict[str, bytes]:
    return {name: b"".join(parts) for name, parts in evidence(fake.world, PO)}


def index_of(files: dict[str, bytes]) -> dict[str, Any]:
    index: dict[str, Any] = json.loads(files["index.json"])
    return index


def test_every_document_is_in_it_as_received_mapped_sent_and_answered() -> None:
    files = pack(traded())
    index = index_of(files)
    assert [(one["type"], one["number"]) for one in index["documents"]] == [
        ("order", PO),
        ("shipment", "S1"),
        ("invoice", "0000421"),
    ]
    order, _, invoice = index["documents"]
    assert [(one["revision"], one["stage"]) for one in order["payloads"]] == [
        (1, "received"),
        (1, "mapped"),
        (1, "sent"),
        (1, "answer"),
    ]
    stages = [(one["revision"], one["stage"]) for one in invoice["payloads"]]
    assert stages == [(n, stage) for n in (1, 2) for stage in ("received", "mapped", "sent")]
    purposes = [
        json.loads(files[one["file"]])["Header"]["InvoiceHeader"]["TsetPurposeCode"]
        for one in invoice["payloads"]
        if one["stage"] == "sent"
    ]
    assert purposes == ["00", "05"]
    assert index["lines"][0] | {"description": ""} == {
        "line": "1",
        "part": "V-1",
        "description": "",
        "uom": "EA",
        "price": "2.50",
        "ordered": "40",
        "shipped": "40",
        "invoiced": "40",
    }


def test_the_index_has_the_digest_of_every_other_file() -> None:
    files = pack(traded())
    digests = {name: hashlib.sha256(body).hexdigest() for name, body in files.items()}
    assert index_of(files)["files"] == {
        name: digest for name, digest in digests.items() if not name.startswith("index.")
    }


def test_the_same_ledger_makes_the_same_bytes() -> None:
    fake = traded()
    before = pack(fake)
    fake.clock.pass_(86_400)
    assert pack(fake) == before


def test_other_orders_of_the_same_file_are_not_in_it() -> None:
    files = pack(traded())
    assert [name for name, body in files.items() if b"FOREIGN-77" in body] == []
    received = index_of(files)["documents"][0]["payloads"][0]
    assert received["note"] == "document 2 of 2 of the file as received"
    assert json.loads(files[received["file"]]) == inbound.order()


def test_a_history_that_was_changed_is_said_to_be() -> None:
    fake = traded()
    assert index_of(pack(fake))["histories_intact"]
    record = fake.ledger.records[ORDER]
    forged = (replace(record.history[0], note="nothing to see"), *record.history[1:])
    fake.ledger.records[ORDER] = replace(record, history=forged)
    files = pack(fake)
    assert index_of(files)["documents"][0]["history_broken_at"] == 1
    assert "Its history was changed at line 1" in files["index.html"].decode()


def test_a_payload_whose_retention_is_over_is_named_and_the_rest_is_there() -> None:
    fake = traded()
    del fake.archive.objects["acme", fake.ledger.records[INVOICE].payloads["received"]]
    files = pack(fake)
    gone = [one for one in index_of(files)["documents"][2]["payloads"] if "file" not in one]
    assert [(one["revision"], one["stage"], one["note"]) for one in gone] == [
        (1, "received", "its retention is over"),
        (2, "received", "its retention is over"),
    ]


def test_nothing_of_other_orders_is_read() -> None:
    fake = traded()
    inbound.put(fake, "out/8.json", inbound.order("8"))
    inbound.run(fake)
    fake.freshbooks.invoices[8] = outbound.invoice("INV-8", po_number="8") | {"id": 8, "invoiceid": 8}
    outbound.told(fake, object_id=8)
    theirs = fake.ledger.records[INVOICE._replace(number="INV-8")].payloads
    read: list[str] = []
    get = fake.archive.get
    fake.archive.get = lambda connection, pointer: (read.append(pointer), get(connection, pointer))[1]  # type: ignore[method-assign]
    pack(fake)
    assert read
    assert not set(read) & set(theirs.values())


class Page(HTMLParser):
    """What a browser would see: tags and attributes, and the text in between."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_readable_without_scripts_and_its_links_lead_into_the_pack() -> None:
    files = pack(traded())
    page = Page()
    page.feed(files["index.html"].decode())
    assert not {"script", "img", "link", "iframe", "retail", "lost"} & set(page.tags)
    assert not {name for name in page.attributes if name.startswith("on") or name == "src"}
    assert "Example <Retail> & Co" in page.text
    assert "they <lost> it" in page.text
    assert set(page.links) <= set(files)
    assert len(page.links) > 8


def test_an_order_that_is_not_there_or_not_one_is_bad_use() -> None:
    fake = traded()
    with pytest.raises(errors.BadUse):
        evidence(fake.world, "NONE")
    fake.set_up(PartnerPack(trading_partner_id="OTHER", name="Other"))
    inbound.put(fake, "out/9.json", inbound.order(TradingPartnerId="OTHER"))
    inbound.run(fake)
    with pytest.raises(errors.BadUse, match="several partners"):
        evidence(fake.world, PO)
    assert evidence(fake.world, PO, PARTNER)


def test_the_command_writes_the_same_zip_file_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with stack_of(monkeypatch, tmp_path, traded()):
        told = [connector("evidence", PO, "-o", tmp_path / name, "--json") for name in ("1.zip", "2.zip")]
        assert [one.exit_code for one in told] == [0, 0], told[0].output
        first, second = (json.loads(one.stdout)["sha256"] for one in told)
        assert first == second == hashlib.sha256((tmp_path / "1.zip").read_bytes()).hexdigest()
        assert connector("evidence", "NONE").exit_code == 2
        assert connector("evidence", PO, "-o", tmp_path / "pack.tar").exit_code == 2
    with zipfile.ZipFile(tmp_path / "1.zip") as packed:
        assert packed.namelist()[:2] == ["index.html", "index.json"]
        assert packed.testzip() is None
