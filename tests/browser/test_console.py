"""What people do in the console, in a real browser, on the deployed stack."""

from __future__ import annotations

import csv
import json
import random
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from connector.ledger import DocumentKey
from local.cloud import ROOT
from local.day import Supplier, invoice
from local.demo import Demo
from local.trade import Partner
from tests.browser.conftest import ARTEFACTS, PHONE, Open, sign_in, until

pytestmark = pytest.mark.cloud
expect.set_options(timeout=60_000)

AXE = (Path(__file__).parent / "vendor/axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PLACES = ["", "#/documents", "#/shipments", "#/partners", "#/reports", "#/queues", "#/reconcile", "#/connect"]


@dataclass(frozen=True)
class Parked:
    """An invoice that is held, because its first price is five percent above the order's."""

    number: str
    supplier: Supplier
    partner: Partner

    @property
    def id(self) -> str:
        return f"{self.supplier.id}/out/{self.partner.id}/invoice/{self.number}"

    def state(self, demo: Demo) -> str:
        record = demo.stack.wiring.ledger.get(DocumentKey.of(self.id))
        return record.state if record else ""


def park(demo: Demo, number: str, supplier: Supplier, partner: Partner) -> Parked:
    """A clerk writes an invoice for the partner's fourth order of the day, at a price that was never agreed."""
    order = [order for order in supplier.orders if order.partner is partner][3]
    body = invoice(
        number, order, random.Random(1), datetime.now(UTC).date(), taxed=partner.pack.get("taxes")
    ).body
    price = body["lines"][0]["unit_cost"]
    price["amount"] = str((Decimal(price["amount"]) * Decimal("1.05")).quantize(Decimal("0.01")))
    demo.api(supplier, "POST", "invoices/invoices", {"invoice": body})
    parked = Parked(number, supplier, partner)
    until(lambda: parked.state(demo) == "HELD")
    return parked


@pytest.fixture(scope="session")
def held(demo: Demo) -> Parked:
    """One that nobody mends."""
    birch = demo.suppliers[0]
    return park(demo, "BIR-HELD-1", birch, birch.partners[0])


def go(page: Page, place: str) -> None:
    """To another place of the console, until it is shown."""
    if page.evaluate("location.hash") != place:
        page.evaluate(
            "place => new Promise(done => {"
            " addEventListener('hashchange', done, { once: true }); location.hash = place; })",
            place,
        )
    expect(page.locator("main[aria-busy]")).to_have_count(0)
    expect(page.locator("main h1")).to_be_visible()


def shot(page: Page, name: str, *, whole: bool = False) -> None:
    """One of the README's pictures; `make screenshots` copies them to docs/screenshots."""
    folder = ARTEFACTS / "readme"
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", full_page=whole)


def test_a_clerk_finds_a_parked_invoice_reads_why_mends_the_pack_and_sees_it_delivered(
    open_as: Open, demo: Demo
) -> None:
    birch = demo.suppliers[0]
    parked = park(demo, "BIR-DEAR-1", birch, birch.partners[1])
    page = open_as("operator")
    page.get_by_role("link", name="Documents", exact=True).click()
    page.get_by_label(re.compile("^PO, invoice number")).fill(parked.number)
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=f"Invoice {parked.number}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Invoice {parked.number}")
    expect(page).to_have_title(f"Invoice {parked.number} · Connector")
    expect(page.get_by_text("Needs you")).to_be_visible()
    expect(page.locator("main .note").first).to_contain_text("price")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("dialog")).to_contain_text("Outcome: held")
    page.get_by_role("button", name="Close").click()
    shot(page, "document", whole=True)

    page.get_by_role("link", name="Partners", exact=True).click()
    page.get_by_role("link", name=parked.partner.name).click()
    area = page.get_by_label("Partner pack (TOML)")
    text = area.input_value()
    area.fill(text + "\nnmae = 1\n")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("alert")).to_contain_text("line")
    area.fill(text + '\n[tolerances]\nprice = "6"\n')
    page.get_by_role("button", name="Try on past documents").click()
    expect(page.get_by_text(re.compile(r"On the last \d+ documents .*1 becomes valid"))).to_be_visible()
    shot(page, "rehearsal")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Mapped again, as they waited for it: 1 document.")).to_be_visible()

    until(lambda: parked.state(demo) == "DELIVERED")
    page.goto(demo.cloud.console_url + f"#/document?id={parked.id}")
    expect(page.locator("ol.timeline")).to_contain_text("delivered")


