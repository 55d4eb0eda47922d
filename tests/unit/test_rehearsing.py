"""A changed pack, or changed code, tried on the documents already seen."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from connector import errors
from connector.ledger import DocumentKey
from connector.rules.packs import PartnerPack
from connector.usecases import people
from connector.usecases.rehearsing import archived, rehearse
from tests.fakes import FakeWorld
from tests.unit import test_inbound as inbound
from tests.unit import test_outbound as outbound
from tests.unit.test_inbound import PARTNER

ORDER = DocumentKey("acme", "in", PARTNER, "order", "0045001234")
INVOICE = DocumentKey("acme", "out", PARTNER, "invoice", "0000421")


def delivered() -> FakeWorld:
    """One order and its invoice, both through."""
    fake = outbound.world()
    outbound.told(fake)
    return fake


def pack(**settings: Any) -> PartnerPack:
    return PartnerPack(trading_partner_id=PARTNER, name="Example Retail", **settings)


def everything(fake: FakeWorld) -> list[DocumentKey]:
    return archived(fake.world)


def test_the_pack_in_force_changes_nothing() -> None:
    fake = delivered()
    result = rehearse(fake.world, pack(), everything(fake))
    assert (result["documents"], result["counts"], result["rows"]) == (2, {"same": 2}, [])
    assert result["summary"] == "changes 0 of 2"


def test_a_changed_pack_shows_the_fields_that_change_and_sends_and_writes_nothing() -> None:
    fake = delivered()
    before = (
        fake.ledger.writes,
        json.dumps(fake.notes.notes, default=str, skipkeys=True),
        fake.freshbooks.posts,
    )
    result = rehearse(fake.world, pack(header={"Division": "019"}), everything(fake))
    assert result["summary"] == "changes 1 of 2"
    [row] = result["rows"]
    assert (row["id"], row["change"]) == (INVOICE.id, "changes")
    assert row["differences"] == [{"field": "Header.InvoiceHeader.Division", "before": None, "after": "019"}]
    after = (
        fake.ledger.writes,
        json.dumps(fake.notes.notes, default=str, skipkeys=True),
        fake.freshbooks.posts,
    )
    assert after == before
    assert len(fake.sps.uploads) == 1
    assert fake.world.pack(PARTNER).header == {}  # the pack in force is still the old one


def test_what_becomes_invalid_comes_first_with_its_reason() -> None:
    fake = delivered()
    for n in range(3):
        inbound.put(fake, f"out/{n}.json", inbound.order(f"A{n}"))
    inbound.run(fake)
    odd = fake.freshbooks.invoices[987654]
    odd["lines"][0]["name"] = "Bowl, large"
    odd["lines"][0]["unit_cost"] = {"amount": "5.00", "code": "USD"}
    odd["lines"][0]["qty"] = "20"
    odd["version"] = "2026-03-12 10:31:19.000001"
    fake.set_up(pack(aliases={"Bowl, large": "V-1"}, tolerances={"price": 100}))
    outbound.told(fake)
    result = rehearse(fake.world, pack(orders={"due_days": 60}), everything(fake))
    [row] = result["rows"]
    assert (row["id"], row["change"], row["reason"]["code"]) == (
        INVOICE.id,
        "becomes invalid",
        "line_not_on_order",
    )
    assert result["summary"] == "changes 0 of 5, 1 becomes invalid"


def test_a_pack_that_cures_a_held_document_makes_it_valid() -> None:
    fake = outbound.world()
    fake.freshbooks.invoices[987654]["lines"][0] |= {"name": "Bowl, large", "qty": "20"}
    fake.freshbooks.invoices[987654]["lines"][0]["unit_cost"]["amount"] = "5.00"
    outbound.told(fake)
    cure = pack(aliases={"Bowl, large": "V-1"}, tolerances={"price": 100})
    assert rehearse(fake.world, cure, [INVOICE])["counts"] == {"becomes valid": 1}
    assert rehearse(fake.world, pack(), [INVOICE])["counts"] == {"stays invalid": 1}


def test_without_a_pack_what_was_sent_is_compared_with_what_is_mapped_today() -> None:
    fake = delivered()
    assert rehearse(fake.world, None, everything(fake))["counts"] == {"same": 2}
    fake.set_up(pack(header={"Division": "019"}))
    assert rehearse(fake.world, None, everything(fake))["counts"] == {"changes": 1, "same": 1}


def test_a_mapping_that_fails_is_told_as_invalid_and_the_others_go_on() -> None:
    fake = delivered()
    record = fake.ledger.records[ORDER]
    there_is_none = {"received": record.payloads["received"].partition("#")[0] + "#7"}
    fake.ledger.records[ORDER] = replace(record, payloads={**record.payloads, **there_is_none})
    inbound.put(fake, "out/2.json", inbound.order("A2"))
    inbound.run(fake)
    result = rehearse(fake.world, None, [ORDER, ORDER._replace(number="A2")])
    assert result["counts"] == {"becomes invalid": 1, "same": 1}
    assert result["rows"][0]["reason"]["code"] == "mapping_failed"


def test_what_freshbooks_has_to_be_asked_for_is_told_apart_where_it_cannot_be_reached() -> None:
    fake = outbound.world(ordered=False, freshbooks={"client_ids": [12345]})
    fake.freshbooks.invoices[987654]["po_number"] = ""
    fake.freshbooks.clients[12345] = {"id": 12345, "organization": "Example Retail"}
    outbound.told(fake)
    del fake.freshbooks.clients[12345]

    def away(client_id: int) -> Any:
        raise errors.Unreachable("FreshBooks cannot be reached")

    fake.freshbooks.get_client = away  # type: ignore[method-assign]
    assert rehearse(fake.world, pack(), [INVOICE])["counts"] == {"cannot be told": 1}


def test_the_newest_documents_of_a_partner_are_chosen() -> None:
    fake = inbound.world()
    for n in range(4):
        inbound.put(fake, f"out/{n}.json", inbound.order(f"A{n}"))
        inbound.run(fake)
    inbound.put(fake, "out/odd.json", b"{")
    inbound.run(fake)
    assert [key.number for key in archived(fake.world, last=2)] == ["A3", "A2"]
    assert archived(fake.world, partner="SOMEBODYELSE") == []
    assert archived(fake.world, type_="invoice") == []
    assert [summary["number"] for summary in people.documents(fake.ledger, "acme", type_="file")] == [
        "odd.json"
    ]


def test_a_document_that_is_not_there_is_bad_use() -> None:
    with pytest.raises(errors.BadUse):
        rehearse(delivered().world, None, [ORDER._replace(number="none")])
