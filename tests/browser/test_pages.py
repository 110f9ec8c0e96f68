"""The console's pages and the ways between them, in a real browser against the sandbox."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from console import DEADLINE_MS, PROMPT, Console
from playwright.sync_api import expect


@pytest.fixture
def marked(console: Console) -> Iterator[Console]:
    """demo-west is marked as production by its owner."""
    console.go("/clusters")
    console.page.get_by_role("article").first.wait_for(timeout=DEADLINE_MS)
    console.mark_cluster("demo-west", "Production", "red")
    yield console
    console.mark_cluster("demo-west", "", "")


def heading(console: Console, name: str) -> None:
    expect(console.page.get_by_role("heading", name=name, level=1)).to_be_visible(timeout=DEADLINE_MS)


def rail(console: Console, name: str) -> None:
    console.page.get_by_role("navigation").get_by_role("link", name=re.compile(f"^{name}")).click()


def choose(console: Console, label: str, option: str) -> None:
    """Choose in one of the two lists of the scope."""
    console.page.get_by_role("group", name="What is shown").get_by_label(label, exact=True).click()
    console.page.get_by_role("option", name=re.compile(option)).click()


def test_scope_goes_along_from_page_to_page_and_back_undoes_a_step(console: Console) -> None:
    console.go("/pods")
    heading(console, "Pods")
    choose(console, "Cluster", "demo-west")
    choose(console, "Namespace", "^shop")
    expect(console.page).to_have_url(re.compile(r"/pods\?cluster=demo-west&namespace=shop$"))
    rail(console, "Services")
    expect(console.page).to_have_url(re.compile(r"/services\?cluster=demo-west&namespace=shop$"))
    cards = console.page.locator(".service-card")
    expect(cards.filter(has_text="storefront")).to_have_count(1, timeout=DEADLINE_MS)
    expect(cards.filter(has_text="namespace shop")).to_have_count(cards.count())
    console.page.go_back()
    heading(console, "Pods")
    console.page.go_back()
    expect(console.page).to_have_url(re.compile(r"/pods\?cluster=demo-west$"))
    console.page.go_forward()
    # the next visit begins where this one was
    console.go("/")
    expect(console.page).to_have_url(re.compile(r"/pods\?cluster=demo-west&namespace=shop$"), timeout=DEADLINE_MS)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("/clusters", "podExec"),
        ("/services?cluster=demo-east&health=unhealthy&view=list", "recommender"),
        ("/services/demo-east/shop/Deployment/search?tab=info", "kubernetes.io"),
        ("/services/demo-east/shop/StatefulSet/cart?tab=nodes", "worker-1"),
        ("/services/demo-east/payments/Deployment/fraud-check?type=rollout", "Scaled up replica set"),
        ("/nodes?cluster=demo-east&q=notready", "No node matches"),
        ("/nodes/demo-east/worker-2", "NotReady"),
        ("/nodes/demo-east/worker-1?tab=pods", "cart-0"),
        ("/services/demo-east/shop/Deployment/nothing", "This service is not there"),
        ("/nodes/demo-east/ip-10-0-0-1.example.org", "This node is not there"),
        ("/pods/no/such", "There is no such page"),
    ],
)
def test_an_address_shows_the_same_after_a_reload(console: Console, address: str, shown: str) -> None:
    console.go(address)
    words = console.page.get_by_role("main").get_by_text(shown).first
    if address.endswith("tab=info"):
        words = console.page.get_by_role("main").get_by_text("bash:5.2").first
    expect(words).to_be_visible(timeout=DEADLINE_MS)
    console.page.reload()
    expect(words).to_be_visible(timeout=DEADLINE_MS)
    assert console.page.url == console.url + address


def test_a_service_without_a_healthy_pod_says_why_there_is_no_shell(console: Console) -> None:
    console.go("/services?cluster=demo-east&health=unhealthy")
    card = console.page.locator(".service-card").filter(has_text="recommender")
    expect(card).to_contain_text("0 of 1 pods ready; 1 ImagePullBackOff", timeout=DEADLINE_MS)
    card.get_by_role("link").click()
    expect(console.page.get_by_text("No shell can be opened in it now")).to_be_visible(timeout=DEADLINE_MS)
    button = console.page.get_by_role("button", name=re.compile("^Pod Shell: .*ImagePullBackOff"))
    expect(button).to_have_attribute("aria-disabled", "true")
    console.page.get_by_role("button", name="See its pods").click()
    expect(console.pod("recommender")).to_contain_text("ImagePullBackOff")
    expect(console.shell_button("recommender")).to_have_attribute("aria-disabled", "true")


def test_a_shell_is_in_the_timeline_of_its_service(console: Console) -> None:
    console.go("/services/demo-east/payments/Deployment/ledger")
    console.page.get_by_role("button", name="Pod Shell").click(timeout=DEADLINE_MS)
    console.wait_for(PROMPT)
    entry = console.page.locator(".timeline-shell").filter(has_text="open now").first
    expect(entry).to_contain_text("opened a shell in ledger", timeout=DEADLINE_MS)
    console.page.get_by_role("button", name=re.compile("^End the session in")).first.click()
    expect(console.page.locator(".timeline-shell").first).to_contain_text("ended", timeout=DEADLINE_MS)


def test_a_production_cluster_is_unmistakable(marked: Console) -> None:
    band = marked.page.locator(".production-band")
    expect(band).to_have_count(0)
    marked.go("/pods?cluster=demo-west")
    expect(band).to_contain_text("Production", timeout=DEADLINE_MS)
    marked.go("/services?view=list")
    expect(marked.page.get_by_role("cell").filter(has_text="demo-west, Production").first).to_be_visible(timeout=DEADLINE_MS)


def test_a_cluster_is_added_with_a_token_that_is_shown_once(console: Console) -> None:
    console.go("/clusters")
    console.page.get_by_role("button", name="Add a cluster").click(timeout=DEADLINE_MS)
    dialog = console.page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill("not a name")
    expect(dialog.get_by_role("button", name="Make a token")).to_be_disabled()
    dialog.get_by_role("textbox", name="Name").fill("team-a/lab.eu")
    dialog.get_by_role("textbox", name="Label").fill("Lab")
    dialog.get_by_role("button", name="Make a token").click()
    expect(dialog).to_contain_text("--cluster team-a/lab.eu", timeout=DEADLINE_MS)
    assert len(dialog.locator("pre").first.inner_text()) > 30
    dialog.get_by_role("button", name="Close").click()
    card = console.page.get_by_role("article", name="team-a/lab.eu")
    expect(card).to_contain_text("No agent of this cluster is connected", timeout=DEADLINE_MS)


def test_a_node_shell_that_is_not_allowed_says_by_whom(console: Console) -> None:
    console.go("/nodes/demo-east/worker-1")
    button = console.page.get_by_role("complementary").get_by_role("button", name=re.compile("^Node Shell on"))
    expect(button).to_have_attribute("aria-disabled", "true", timeout=DEADLINE_MS)
    expect(button).to_have_accessible_name(re.compile("--ceiling-node-shell"))
    console.page.keyboard.press("Escape")
    expect(console.page).to_have_url(re.compile(r"/nodes$"))


def test_a_link_to_a_shell_asks_first_and_enter_opens_it(console: Console) -> None:
    console.go("/open?cluster=demo-east&namespace=shop&pod=cart-0&container=cart")
    expect(console.page.get_by_role("heading", name="Open a shell in cart-0/cart?")).to_be_visible(timeout=DEADLINE_MS)
    expect(console.page.get_by_role("button", name="Open the shell")).to_be_focused()
    assert console.sockets == []
    console.page.keyboard.press("Enter")
    console.wait_for(PROMPT)
    expect(console.page).to_have_url(re.compile(r"/pods\?cluster=demo-east&namespace=shop$"))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("cluster=demo-east&namespace=shop&pod=cart-0&container=nothing", "cart-0 has no container called nothing"),
        ("cluster=demo-east&namespace=reports&pod=forecast", "No shell can be opened there now"),
        ("cluster=demo-east&namespace=shop&pod=nothing-9", "Refused by"),
        ("cluster=nowhere&namespace=shop&pod=cart-0", "Refused by"),
        ("cluster=demo-east", "This link says not enough"),
    ],
)
def test_a_link_to_a_shell_that_cannot_be_says_why(console: Console, query: str, said: str) -> None:
    console.go(f"/open?{query}")
    expect(console.page.get_by_role("main").get_by_text(said).first).to_be_visible(timeout=DEADLINE_MS)
    expect(console.page.get_by_role("button", name="Open the shell")).to_have_count(0)


def test_the_palette_opens_a_shell_with_keys_alone(console: Console) -> None:
    console.go("/clusters")
    heading(console, "Clusters")
    console.page.keyboard.press("Control+k")
    box = console.page.get_by_role("combobox", name=re.compile("^Find a pod"))
    expect(box).to_be_focused(timeout=DEADLINE_MS)
    console.page.keyboard.type("ledger demo-west")
    option = console.page.get_by_role("group", name="Pods").get_by_role("option")
    expect(option).to_have_count(1, timeout=DEADLINE_MS)
    while option.get_attribute("aria-selected") != "true":
        console.page.keyboard.press("ArrowDown")
    assert box.get_attribute("aria-activedescendant") == option.get_attribute("id")
    console.page.keyboard.press("Enter")
    console.wait_for(PROMPT)
    console.run("echo $CLUSTER", "\ndemo-west\n")


def test_what_is_typed_right_after_the_palettes_key_is_not_lost_nor_a_shortcut(console: Console) -> None:
    console.go("/clusters")
    heading(console, "Clusters")
    console.page.keyboard.press("Control+k")
    console.page.keyboard.type("gs ledger")  # "g s" would go to another page
    expect(console.page.get_by_role("combobox", name=re.compile("^Find a pod"))).to_have_value("gs ledger", timeout=DEADLINE_MS)
    expect(console.page).to_have_url(re.compile("/clusters$"))


def test_the_palette_leaves_a_terminal_its_keys(console: Console) -> None:
    console.go("/services?cluster=demo-east")
    console.page.keyboard.press("Control+k")
    console.page.keyboard.press("Escape")
    console.go()
    console.open_shell("cart-0", "cart")
    console.type("echo gone")
    console.page.keyboard.press("Control+a")
    console.page.keyboard.press("Control+k")  # kill-line
    console.run("echo $((40+2))", r"\n42\n")
    assert "echo goneecho" not in console.text()
    expect(console.page.get_by_role("combobox", name=re.compile("^Find a pod"))).to_have_count(0)
    console.type("?gp")
    expect(console.page.get_by_role("dialog")).to_have_count(0)
    console.page.keyboard.press("Control+Shift+K")
    expect(console.page.get_by_role("combobox", name=re.compile("^Find a pod"))).to_be_focused(timeout=DEADLINE_MS)


def test_pages_are_reached_by_two_keys_until_single_keys_are_off(console: Console) -> None:
    console.go("/pods")
    heading(console, "Pods")
    console.page.keyboard.type("gs")
    heading(console, "Services")
    console.page.keyboard.press("?")
    dialog = console.page.get_by_role("dialog", name="Keyboard shortcuts")
    dialog.get_by_role("switch", name="Single keys").uncheck(force=True, timeout=DEADLINE_MS)
    console.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    console.page.keyboard.type("gn")
    console.page.keyboard.press("Control+k")
    expect(console.page.get_by_role("combobox", name=re.compile("^Find a pod"))).to_be_focused(timeout=DEADLINE_MS)
    expect(console.page.get_by_role("heading", name="Services", include_hidden=True)).to_be_attached()


def test_open_sessions_are_counted_listed_and_ended(console: Console) -> None:
    console.go()
    console.open_shell("cart-0", "exporter")
    badge = console.page.get_by_role("navigation").locator(".tag")
    expect(badge).to_be_visible(timeout=DEADLINE_MS)
    rail(console, "Sessions")
    heading(console, "Sessions")
    ours = console.page.locator(f'a[href^="/sessions/{console.sockets[-1].session}"]')  # other tests have left some of the same name
    row = console.page.get_by_role("main").get_by_role("row").filter(has=ours)
    expect(row).to_contain_text("Running", timeout=DEADLINE_MS)
    row.get_by_role("button", name="End the session in cart-0/exporter").click()
    expect(row).to_have_count(0, timeout=DEADLINE_MS)


def test_sessions_out_of_scope_are_counted_not_hidden(console: Console) -> None:
    console.go()
    console.open_shell("cart-0", "exporter")
    console.go("/sessions?cluster=demo-west")
    console.page.get_by_text("in other clusters or namespaces").wait_for(timeout=DEADLINE_MS)
    console.page.get_by_role("button", name="Show all").click()
    expect(console.page.get_by_role("main").get_by_role("rowheader", name="cart-0/exporter").first).to_be_visible()
    console.page.get_by_role("button", name=re.compile("^End the session in")).last.click()
