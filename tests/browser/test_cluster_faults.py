"""What the page says when the cluster itself changes under it: rights that the agent loses, and a rollout that gets stuck."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from console import DEADLINE_MS, PROMPT, Console
from lab import Lab
from playwright.sync_api import Browser, StorageState, expect

from podshell.agent.ceiling import Ceiling
from podshell.sandbox import users

ADDRESS = "/pods?cluster=demo-east&namespace=shop"
SERVICE = "/services/demo-east/shop/Deployment/storefront"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    running = Lab(tmp_path_factory.mktemp("lab"), ceiling=Ceiling(pod_exec=True, pod_debug=True))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def lab_cookie(lab: Lab, chromium: Browser) -> StorageState:
    return lab.sign_in(chromium)


@pytest.fixture
def console(lab: Lab, chromium: Browser, lab_cookie: StorageState) -> Iterator[Console]:
    context = chromium.new_context(storage_state=lab_cookie, viewport={"width": 1440, "height": 900})
    yield Console(context.new_page(), lab.url)
    context.close()


def test_a_shell_that_kubernetes_refuses_names_it_the_verb_and_the_account(console: Console, lab: Lab) -> None:
    console.go(ADDRESS)
    lab.take_away(users.AGENT_EXEC)
    try:
        console.shell_button("cart-0").click(timeout=DEADLINE_MS)
        console.page.get_by_role("option", name=re.compile("^cart")).click()
        outcome = console.page.locator(".outcome")
        expect(outcome).to_contain_text("Refused by Kubernetes", timeout=DEADLINE_MS)
        expect(outcome).to_contain_text(users.AGENT)
        expect(outcome).to_contain_text("pods/exec")
        expect(outcome).to_contain_text(re.compile(r"\b(create|get)\b"))
        expect(outcome).to_contain_text("What you can do")
    finally:
        lab.give_back(users.AGENT_EXEC)
    outcome.get_by_role("button", name="Open again").click()
    console.wait_for(PROMPT)


def test_a_debug_container_that_kubernetes_refuses_is_told_in_its_form(console: Console, lab: Lab) -> None:
    lab.take_away(users.AGENT_DEBUG)
    try:
        console.go("/open?kind=debug&cluster=demo-east&namespace=shop&pod=cart-0")
        console.page.get_by_role("button", name="Open the shell").click(timeout=DEADLINE_MS)
        said = console.page.locator(".debug-refused, .outcome")
        expect(said).to_contain_text("Refused by Kubernetes", timeout=DEADLINE_MS)
        expect(said).to_contain_text("pods/ephemeralcontainers")
        expect(said).to_contain_text(users.AGENT)
    finally:
        lab.give_back(users.AGENT_DEBUG)


def test_a_debug_container_that_the_policy_refuses_is_told_in_its_form_and_never_made(console: Console, lab: Lab) -> None:
    before = lab.debug_containers("shop", "cart-0")
    console.go("/open?kind=debug&cluster=demo-east&namespace=shop&pod=cart-0")
    dialog = console.page.get_by_role("dialog", name="Debug container in cart-0")
    expect(dialog).to_contain_text("A debug container in the pod", timeout=DEADLINE_MS)
    lab.change_role("visitor")
    try:
        dialog.get_by_role("radio", name="Network").check()
        expect(dialog.locator(".debug-refused")).to_contain_text("debug:pod", timeout=DEADLINE_MS)
        expect(dialog.locator(".debug-refused")).to_contain_text("Refused by your organisation's policy")
        expect(dialog.get_by_role("button", name="Open the shell")).to_have_attribute("aria-disabled", "true")
        dialog.get_by_role("button", name="Open the shell").click(force=True)
    finally:
        lab.change_role("owner")
    dialog.get_by_role("radio", name="Plain").check()
    expect(dialog.get_by_role("button", name="Open the shell")).to_be_enabled(timeout=DEADLINE_MS)
    assert lab.debug_containers("shop", "cart-0") == before


def test_a_list_whose_right_is_taken_away_says_so_and_comes_back(console: Console, lab: Lab) -> None:
    console.go(ADDRESS)
    expect(console.pod("cart-0")).to_be_visible(timeout=DEADLINE_MS)
    lab.take_away(users.AGENT_READ)
    try:
        lab.break_connections()
        notice = console.page.locator(".notice")
        expect(notice).to_contain_text("The pods of demo-east cannot be listed", timeout=DEADLINE_MS)
        expect(notice).to_contain_text(users.AGENT)
        expect(notice).to_contain_text("list")
    finally:
        lab.give_back(users.AGENT_READ)
    expect(notice).to_have_count(0, timeout=DEADLINE_MS)
    expect(console.pod("cart-0")).to_be_visible(timeout=DEADLINE_MS)


def test_a_service_that_is_rolling_out_tells_old_and_new_until_it_is_whole_again(console: Console, lab: Lab) -> None:
    image = lab.image("shop", "storefront")
    console.go(f"{SERVICE}?tab=pods")
    head = console.page.get_by_role("main").locator("header").first
    expect(head).to_contain_text("Healthy", timeout=DEADLINE_MS)
    rows = console.page.get_by_role("main").get_by_role("rowheader")
    expect(rows).to_have_count(1)
    before = rows.inner_text()
    lab.set_image("shop", "storefront", "nowhere.example/storefront:9")
    try:
        expect(head).to_contain_text("Progressing", timeout=DEADLINE_MS)
        expect(console.page.locator(".service-why")).to_have_text(
            re.compile(r"rolling out: 1 of 1 pods updated, 1 ready; 1 (ImagePullBackOff|ErrImagePull)"), timeout=DEADLINE_MS
        )
        expect(rows).to_have_count(2)
        old = console.pod(before)
        expect(old).to_contain_text("Running")
        new = console.page.get_by_role("main").get_by_role("row").filter(has_text=re.compile("ImagePullBackOff|ErrImagePull"))
        expect(new).to_have_count(1)
        console.page.get_by_role("tab", name="Events").click()
        expect(console.page.get_by_role("tabpanel")).to_contain_text("Scaled up replica set", timeout=DEADLINE_MS)
        console.go("/services?cluster=demo-east&health=progressing")
        expect(console.page.locator(".service-card").filter(has_text="storefront")).to_contain_text("rolling out", timeout=DEADLINE_MS)
    finally:
        lab.set_image("shop", "storefront", image)
    console.go(f"{SERVICE}?tab=pods")
    expect(head).to_contain_text("Healthy", timeout=DEADLINE_MS)
    expect(console.page.locator(".service-why")).to_have_count(0)
    expect(rows).to_have_text([before], timeout=DEADLINE_MS)