def test_an_operator_previews_and_replays_what_sps_refused(open_as: Open, demo: Demo) -> None:
    birch = demo.suppliers[0]
    refusal = {"route": "POST .*/in/.*", "kind": "403", "count": 1}
    requests.post(f"{demo.sps_url}/_control/faults", json=[refusal], timeout=10).raise_for_status()
    order = [order for order in birch.orders if order.partner is birch.partners[0]][4]
    plan = invoice("BIR-AGAIN-1", order, random.Random(1), datetime.now(UTC).date(), taxed=None)
    demo.api(birch, "POST", "invoices/invoices", {"invoice": plan.body})
    refused = Parked(plan.number, birch, birch.partners[0])
    until(lambda: refused.state(demo) in ("REJECTED", "HELD"))
    page = open_as("operator", place=f"#/document?id={refused.id}")
    page.get_by_role("button", name="Preview").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Outcome: sent")
    expect(dialog).to_contain_text(refused.number)
    shot(page, "preview")
    dialog.get_by_role("button", name="Replay now").click()
    until(lambda: refused.state(demo) == "DELIVERED")
    page.reload()
    expect(page.locator("ol.timeline")).to_contain_text("console/operator")
    expect(page.locator("ol.timeline")).to_contain_text("delivered")


def test_both_vendors_are_tried_step_by_step_and_the_nightly_comparison_is_there(open_as: Open) -> None:
    page = open_as("operator", place="#/connect")
    page.get_by_role("button", name="Try now").click()
    for step in (
        "SPS: token",
        "FreshBooks: scopes",
        "FreshBooks: bills in the plan",
        "connector: partner packs",
    ):
        expect(page.get_by_text(step)).to_be_visible()
    expect(page.locator(".steps .badge").filter(has_not_text="ok")).to_have_count(0)
    go(page, "#/reconcile")
    expect(page.get_by_text("documents are explained: none lost, none twice")).to_be_visible()


def consent(demo: Demo, supplier: Supplier, *, allow: bool = True) -> None:
    """Whether the person who comes to FreshBooks next allows the connection."""
    body = {"account_id": supplier.account_id, "allow": allow}
    requests.post(f"{demo.freshbooks_url}/_control/consent", json=body, timeout=10).raise_for_status()


def test_an_operator_authorizes_freshbooks_and_comes_back_to_a_connection_that_works(
    open_as: Open, demo: Demo
) -> None:
    cedar, secrets = demo.suppliers[1], demo.stack.wiring.secrets
    kept = secrets.read(cedar.id, "freshbooks")
    assert kept is not None
    secrets.write(cedar.id, "freshbooks", {name: kept[name] for name in ("client_id", "client_secret")})
    consent(demo, cedar)
    page = open_as("operator", place=f"#/connect?connection={cedar.id}")
    expect(page.get_by_text("Not authorized")).to_be_visible()
    page.get_by_role("button", name="Authorize FreshBooks").click()
    expect(page.get_by_text(re.compile("^FreshBooks is authorized"))).to_be_visible()
    expect(page.get_by_label("Connection")).to_have_value(cedar.id)
    expect(page.get_by_text("Authorized", exact=True)).to_be_visible()
    page.get_by_role("button", name="Try now").click()
    expect(page.get_by_text("FreshBooks: bills in the plan")).to_be_visible()
    expect(page.locator(".steps .badge").filter(has_not_text="ok")).to_have_count(0)
    page.reload()
    expect(page.get_by_text("Authorized", exact=True)).to_be_visible()
    expect(page.get_by_text(re.compile("^FreshBooks is authorized"))).to_have_count(0)


def test_whoever_does_not_allow_the_connection_reads_so_and_what_to_do_and_nothing_changes(
    open_as: Open, demo: Demo
) -> None:
    birch, secrets = demo.suppliers[0], demo.stack.wiring.secrets
    kept = secrets.read(birch.id, "freshbooks")
    consent(demo, birch, allow=False)
    page = open_as("operator", place=f"#/connect?connection={birch.id}")
    page.get_by_role("button", name="Authorize again").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("FreshBooks was not authorized; nothing has changed")
    expect(alert).to_contain_text("What to do: authorize again")
    expect(page.get_by_label("Connection")).to_have_value(birch.id)
    assert secrets.read(birch.id, "freshbooks") == kept
    consent(demo, birch)


