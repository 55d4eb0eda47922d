"""The console in a real browser: Chromium, the deployed stack on the one-machine cloud, two simulated vendors."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from local.account import Account
from local.cloud import ROOT
from local.demo import PASSWORD, Demo

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ARTEFACTS = ROOT / "build/screenshots"
FLAGS = (
    "--disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SECONDS = 180.0


@pytest.fixture(scope="session")
def demo(browser: Browser, day: tuple[Demo, Account]) -> Demo:
    """The stack after the demo's day and its nightly comparison, where there is a browser to look at it."""
    stack = day[0].stack
    stack.client("lambda").invoke(FunctionName=stack.outputs["ReconcileDocumentsFunction"], Payload=b"{}")
    return day[0]


def until(done: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Wait for what the stack does by itself."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.2)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("there is no Chromium: `make chromium` installs it where apt can")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=FLAGS.split(), chromium_sandbox=os.getuid() != 0
        )
        yield launched
        launched.close()


Open = Callable[..., Page]


def sign_in(page: Page, person: str) -> None:
    """At the emulator's login page, and back."""
    page.get_by_role("button", name="Sign in").click()
    page.locator("#username").fill(person)
    page.locator("#password").fill(PASSWORD)
    page.locator("button[type=submit], input[type=submit]").first.click()
    page.get_by_role("button", name="Sign out").wait_for()


@pytest.fixture
def open_as(browser: Browser, demo: Demo, request: pytest.FixtureRequest) -> Iterator[Open]:
    """`open_as("operator")` signs somebody in at the login page, in a browser of their own."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def heard(kind: str, text: str, url: str) -> None:
        """What the console's own page complains of; the login page is the emulator's."""
        if kind == "error" and url.startswith(demo.cloud.console_url):
            complaints.append(text)

    def open_(
        person: str = "operator", *, scheme: str = "light", viewport: Any = None, place: str = ""
    ) -> Page:
        context = browser.new_context(
            viewport=viewport or DESKTOP, color_scheme=scheme, locale="en-US", timezone_id="America/Chicago"
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(90_000)
        page.on("console", lambda said: heard(said.type, said.text, said.location.get("url", "")))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(demo.cloud.console_url + place, wait_until="domcontentloaded")
        sign_in(page, person)
        return page

    yield open_
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    for n, context in enumerate(contexts):
        for page in context.pages:
            page.screenshot(path=ARTEFACTS / f"{Path(request.node.name).name}-{n}.png", full_page=True)
        context.close()
    # the browser complains of every answer that refuses something, as some of these tests ask for
    assert [text for text in complaints if not re.search(r"status of 4\d\d", text)] == []
