"""From a sign-in link to a shell, in a real browser against the sandbox."""

from __future__ import annotations

import re
import signal

from console import DEADLINE_MS, PROMPT, Console
from playwright.sync_api import Browser, StorageState, expect
from podshell_parts import Podshell


def test_a_sign_in_link_leads_to_a_prompt_and_works_once(podshell: Podshell, chromium: Browser, signed_in: StorageState) -> None:
    assert signed_in["cookies"], "the first link was taken by those who are signed in already; this test uses up another"
    podshell.gateway.stop()
    podshell.start_gateway()  # prints a new link
    link = podshell.link()
    context = chromium.new_context()
    console = Console(context.new_page(), podshell.url)
    console.page.goto(link)
    # Rows out of sight are not in the document, and this page has the pods of both clusters.
    console.page.get_by_label("Search by name or label").fill("storefront", timeout=DEADLINE_MS)
    console.open_shell("storefront")
    console.run("echo $((6*7))", r"\n42\n")
    assert "signin" not in console.page.url
    assert console.page.evaluate("document.cookie") == ""
    other = chromium.new_context()
    page = other.new_page()
    page.goto(link)
    expect(page.get_by_role("heading", name="This link no longer works")).to_be_visible(timeout=DEADLINE_MS)
    expect(page.get_by_text("For a new link")).to_be_visible()
    context.close()
    other.close()


def test_of_several_containers_one_must_be_chosen_by_keyboard(console: Console) -> None:
    console.go()
    console.shell_button("cart-0").press("Enter", timeout=DEADLINE_MS)
    options = console.page.get_by_role("option")
    expect(options.first).to_be_visible()
    names = [text.split("\n")[0] for text in options.all_inner_texts()]
    assert len(names) > 1
    console.page.keyboard.type("exporter")
    expect(options).to_have_count(1)
    console.page.keyboard.press("Enter")
    console.wait_for(PROMPT)
    expect(console.page.get_by_role("tab", name="cart-0/exporter")).to_be_visible()


def test_a_container_without_a_shell_says_so_and_what_to_do(console: Console) -> None:
    console.go()
    console.shell_button("gateway").click(timeout=DEADLINE_MS)
    outcome = console.page.locator(".outcome, .problem")
    expect(outcome).to_be_visible(timeout=DEADLINE_MS)
    expect(outcome).to_contain_text("What you can do")


def test_pods_of_one_name_in_two_clusters_are_two_places(console: Console) -> None:
    console.go("/pods?cluster=demo-east")
    console.open_shell("cart-0", "cart")
    console.run("touch /tmp/only-east; ls /tmp", "only-east\n")
    console.go("/pods?cluster=demo-west")
    console.open_shell("cart-0", "cart")
    console.run("ls /tmp/only-east", "No such file")


def test_the_running_filter_and_the_search_stand_in_the_address(console: Console) -> None:
    console.go("/pods")
    console.page.get_by_text("Running", exact=True).first.wait_for(timeout=DEADLINE_MS)
    console.page.locator(".chips").get_by_text("Running").click()
    console.page.get_by_label("Search by name or label").fill("cart")
    expect(console.page).to_have_url(re.compile(r"status=running.*q=cart|q=cart.*status=running"))
    console.page.reload()
    expect(console.page.get_by_role("rowheader")).to_have_count(2, timeout=DEADLINE_MS)


def test_an_exit_code_is_shown_and_the_shell_can_be_opened_again(console: Console) -> None:
    console.go()
    console.open_shell("storefront")
    console.type("exit 7\n")
    console.expect_alert("Session ended")
    console.expect_alert("Exit code 7")
    console.page.get_by_role("button", name="Open again").click()
    expect(console.page.locator(".outcome")).to_have_count(0, timeout=DEADLINE_MS)
    console.run("echo again$((1+1))", "\nagain2\n")
    expect(console.page.get_by_role("tab")).to_have_count(1)


def test_closing_a_tab_ends_the_session(console: Console) -> None:
    console.go()
    console.open_shell("storefront")
    console.page.get_by_role("button", name=re.compile("^End the session in")).click()
    expect(console.page.get_by_role("tab")).to_have_count(0)
    console.page.get_by_role("link", name="Sessions").click()
    expect(console.page.get_by_role("heading", name="Sessions")).to_be_visible()


def test_a_minimised_shell_goes_on_and_comes_back_as_it_was(console: Console) -> None:
    console.go()
    console.open_shell("storefront")
    console.run("echo before", "\nbefore\n")
    console.type("sleep 1; echo af''ter\n")
    console.page.get_by_role("button", name="Minimise").click()
    expect(console.page.locator(".terminal-host")).not_to_be_visible()
    expect(console.page.locator(".unseen")).to_be_visible(timeout=DEADLINE_MS)
    console.page.get_by_role("button", name="Restore storefront").click()
    console.wait_for("\nafter\n")
    console.expect_equal_to_headless()


def test_a_session_opens_by_its_address(console: Console) -> None:
    console.go()
    console.open_shell("storefront")
    console.run("MARK=here", "MARK=here")
    kept = console.page.evaluate("JSON.parse(sessionStorage['podshell.dock']).tabs[0].id")
    other = console.page.context.new_page()
    there = Console(other, console.url)
    there.go(f"/sessions/{kept}")
    there.wait_for("MARK=here")
    there.run("echo $MARK$MARK", "\nherehere\n")


def test_an_agent_that_restarts_is_seen_and_says_what_is_lost(console: Console, podshell: Podshell) -> None:
    console.go("/pods?cluster=demo-west")
    console.open_shell("storefront")
    podshell.agents["demo-west"].stop(signal.SIGKILL)
    console.expect_alert("agent is offline")
    podshell.agents["demo-west"].start()
    console.expect_alert("in-session state was lost")
    console.run("echo new$((3*3))", "\nnew9\n")