def test_whoever_allows_it_without_a_place_at_this_console_is_thanked(browser: Browser, demo: Demo) -> None:
    page = browser.new_page()
    page.goto(f"{demo.cloud.console_url}#/connect?authorized=cedar")
    expect(page.get_by_text("You may close this page")).to_be_visible()
    page.close()


def test_webhooks_that_were_never_confirmed_are_registered_and_confirmed(open_as: Open, demo: Demo) -> None:
    birch, secrets = demo.suppliers[0], demo.stack.wiring.secrets
    secrets.write(birch.id, "webhooks", {})
    page = open_as("operator", place=f"#/connect?connection={birch.id}")
    expect(page.get_by_text("Webhooks not confirmed")).to_be_visible()
    page.get_by_role("button", name="Register webhooks").click()
    expect(page.get_by_text("FreshBooks has confirmed the webhooks")).to_be_visible()
    expect(page.get_by_text("Webhooks confirmed")).to_be_visible()
    expect(page.get_by_role("button", name="Register webhooks")).to_have_count(0)
    callbacks = demo.freshbooks.state()["accounts"][birch.account_id]["callbacks"]
    kept = secrets.read(birch.id, "webhooks")
    assert kept is not None
    assert sorted((one["event"], one["verified"]) for one in callbacks) == [("bill", True), ("invoice", True)]
    assert {one["callbackid"] for one in callbacks} == {each["callback_id"] for each in kept.values()}


def test_a_clerk_says_which_article_a_line_is_and_neither_this_invoice_nor_the_next_is_held(
    open_as: Open, demo: Demo
) -> None:
    birch = demo.suppliers[0]
    partner = birch.partners[1]
    order = [order for order in birch.orders if order.partner is partner][4]

    def half(number: str, named: str) -> Parked:
        """An invoice of half of the order's first line."""
        line, first = order.lines[0], number.endswith("1")
        quantity = line.quantity // 2 if first else line.quantity - line.quantity // 2
        body = invoice(number, order, random.Random(1), datetime.now(UTC).date(), taxed=None).body
        body["lines"] = [{**body["lines"][0], "name": named, "description": "", "qty": str(quantity)}]
        demo.api(birch, "POST", "invoices/invoices", {"invoice": body})
        return Parked(number, birch, partner)

    parked = half("BIR-NAME-1", "The blue one")
    until(lambda: parked.state(demo) == "HELD")
    page = open_as("operator", place=f"#/document?id={parked.id}")
    page.get_by_role("button", name="Say which article").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Line in FreshBooks")).to_have_value("The blue one")
    dialog.get_by_role("button", name="Remember it").click()
    expect(dialog).to_be_visible()  # nothing is remembered before an article is chosen
    part = order.lines[0].item.part
    words = dialog.get_by_role("option", name=re.compile(f"^{part}, {order.lines[0].item.text}"))
    expect(words).to_have_count(1)
    dialog.get_by_label("Article of the order").select_option(part)
    dialog.get_by_role("button", name="Remember it").click()
    expect(page.get_by_text("Mapped again, as they waited for it: 1 document.")).to_be_visible()
    until(lambda: parked.state(demo) == "DELIVERED")
    second = half("BIR-NAME-2", "The blue one")
    until(lambda: second.state(demo) == "DELIVERED")


def test_the_evidence_of_an_invoices_order_is_downloaded(open_as: Open, held: Parked, tmp_path: Path) -> None:
    page = open_as("operator", place=f"#/document?id={held.id}")
    with page.expect_download() as download:
        page.get_by_role("button", name="Evidence (zip)").click()
    assert download.value.suggested_filename.startswith(f"evidence-{held.partner.id}-")
    download.value.save_as(tmp_path / "pack.zip")
    with zipfile.ZipFile(tmp_path / "pack.zip") as packed:
        index = json.loads(packed.read("index.json"))
    assert held.id in [one["id"] for one in index["documents"]]


