"""S1, "Accessing pod shell", click by click: Option 1 from the pods page, Option 2 from a service, each by both of its ways.

And what S1 leaves to be understood: several containers make one choose, and what does not run offers no shell and says why.
"""

from __future__ import annotations

import re
import time

import pytest
from console import DEADLINE_MS, PROMPT, Console
from playwright.sync_api import Locator, expect
from podshell_parts import Podshell, PodState

CLUSTER = "demo-east"
# Which pods of the sandbox do not run, by the beginning of their names, and what their missing shell is put down to.
WHY = {
    "forecast": r"no container of the pod is running \(Pending\)",
    "recommender": r"no container of the pod is running \((ImagePullBackOff|ErrImagePull)\)",
    "fraud-check": r"no container of the pod is running \((CrashLoopBackOff|Error)\)",
    "nightly-report": r"no container of the pod is running \(Completed\)",
    "export": "the pod is being deleted",
}
# Its old pods run, its new ones do not.
ROLLOUT, ROLLOUT_WHY = "pricing", r"no container of the pod is running \((ImagePullBackOff|ErrImagePull)\)"
SERVICES = {
    "recommender": "reports/Deployment/recommender",
    "fraud-check": "payments/Deployment/fraud-check",
    "nightly-report": "reports/Job/nightly-report",
    ROLLOUT: "shop/Deployment/pricing",
}


def rail(console: Console, name: str) -> None:
    """Click on an entry of the left navbar, and see its page."""
    console.page.get_by_role("navigation").get_by_role("link", name=re.compile(f"^{name}")).click(timeout=DEADLINE_MS)
    expect(console.page.get_by_role("heading", name=name, level=1)).to_be_visible(timeout=DEADLINE_MS)


def running_pod(console: Console, name: str) -> Locator:
    """The row of a pod in Running state."""
    row = console.pod(name)
    expect(row.get_by_text("Running", exact=True)).to_be_visible(timeout=DEADLINE_MS)
    return row


def pod_exec(row: Locator) -> Locator:
    """Click on Actions; the menu's item Pod Exec."""
    row.get_by_role("button", name=re.compile("^Actions for")).click(timeout=DEADLINE_MS)
    return row.page.get_by_role("menuitem", name=re.compile("^Pod Exec"))


def pod_shell(console: Console, row: Locator) -> Locator:
    """Click on the row, on no link or button of it; the button Pod Shell on the top of what opens."""
    row.get_by_role("cell").nth(1).click(timeout=DEADLINE_MS)
    return console.page.get_by_role("complementary").get_by_role("button", name=re.compile("^Pod Shell"))


def the_shell_is_opened(console: Console, name: str) -> None:
    """There is a prompt, in the place that its tab tells; end the session after that, so that the next way begins where this one did."""
    expect(console.page.get_by_role("tab", name=re.compile(f"^{name}"), selected=True)).to_be_visible(timeout=DEADLINE_MS)
    console.wait_for(PROMPT)
    console.run("echo in-$CLUSTER-$((6*7))", f"\nin-{CLUSTER}-42\n")
    end = console.page.get_by_role("region", name="Shells", exact=True).get_by_role("button", name=re.compile("^End the session in"))
    end.click()
    expect(console.page.locator(".terminal-host")).to_have_count(0)


def to_running_pods(console: Console) -> None:
    """Option 1 as far as both ways go: pods page on the left navbar, those in Running state."""
    console.go(f"/sessions?cluster={CLUSTER}")
    rail(console, "Pods")
    console.page.locator(".chips").get_by_text("Running").click()


def to_pods_of_service(console: Console, service: str) -> None:
    """Option 2 as far as both ways go: services page on the left navbar, a service with a healthy pod, its pods tab."""
    console.go(f"/sessions?cluster={CLUSTER}")
    rail(console, "Services")
    card = console.page.locator(".service-card").filter(has=console.page.get_by_role("link", name=service, exact=True))
    expect(card).to_contain_text("Healthy", timeout=DEADLINE_MS)
    card.get_by_role("link", name=service, exact=True).click()
    expect(console.page.get_by_role("heading", name=service, level=1)).to_be_visible(timeout=DEADLINE_MS)
    console.page.get_by_role("tab", name=re.compile("^Pods")).click()


def test_option_1_via_pods_page(console: Console) -> None:
    to_running_pods(console)
    pod_exec(running_pod(console, "storefront")).click()
    the_shell_is_opened(console, "storefront-.*.web")

    to_running_pods(console)
    pod_shell(console, running_pod(console, "storefront")).click()
    the_shell_is_opened(console, "storefront-.*.web")

    to_running_pods(console)
    running_pod(console, "storefront").get_by_role("button", name=re.compile("^Pod Shell in storefront")).click()
    the_shell_is_opened(console, "storefront-.*.web")


