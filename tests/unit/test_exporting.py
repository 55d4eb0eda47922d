"""A connection leaves whole and comes back as it was, or not at all."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector import errors
from connector.adapters.bundles import Folder, open_bundle, write_bundle
from connector.ledger import ON_THE_WAY, DocumentKey, State
from connector.rules.packs import PartnerPack
from connector.usecases.exporting import Stores, bring_in, check, export
from connector.usecases.polling import poll_sps
from connector.usecases.rehearsing import archived, rehearse
from connector.usecases.replaying import replay
from tests.alone import map_inbound
from tests.fakes import FakeWorld
from tests.stack_of_fakes import connector, stack_of, stores_of
from tests.unit import test_inbound as inbound
from tests.unit import test_outbound as outbound
from tests.unit import test_shipping as shipping
from tests.unit.test_inbound import PARTNER

ORDER = DocumentKey("acme", "in", PARTNER, "order", "0045001234")
INVOICE = DocumentKey("acme", "out", PARTNER, "invoice", "0000421")


def busy() -> FakeWorld:
    """Documents in many states: delivered, sent again as a revision, held for a partner, a file nobody can read."""
    fake = outbound.world()
    outbound.told(fake)
    replay(fake.world, INVOICE, who="a person", force=True, reason="the partner lost it")
    outbound.drain(fake)
    inbound.put(fake, "out/odd.json", b"\xff{")
    inbound.put(fake, "out/3.json", inbound.order("PO/ä 3", TradingPartnerId="NOBODYYET"))
    inbound.put(fake, "out/4.json", inbound.shipment())
    inbound.run(fake)
    fake.notes.write("acme", "token", "refresh", {"old": "a mark of one stack's own"})
    return fake


def exported(fake: FakeWorld, path: Path) -> Path:
    write_bundle(path, export(stores_of(fake), "acme"))
    return path


def contents(path: Path) -> dict[str, Any]:
    bundle = open_bundle(path)
    files: dict[str, Any] = {name: bundle.read(name) for name in bundle.names()}
    files["manifest.json"] = {**json.loads(files["manifest.json"]), "at": ""}
    return files


@pytest.mark.parametrize("name", ["one.zip", "one"])
def test_what_comes_back_is_what_left(tmp_path: Path, name: str) -> None:
    fake, new = busy(), FakeWorld()
    left = exported(fake, tmp_path / name)
    result = bring_in(stores_of(new), open_bundle(left))
    assert result["conflicts"] == []
    assert result["counts"]["documents written"] == len(fake.ledger.records) == 5
    assert new.ledger.records == fake.ledger.records
    assert new.archive.objects.items() <= fake.archive.objects.items()
    assert new.world.packs() == fake.world.packs()
    assert contents(exported(new, tmp_path / f"again-{name}")) == contents(left)


def test_work_goes_on_after_an_import_where_it_had_stopped(tmp_path: Path) -> None:
    left = exported(busy(), tmp_path / "one")
    new = FakeWorld()
    bring_in(stores_of(new), Folder(left))
    new.set_up(PartnerPack(trading_partner_id="NOBODYYET", name="Somebody"))
    held = DocumentKey("acme", "in", "NOBODYYET", "order", "PO/ä 3")
    replay(new.world, held, who="a person")
    inbound.drain(new)
    assert new.ledger.records[held].state is State.DELIVERED
    inbound.put(new, "out/1.json", inbound.order())  # the order that was delivered before it left
    inbound.run(new)
    assert new.ledger.records[ORDER].duplicates == 1
    assert new.freshbooks.posts == 1


def test_what_was_on_its_way_is_in_the_new_stacks_sight_however_long_that_has_worked(tmp_path: Path) -> None:
    fake = inbound.world()
    inbound.put(fake, "out/1.json", inbound.order())
    poll_sps(fake.world)
    map_inbound(fake.world, fake.files.take()[0])
    left = exported(fake, tmp_path / "export")
    new = FakeWorld()
    new.ledger.settled("acme", "in", "2999-01-01T00:00:00+00:00")
    bring_in(stores_of(new), Folder(left))
    assert [one.key for one in new.ledger.in_states("acme", "in", ON_THE_WAY)] == [ORDER]


def test_an_import_may_be_repeated_and_overwrites_nothing(tmp_path: Path) -> None:
    left = Folder(exported(busy(), tmp_path / "one"))
    new = FakeWorld()
    bring_in(stores_of(new), left)
    moved = new.ledger.records[ORDER].step("duplicate", now=new.clock.now(), who="test")
    new.ledger.save(moved, moved.version - 1)
    other = replace(new.ledger.records[INVOICE], history=())
    new.ledger.records[INVOICE] = other.step("received", now=new.clock.now(), who="test")
    new.notes.write("acme", "vendor", PARTNER, {"vendorid": 9})
    before = dict(new.ledger.records)
    result = bring_in(stores_of(new), left)
    assert new.ledger.records == before
    assert result["counts"]["documents there already"] == 3
    assert result["counts"]["documents moved on"] == 1
    assert result["conflicts"] == [f"vendor {PARTNER}", INVOICE.id]


def test_an_import_that_stopped_half_way_is_gone_on_with(tmp_path: Path) -> None:
    left = Folder(exported(busy(), tmp_path / "one"))
    new = FakeWorld()
    put, written = new.archive.put, []

    def stops(connection: str, body: bytes) -> str:
        if len(written) == 3:
            raise OSError("the network went away")
        written.append(body)
        return put(connection, body)

    new.archive.put = stops  # type: ignore[method-assign]
    with pytest.raises(OSError, match="went away"):
        bring_in(stores_of(new), left)
    there = len(new.ledger.records)
    assert there < 5
    new.archive.put = put  # type: ignore[method-assign]
    assert bring_in(stores_of(new), left)["counts"]["documents written"] == 5 - there
    assert len(new.ledger.records) == 5


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("notes.jsonl", b"Example Retail", b"Another Retail"),
        ("documents.jsonl", b'"amount":"100.0', b'"amount":"900.0'),
        ("connection.json", b"ACC1", b"ACC2"),
    ],
)
def test_a_file_that_was_changed_is_refused_before_anything_is_written(
    tmp_path: Path, name: str, old: bytes, new: bytes
) -> None:
    left = exported(busy(), tmp_path / "one")
    body = (left / name).read_bytes()
    assert old in body
    (left / name).write_bytes(body.replace(old, new, 1))
    fake = FakeWorld()
    with pytest.raises(errors.BadInput) as caught:
        bring_in(stores_of(fake), Folder(left))
    assert (caught.value.code, caught.value.place) == ("export_damaged", name)
    assert fake.ledger.records == {}


def test_a_history_whose_chain_is_broken_is_refused_even_with_a_matching_manifest(tmp_path: Path) -> None:
    fake = busy()
    record = fake.ledger.records[ORDER]
    forged = (replace(record.history[0], note="somebody else"), *record.history[1:])
    fake.ledger.records[ORDER] = replace(record, history=forged)
    left = exported(fake, tmp_path / "one")
    with pytest.raises(errors.BadInput, match="history was changed at line 1"):
        check(Folder(left))


def test_changed_missing_and_torn_payloads_are_refused(tmp_path: Path) -> None:
    left = exported(busy(), tmp_path / "one")
    payload = next(path for path in (left / "payloads").rglob("*") if path.is_file())
    kept = payload.read_bytes()
    payload.write_bytes(kept + b" ")
    with pytest.raises(errors.BadInput, match="not as it was written"):
        bring_in(stores_of(FakeWorld()), Folder(left))
    payload.unlink()
    with pytest.raises(errors.BadInput, match="missing"):
        check(Folder(left))
    payload.write_bytes(kept)
    (left / "manifest.json").unlink()
    with pytest.raises(errors.BadInput, match="no whole export"):
        check(Folder(left))


def test_payloads_whose_retention_is_over_are_told_of_and_do_not_stop_an_import(tmp_path: Path) -> None:
    fake = busy()
    gone = fake.ledger.records[ORDER].payloads["received"].partition("#")[0]
    del fake.archive.objects["acme", gone]
    left = exported(fake, tmp_path / "one")
    assert json.loads((left / "manifest.json").read_text())["payloads_gone"] == [gone]
    new = FakeWorld()
    bring_in(stores_of(new), Folder(left))
    assert new.ledger.records == fake.ledger.records


def test_the_file_that_shipments_were_uploaded_in_comes_along(tmp_path: Path) -> None:
    fake = shipping.world()
    data = shipping.file(5)
    shipping.uploaded(fake, data)
    new = FakeWorld()
    bring_in(stores_of(new), Folder(exported(fake, tmp_path / "one")))
    assert new.ledger.records == fake.ledger.records
    assert data in new.archive.objects.values()
    assert rehearse(fake.world, None, archived(fake.world))["counts"].keys() == {"same"}


def test_a_connection_can_come_back_under_another_id(tmp_path: Path) -> None:
    left = Folder(exported(busy(), tmp_path / "one"))
    new = FakeWorld()
    result = bring_in(stores_of(new), left, into="branch")
    assert result["connection"] == "branch"
    assert {key.connection for key in new.ledger.records} == {"branch"}
    held = next(record for record in new.ledger.records.values() if record.waits_for)
    assert held.waits_for == "branch/pack/NOBODYYET"
    assert new.notes.read("", "connection", "branch") == {
        **(new.notes.read("", "connection", "acme") or {}),
        "id": "branch",
    }


def test_documents_on_their_way_keep_their_connection_id(tmp_path: Path) -> None:
    fake = busy()
    record = fake.ledger.records[ORDER]
    fake.ledger.save(
        record.step("in doubt", now=fake.clock.now(), who="t", to=State.IN_DOUBT), record.version
    )
    left = Folder(exported(fake, tmp_path / "one"))
    with pytest.raises(errors.BadInput, match="on their way"):
        bring_in(stores_of(FakeWorld()), left, into="branch")
    assert bring_in(stores_of(FakeWorld()), left)["conflicts"] == []


def test_other_connections_and_one_stacks_own_marks_stay_behind(tmp_path: Path) -> None:
    fake = busy()
    fake.notes.write("other", "pack", "THEIRS", {"trading_partner_id": "THEIRS"})
    left = exported(fake, tmp_path / "one")
    text = (left / "notes.jsonl").read_text()
    assert "THEIRS" not in text
    assert "a mark of one stack" not in text


def test_the_same_content_makes_the_same_zip_file(tmp_path: Path) -> None:
    files = [("a.txt", [b"one", b"two"]), ("b/c.txt", [b""])]
    for name in ("1.zip", "2.zip"):
        write_bundle(tmp_path / name, files)
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "1.zip") as packed:
        assert packed.read("a.txt") == b"onetwo"


def test_the_commands_move_a_connection_from_stack_to_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "acme.zip"
    with stack_of(monkeypatch, tmp_path, busy()):
        done = connector("export", "acme", target, "--json")
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["documents"] == 5
        assert connector("export", "acme", target).exit_code == 2
        assert connector("export", "nobody", tmp_path / "nobody.zip").exit_code == 2
    with stack_of(monkeypatch, tmp_path) as stack:
        assert json.loads(connector("import", target, "--check", "--json").stdout)["whole"] is True
        assert stack.wiring.connections() == []
        assert connector("import", target).exit_code == 0
        assert stack.wiring.connections() == ["acme"]
        told = json.loads(connector("verify-history", "--json").stdout)
        assert told == {"documents": 5, "broken": []}
        stack.wiring.notes.write("acme", "vendor", PARTNER, {"vendorid": 9})
        again = connector("import", target, "--json")
        assert again.exit_code == 1
        assert json.loads(again.stdout)["conflicts"] == [f"vendor {PARTNER}"]
    assert connector("import", tmp_path / "none.zip").exit_code == 2


def test_stores_need_no_connection_that_is_set_up(tmp_path: Path) -> None:
    left = Folder(exported(busy(), tmp_path / "one"))
    new = FakeWorld()
    bring_in(Stores(new.ledger, new.notes, new.archive, new.clock), left)
    assert new.notes.read("", "connection", "acme") is not None