def test_a_shipment_file_that_is_no_utf_8_is_refused_before_anybody_is_sent_its_letters(
    open_as: Open, tmp_path: Path
) -> None:
    for name, body in (
        ("latin.csv", "shipment_id\ncafé".encode("cp1252")),
        ("good.csv", b"shipment_id\n1\n"),
    ):
        (tmp_path / name).write_bytes(body)
    page = open_as("operator", place="#/shipments")
    page.get_by_label("File (CSV or JSON)").set_input_files(tmp_path / "latin.csv")
    expect(page.get_by_role("alert")).to_contain_text("latin.csv is not UTF-8 text")
    expect(page.get_by_label("or its text")).to_have_value("")
    page.get_by_label("File (CSV or JSON)").set_input_files(tmp_path / "good.csv")
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("column ship_date is missing")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the form").click()
    download.value.save_as(tmp_path / "form.csv")
    page.get_by_label("File (CSV or JSON)").set_input_files(tmp_path / "form.csv")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("no trading partner has ordered under 0045001234")).to_be_visible()


def test_a_report_is_saved_for_a_spreadsheet_as_the_command_line_prints_it(
    open_as: Open, held: Parked, demo: Demo, tmp_path: Path
) -> None:
    page = open_as("operator", place=f"#/reports?connection={held.supplier.id}&name=open-bills")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    download.value.save_as(tmp_path / "report.csv")
    printed = subprocess.run(
        [sys.executable, "-m", "cli", "report", "open-bills", "-c", held.supplier.id, "--csv"],
        cwd=ROOT,
        env=demo.cloud.environment() | {"CONNECTOR_STACK": demo.stack.name},
        capture_output=True,
        text=True,
    )
    rows = list(csv.reader((tmp_path / "report.csv").read_text("utf-8-sig").splitlines()))
    assert len(rows) > 5
    assert rows == list(csv.reader(printed.stdout.splitlines()))


def test_a_reason_of_blanks_is_refused_where_it_was_written(open_as: Open, held: Parked) -> None:
    page = open_as("operator", place=f"#/document?id={held.id}")
    page.get_by_role("button", name="Mark resolved").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("How was it dealt with?").fill("   ")
    dialog.get_by_role("button", name="Mark resolved").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Say how it was dealt with")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Mark resolved")).to_be_focused()


def test_a_search_that_makes_no_sense_keeps_its_form(open_as: Open) -> None:
    page = open_as("operator", place="#/documents?least=abc")
    expect(page.get_by_role("alert")).to_contain_text("abc is no amount")
    page.get_by_label("Amount from").fill("10")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("table", name="Documents")).to_be_visible()


