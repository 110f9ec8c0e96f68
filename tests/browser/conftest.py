"""A running Podshell and a Chromium for all browser tests; one page a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_parts import CHROMIUM_FLAGS, WITHOUT_WEBGL, headless_path
from console import DEADLINE_MS, Console
from playwright.sync_api import Browser, Playwright, StorageState, expect, sync_playwright
from podshell_parts import Podshell

# How long a state may take to come is not what these tests promise; on a machine that does other things it is more than the usual 5 s.
expect.set_options(timeout=DEADLINE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def podshell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podshell]:
    running = Podshell(tmp_path_factory.mktemp("podshell"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def driver() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(driver: Playwright) -> Iterator[Browser]:
    browser = driver.chromium.launch(executable_path=headless_path(), args=[*CHROMIUM_FLAGS, WITHOUT_WEBGL])
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def signed_in(podshell: Podshell, chromium: Browser) -> StorageState:
    """The cookie of a browser that has used the sign-in link."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(podshell.link())
    page.get_by_role("heading", name="Pods").wait_for(timeout=30_000)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def console(podshell: Podshell, chromium: Browser, signed_in: StorageState) -> Iterator[Console]:
    context = chromium.new_context(storage_state=signed_in, viewport={"width": 1440, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=podshell.url)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield Console(page, podshell.url)
    context.close()
    assert not errors
