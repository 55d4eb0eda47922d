"""What people do in the console, in a real browser, on the deployed stack."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from connector.ledger import State
from connector.usecases import people
from local.cloud import ROOT
from local.demo import Demo
from tests.browser.conftest import ARTEFACTS, PHONE, Open, until

pytestmark = pytest.mark.cloud
expect.set_options(timeout=60_000)

AXE = (Path(__file__).parent / "vendor/axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PLACES = ["", "#/documents", "#/shipments", "#/partners", "#/reports", "#/queues", "#/reconcile", "#/connect"]


@pytest.fixture
def broken(settled: Demo) -> dict[str, str]:
    """An order that is held: its stated total is five dollars off its lines, and its partner's pack allows none."""
    supplier = settled.suppliers[0]
    partner = supplier.partners[0]
    number = f"PO-{len(settled.ledger(supplier))}"
    body = _an_order(supplier, partner.id)
    body["Header"]["OrderHeader"]["PurchaseOrderNumber"] = number
    body["Summary"]["TotalAmount"] += 5
    settled.deliver_file(supplier, f"out/{number}.json", json.dumps(body).encode())
    settled.stack.client("lambda").invoke(
        FunctionName=settled.stack.outputs["PollSpsFunction"],
        Payload=json.dumps({"connection": supplier.id}).encode(),
    )
    until(lambda: _state(settled, supplier.id, number) == "HELD")
    return {
        "id": f"{supplier.id}/in/{partner.id}/order/{number}",
        "number": number,
        "partner": partner.id,
        "name": partner.name,
        "connection": supplier.id,
    }


def _an_order(supplier: Any, partner: str) -> dict[str, Any]:
    """One of the morning's orders of that partner, to be sent under another number."""
    for _, data in supplier.morning:
        try:
            read = json.loads(data.decode("utf-8-sig"))
        except ValueError:
            continue  # XML, or no document at all
        for one in read if isinstance(read, list) else [read]:
            order = one.get("Order", one)
            header = order.get("Header", {}).get("OrderHeader", {})
            if header.get("TradingPartnerId") == partner and header.get("TsetPurposeCode") == "00":
                return dict(order)
    raise AssertionError("no order of this partner in the morning")


def _state(demo: Demo, connection: str, number: str) -> str:
    found = people.documents(demo.stack.wiring.ledger, connection, states=set(State), text=number)
    return next((one["state"] for one in found if one["number"] == number), "")


def shot(page: Page, name: str) -> None:
    """One of the README's pictures; `make screenshots` copies them to docs/screenshots."""
    folder = ARTEFACTS / "readme"
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png")


def test_a_clerk_finds_a_parked_order_reads_why_mends_the_pack_and_sees_it_delivered(
    open_as: Open, broken: dict[str, str], settled: Demo
) -> None:
    page = open_as("operator")
    page.get_by_label("Connection").select_option(broken["connection"])
    page.get_by_role("link", name="Documents", exact=True).click()
    page.get_by_label(re.compile("^PO, invoice number")).fill(broken["number"])
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=f"Order {broken['number']}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Order {broken['number']}")
    expect(page.get_by_text("total").first).to_be_visible()
    expect(page.get_by_text("Needs you")).to_be_visible()
    shot(page, "held-order")

    page.get_by_role("link", name="Partners", exact=True).click()
    page.get_by_role("link", name=broken["name"]).click()
    area = page.get_by_label("Partner pack (TOML)")
    text = area.input_value()
    area.fill(text + "\nnmae = 1\n")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("alert")).to_contain_text("line")
    area.fill(text + '\n[orders]\ntotal_tolerance = "10"\n')
    page.get_by_role("button", name="Try on past documents").click()
    expect(page.get_by_text(re.compile(r"On the last \d+ documents"))).to_be_visible()
    shot(page, "rehearsal")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()

    settled.restart()  # or wait a minute: functions read packs again then
    page.goto(settled.cloud.console_url + f"#/document?id={broken['id']}")
    page.get_by_role("button", name="Preview").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Outcome: sent")
    expect(dialog).to_contain_text(broken["number"])
    shot(page, "preview")
    dialog.get_by_role("button", name="Replay now").click()
    until(lambda: _state(settled, broken["connection"], broken["number"]) == "DELIVERED")
    page.reload()
    expect(page.locator("ol.timeline")).to_contain_text("delivered")
    expect(page.locator("ol.timeline")).to_contain_text("console/operator")
    shot(page, "delivered-order")


def test_a_viewer_reads_everything_and_is_offered_no_change(
    open_as: Open, broken: dict[str, str], settled: Demo
) -> None:
    page = open_as("viewer", place=f"#/document?id={broken['id']}")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Order {broken['number']}")
    expect(page.get_by_role("button", name="Replay")).to_have_count(0)
    page.get_by_text("Payloads: received").click()
    expect(page.get_by_text("hidden from viewers")).to_be_visible()
    token = page.evaluate("sessionStorage.getItem('token')")
    answer = ask(settled, "POST", "document/replay", token, {"id": broken["id"]})
    assert (answer.status_code, answer.json()["code"]) == (403, "operators_only")
    assert ask(settled, "GET", "me", token).status_code == 200


def ask(demo: Demo, method: str, route: str, token: str, body: Any = None) -> requests.Response:
    return requests.request(
        method,
        f"{demo.cloud.endpoint}/api/{route}",
        headers={"Host": demo.cloud.console_url.split("/")[2], "Authorization": f"Bearer {token}"},
        json=body,
        timeout=30,
    )


def test_a_token_that_is_not_good_is_401_and_the_page_asks_to_sign_in_again(
    open_as: Open, settled: Demo
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
        assert ask(settled, "GET", "me", bad).status_code == 401
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
    expect(page.get_by_label("State")).to_have_value("done")


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_axe_finds_nothing_serious_on_any_page(
    open_as: Open, settled: Demo, broken: dict[str, str], scheme: str, device: str
) -> None:
    page = open_as("operator", scheme=scheme, viewport=PHONE if device == "phone" else None)
    found = []
    places = [
        *PLACES,
        f"#/document?id={broken['id']}",
        f"#/partners?partner={broken['partner']}",
        "#/partners?new=9",
    ]
    for place in places:
        page.goto(settled.cloud.console_url + place, wait_until="domcontentloaded")
        page.locator("main h1").wait_for()
        for details in page.locator("main details").all():
            details.evaluate("element => { element.open = true; }")
        page.wait_for_timeout(600)
        page.screenshot(
            path=ARTEFACTS
            / f"{scheme}-{device}-{re.sub(r'[^a-z]+', '-', place.partition('?')[0]).strip('-') or 'overview'}.png",
            full_page=True,
        )
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


def test_the_readmes_screenshots_are_of_this_page(open_as: Open, settled: Demo) -> None:
    page = open_as("operator")
    page.locator("main h1").wait_for()
    shot(page, "overview")
    page = open_as("operator", scheme="dark", viewport=PHONE)
    page.locator("main h1").wait_for()
    shot(page, "overview-phone-dark")
    kept = {one.name for one in (ROOT / "docs/screenshots").glob("*.png")}
    assert {"overview.png", "overview-phone-dark.png"} <= kept