def test_a_packs_edit_outlives_looking_something_up_and_signing_in_again(open_as: Open, demo: Demo) -> None:
    partner = demo.suppliers[0].partners[0]
    page = open_as("operator", place=f"#/partners?connection=birch&partner={partner.id}")
    area = page.get_by_label("Partner pack (TOML)")
    saved = area.input_value()
    area.fill(f"{saved}# mine\n")
    page.get_by_role("link", name="Documents", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Documents")
    page.go_back()
    expect(area).to_have_value(f"{saved}# mine\n")
    page.evaluate("sessionStorage.setItem('token', 'x.y.z'); sessionStorage.removeItem('refresh')")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Your session is over")
    sign_in(page, "operator")
    expect(area).to_have_value(f"{saved}# mine\n")
    page.get_by_role("button", name="Discard them").click()
    expect(area).to_have_value(saved)


def test_an_address_leads_whoever_gets_it_to_the_same_connection(open_as: Open, demo: Demo) -> None:
    page = open_as("operator", place="#/documents?type=order")
    page.get_by_label("Connection").select_option("cedar")
    expect(page.get_by_role("link", name="Order M-1003")).to_be_visible()
    sent = page.evaluate("location.hash")
    page = open_as("operator")
    expect(page.get_by_label("Connection")).to_have_value("birch")
    go(page, sent)
    expect(page.get_by_label("Connection")).to_have_value("cedar")
    expect(page.get_by_role("link", name="Order M-1003")).to_be_visible()
    expect(page.get_by_label("Kind")).to_have_value("order")


def test_an_address_of_a_connection_that_there_is_not_shows_no_other_one(open_as: Open) -> None:
    page = open_as("operator", place="#/connect?connection=birsch")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no connection birsch")
    expect(page.get_by_role("button", name="Register webhooks")).to_have_count(0)
    page.get_by_role("link", name="Birch Goods").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    expect(page.get_by_label("Connection")).to_have_value("birch")


def test_a_viewer_reads_everything_and_is_offered_no_change(open_as: Open, held: Parked, demo: Demo) -> None:
    page = open_as("viewer", place=f"#/document?id={held.id}")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Invoice {held.number}")
    expect(page.get_by_role("button", name="Replay")).to_have_count(0)
    page.get_by_text("Payloads: received").click()
    expect(page.get_by_text("hidden from viewers")).to_be_visible()
    token = page.evaluate("sessionStorage.getItem('token')")
    answer = ask(demo, "POST", "document/replay", token, {"id": held.id})
    assert (answer.status_code, answer.json()["code"]) == (403, "operators_only")
    assert ask(demo, "GET", "me", token).status_code == 200


def ask(demo: Demo, method: str, route: str, token: str, body: Any = None) -> requests.Response:
    return requests.request(
        method,
        f"{demo.cloud.endpoint}/api/{route}",
        headers={"Host": demo.cloud.console_url.split("/")[2], "Authorization": f"Bearer {token}"},
        json=body,
        timeout=30,
    )


def test_a_token_that_is_not_good_is_401_and_the_page_asks_to_sign_in_again(
    open_as: Open, demo: Demo
) -> None:
    page = open_as("operator")
    token = page.evaluate("sessionStorage.getItem('token')")
    head, claims, seal = token.split(".")
    for bad in (
        "",
        "x.y.z",
        f"{head}.{claims}.",
        f"{head}.{claims}.{seal[:-8]}AAAAAAAA",
        f"{head}.{claims[:-4]}AAAA.{seal}",
    ):
        assert ask(demo, "GET", "me", bad).status_code == 401
    page.evaluate("sessionStorage.setItem('token', 'x.y.z'); sessionStorage.removeItem('refresh')")
    page.get_by_role("link", name="Queues").click()
    expect(page.get_by_role("alert")).to_contain_text("Your session is over")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_an_expired_token_is_renewed_without_anybody_noticing(open_as: Open) -> None:
    page = open_as("operator")
    page.evaluate("sessionStorage.setItem('token', 'x.y.z')")
    page.get_by_role("link", name="Queues").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Queues")


def test_a_deep_link_survives_signing_in(open_as: Open) -> None:
    page = open_as("operator", place="#/documents?state=done&type=order")
    expect(page.get_by_role("heading", level=1)).to_have_text("Documents")
    expect(page.get_by_label("Kind")).to_have_value("order")
    expect(page.get_by_label("State", exact=True)).to_have_value("done")


def test_everything_can_be_reached_with_the_keyboard(open_as: Open) -> None:
    page = open_as("operator")
    page.keyboard.press("Tab")
    for _ in range(40):
        if page.evaluate("document.activeElement.textContent") == "Documents":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Documents")
    assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize(("device", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_axe_finds_nothing_serious_on_any_page(
    open_as: Open, demo: Demo, held: Parked, device: str, scheme: str
) -> None:
    page = open_as("operator", scheme=scheme, viewport=PHONE if device == "phone" else None)
    places = [
        *PLACES,
        f"#/document?id={held.id}",
        f"#/partners?partner={held.partner.id}",
        "#/partners?new=9",
    ]
    found = []
    for place in places:
        go(page, place)
        page.locator("main details").evaluate_all("all => all.forEach(one => { one.open = true; })")
        expect(page.locator("[aria-busy]")).to_have_count(0)
        name = re.sub(r"[^A-Za-z0-9]+", "-", place).strip("-") or "overview"
        page.screenshot(path=ARTEFACTS / f"{device}-{scheme}-{name}.png", full_page=True)
        page.evaluate(AXE)
        result = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", RULES)
        found += [
            f"{place}: {one['id']} ({one['impact']}): {one['nodes'][0]['html'][:160]}"
            for one in result["violations"]
            if one["impact"] in ("serious", "critical")
        ]
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth + 1")
        found += [f"{place}: wider than the screen"] if wide else []
    assert found == []


def test_the_readmes_screenshots_are_of_this_page(open_as: Open, demo: Demo) -> None:
    page = open_as("operator")
    page.locator("main h1").wait_for()
    shot(page, "overview", whole=True)
    page = open_as("operator", scheme="dark", viewport=PHONE)
    page.locator("main h1").wait_for()
    shot(page, "overview-phone-dark")
    kept = {one.name for one in (ROOT / "docs/screenshots").glob("*.png")}
    assert {"overview.png", "document.png", "overview-phone-dark.png"} <= kept
