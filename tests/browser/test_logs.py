"""Logs of containers: following, the run before, search, times, download, and a flood."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

from console import DEADLINE_MS, POLL_MS, Console
from playwright.sync_api import Locator, expect
from podshell_parts import Podshell

OF_STOREFRONT = "storefront"


def open_logs(console: Console, pod: str, cluster: str = "demo-east") -> Locator:
    console.go(f"/pods?cluster={cluster}")
    console.pod(pod).get_by_role("link").click(timeout=DEADLINE_MS)
    console.page.get_by_role("tab", name="Logs").click(timeout=DEADLINE_MS)
    return console.page.get_by_role("log")


def test_a_log_is_followed_and_says_its_times_when_asked(console: Console) -> None:
    log = open_logs(console, OF_STOREFRONT)
    expect(log).to_contain_text("GET /products/", timeout=DEADLINE_MS)
    height = "document.querySelector('.log-sheet').getBoundingClientRect().height"
    before = console.page.evaluate(height)
    console.page.wait_for_function(f"(before) => {height} > before", arg=before, polling=POLL_MS, timeout=DEADLINE_MS)
    assert not re.search(r"\d{4}-\d\d-\d\dT", log.inner_text())
    console.page.get_by_label("Times").check()
    expect(log).to_contain_text(re.compile(r"\d{4}-\d\d-\d\dT.*GET"))


def test_the_run_before_is_shown_with_its_end(console: Console) -> None:
    log = open_logs(console, "fraud-check")
    console.page.get_by_label("Previous run").check(timeout=DEADLINE_MS)
    expect(log).to_contain_text("fatal: no model for region", timeout=DEADLINE_MS)
    expect(log).to_contain_text("End of the log")
    expect(console.page).to_have_url(re.compile("previous=yes"))


def test_there_was_no_run_before(console: Console) -> None:
    log = open_logs(console, OF_STOREFRONT)
    console.page.get_by_label("Previous run").check(timeout=DEADLINE_MS)
    expect(log).to_contain_text("There was no run before this one", timeout=DEADLINE_MS)


def test_a_container_that_never_started_says_why_it_has_no_log(console: Console) -> None:
    log = open_logs(console, "recommender")
    expect(log).to_contain_text("The log cannot be read", timeout=DEADLINE_MS)


def test_a_search_counts_marks_and_leaves_only_matches(console: Console) -> None:
    # A log that stays short, however long the cluster has been running.
    console.go("/pods/demo-east/shop/cart-0?cluster=demo-east&tab=logs&container=exporter")
    log = console.page.get_by_role("log", name="Log of exporter")
    expect(log).to_contain_text("ready", timeout=DEADLINE_MS)
    console.page.get_by_label("Search in the log").fill("READY")
    expect(console.page.locator(".log-tools [role=status]").first).to_have_text("0 of 1")
    console.page.keyboard.press("Enter")
    expect(console.page.locator(".log-tools [role=status]").first).to_have_text("1 of 1")
    expect(log.locator("mark")).to_have_text("ready")
    console.page.get_by_label("Only matches").check()
    expect(log.locator(".log-line")).to_have_count(1)


def test_a_download_holds_the_log_from_its_first_line(console: Console, tmp_path: Path) -> None:
    log = open_logs(console, OF_STOREFRONT)
    expect(log).to_contain_text("GET", timeout=DEADLINE_MS)
    with console.page.expect_download() as download:
        console.page.get_by_role("button", name="Download the whole log").click()
    file = tmp_path / "log.txt"
    download.value.save_as(file)
    assert re.match(r"\S+Z web in demo-east ready\n", file.read_text())
    assert download.value.suggested_filename.startswith("storefront-")


def test_each_container_has_its_own_log_and_the_address_says_which(console: Console) -> None:
    console.go("/pods/demo-east/shop/cart-0?cluster=demo-east&tab=logs&container=exporter")
    expect(console.page.get_by_role("log", name="Log of exporter")).to_contain_text("exporter ready", timeout=DEADLINE_MS)
    console.page.get_by_role("combobox", name="Container").click()
    console.page.get_by_role("option", name="cart", exact=True).click()
    expect(console.page.get_by_role("log", name="Log of cart")).to_contain_text("cart of demo-east", timeout=DEADLINE_MS)


def test_a_flood_keeps_the_page_answering_and_its_memory_bounded(console: Console) -> None:
    log = open_logs(console, "price-scanner")
    expect(log).to_contain_text("scan ", timeout=DEADLINE_MS)
    console.page.get_by_role("combobox", name="How far back").click()
    console.page.get_by_role("option", name="From the beginning").click()
    expect(log).to_contain_text("unchanged", timeout=DEADLINE_MS)
    rows = console.page.evaluate("document.querySelectorAll('.log-row').length")
    assert rows < 150, "only what is in sight is in the document"
    log.evaluate("element => { element.scrollTop = 0; }")
    button = console.page.get_by_role("button", name=re.compile("^To the latest"))
    expect(button).to_contain_text("new lines", timeout=DEADLINE_MS)
    button.click()
    expect(button).to_have_count(0)
    console.page.get_by_role("tab", name="Details").click()
    expect(console.page.get_by_role("article", name="scanner")).to_be_visible()


# The n-th line of a storefront, n from 1: they come again after 3,600 of them, which is two hours.
PERIOD = 3600
NUMBER = {f"GET /products/{n * 7919 % 400} 200 {n * 31 % 90}ms": n for n in range(1, PERIOD + 1)}


def numbers(log: Locator) -> list[int]:
    """The numbers of the lines in sight."""
    return [NUMBER[line] for line in log.locator(".log-row").all_inner_texts() if line in NUMBER]


def wait_for_the_latest(log: Locator) -> None:
    """Wait until the log so far is there: a line comes each 2 s, and those before come much faster."""
    expect(log).to_contain_text("GET", timeout=DEADLINE_MS)
    deadline = time.monotonic() + DEADLINE_MS / 1000
    before: list[int] = []
    while not before or numbers(log) != before:
        assert time.monotonic() < deadline, "lines never ceased to come"
        before = numbers(log)
        time.sleep(1)


def wait_for_lines(log: Locator, since: int, count: int) -> None:
    """Wait until `count` lines have come after the line `since`; those in sight are one after the other."""
    wanted = next(line for line, number in NUMBER.items() if number == (since + count - 1) % PERIOD + 1)
    expect(log.locator(".log-row").filter(has_text=wanted).last).to_be_visible(timeout=DEADLINE_MS)
    shown = numbers(log)
    assert [(n - shown[0]) % PERIOD for n in shown] == list(range(len(shown))), "no line is missing, and none is there twice"
    assert since in shown


def test_a_log_goes_on_after_its_agent_was_away(console: Console, podshell: Podshell) -> None:
    log = open_logs(console, OF_STOREFRONT, "demo-west")
    wait_for_the_latest(log)
    agent = podshell.agents["demo-west"]
    agent.stop(signal.SIGKILL)
    try:
        expect(log).to_contain_text("The connection broke off", timeout=DEADLINE_MS)
        last = numbers(log)[-1]
    finally:
        agent.start()
    wait_for_lines(log, last, 3)
    expect(log).not_to_contain_text("The connection broke off")


def test_a_log_goes_on_after_the_gateway_was_away(console: Console, podshell: Podshell) -> None:
    log = open_logs(console, OF_STOREFRONT)
    wait_for_the_latest(log)
    podshell.gateway.stop(signal.SIGKILL)
    try:
        expect(log).to_contain_text("The connection broke off", timeout=DEADLINE_MS)
        last = numbers(log)[-1]
    finally:
        podshell.start_gateway()
    wait_for_lines(log, last, 3)
    expect(log).not_to_contain_text("The connection broke off")