def test_option_2_via_service_page(console: Console) -> None:
    to_pods_of_service(console, "storefront")
    pod_exec(running_pod(console, "storefront")).click()
    the_shell_is_opened(console, "storefront-.*.web")

    to_pods_of_service(console, "storefront")
    pod_shell(console, running_pod(console, "storefront")).click()
    expect(console.page).to_have_url(re.compile(r"/services/demo-east/shop/Deployment/storefront\?.*pod=storefront-"))
    the_shell_is_opened(console, "storefront-.*.web")

    to_pods_of_service(console, "storefront")
    running_pod(console, "storefront").get_by_role("button", name=re.compile("^Pod Shell in storefront")).click()
    the_shell_is_opened(console, "storefront-.*.web")


@pytest.mark.parametrize("option", ["pods page", "service page"])
def test_of_several_containers_the_user_has_to_choose_one(console: Console, option: str) -> None:
    def way() -> Locator:
        if option == "pods page":
            to_running_pods(console)
        else:
            to_pods_of_service(console, "search")
        return running_pod(console, "search")

    containers = ["api", "indexer", "cache", "exporter"]
    pod_exec(way()).hover()
    submenu = console.page.get_by_role("menu", name="Pod Exec")
    expect(submenu.get_by_role("menuitem")).to_have_count(len(containers), timeout=DEADLINE_MS)
    assert [text.split("\n")[0] for text in submenu.get_by_role("menuitem").all_inner_texts()] == containers
    submenu.get_by_role("menuitem", name="indexer").click()
    the_shell_is_opened(console, "search-.*.indexer")

    pod_shell(console, way()).click()
    options = console.page.get_by_role("dialog").get_by_role("option")
    expect(options).to_have_count(len(containers), timeout=DEADLINE_MS)
    for name, image in zip(containers, ("bash:5.2", "busybox:1.36", "busybox:1.36", "distroless:12"), strict=True):
        row = options.filter(has_text=re.compile(f"^{name}"))
        expect(row).to_contain_text("running")
        expect(row).to_contain_text(image)
    assert console.page.locator(".terminal-host").count() == 0, "no shell before one has been chosen"
    options.filter(has_text=re.compile("^cache")).click()
    the_shell_is_opened(console, "search-.*.cache")


def settled_pods(podshell: Podshell) -> list[PodState]:
    """The cluster's pods, once those that other tests have deleted are replaced."""
    deadline = time.monotonic() + DEADLINE_MS / 1000
    while True:
        pods = podshell.pods(CLUSTER)
        known = (*WHY, ROLLOUT)
        moving = [pod.name for pod in pods if not pod.runs and not pod.name.startswith(known)]
        if not moving:
            return pods
        assert time.monotonic() < deadline, f"neither do these run, nor are they meant to be in trouble: {moving}"
        time.sleep(0.1)


def reason_of(pod: PodState) -> str:
    """Why a pod has no shell, as a pattern; empty for one that has."""
    for beginning, why in WHY.items():
        if pod.name.startswith(beginning):
            return why
    return "" if pod.runs else ROLLOUT_WHY


def refuses(control: Locator, why: str) -> None:
    """It cannot be used, and its name or description says why."""
    expect(control).to_have_attribute("aria-disabled", "true", timeout=DEADLINE_MS)
    said = control.evaluate(
        """(control) => [control.ariaLabel, control.innerText, document.getElementById(control.getAttribute("aria-describedby"))?.innerText]
          .filter(Boolean).join(" ")"""
    )
    assert re.search(why, said), said


def test_nothing_but_running_offers_a_shell_and_each_other_state_says_why(console: Console, podshell: Podshell) -> None:
    pods = settled_pods(podshell)
    refused = [pod for pod in pods if reason_of(pod)]
    assert {beginning for beginning in (*WHY, ROLLOUT) for pod in refused if pod.name.startswith(beginning)} == {*WHY, ROLLOUT}
    console.go(f"/pods?cluster={CLUSTER}")
    for pod in pods:
        console.page.get_by_label("Search by name or label").fill(pod.name)
        why = reason_of(pod)
        if not why:
            expect(console.shell_button(pod.name)).not_to_have_attribute("aria-disabled", "true", timeout=DEADLINE_MS)
            continue
        refuses(console.shell_button(pod.name), why)
        console.shell_button(pod.name).click(force=True)
        refuses(pod_exec(console.pod(pod.name)), why)
        console.page.keyboard.press("Escape")
        refuses(pod_shell(console, console.pod(pod.name)), why)
        console.page.keyboard.press("Escape")
        expect(console.page.get_by_role("complementary")).to_have_count(0)
    for beginning, service in SERVICES.items():
        console.go(f"/services/{CLUSTER}/{service}?tab=pods")
        for pod in refused:
            if pod.name.startswith(beginning):
                refuses(console.shell_button(pod.name), reason_of(pod))
                refuses(pod_exec(console.pod(pod.name)), reason_of(pod))
                console.page.keyboard.press("Escape")
    assert console.sockets == []
