"""Whether a page keeps WCAG 2.2 AA, as far as axe-core can tell: `expect_accessible(page)` on the page as it stands.

axe is evaluated through the debugger, not put into the document, so that the console's content policy stays as it is.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Resolves once the page is drawn as it stands now, colours on their way included.
DRAWN = """async () => {
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  const transitions = document.getAnimations().filter((one) => one instanceof CSSTransition);
  await Promise.all(transitions.map((one) => one.finished.catch(() => 0)));
}"""


@functools.cache
def _source() -> str:
    return AXE.read_text()


def violations(page: Page, *leave_out: str, rules: list[str] | None = None) -> list[str]:
    """What axe finds on the page, one line each.

    `leave_out` are selectors of what is not the console's to mend; what a program has drawn on a terminal never is. `rules` are the only
    ones to try. A menu or a tooltip is told by the button that it belongs to, so that axe's advice to put all into landmarks does not hold
    for them.
    """
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(f"() => {{ {_source()}\n }}")
    only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": RULES}
    found = page.evaluate(
        """async ([out, runOnly]) => {
          const options = {runOnly, resultTypes: ["violations"]};
          const {violations} = await axe.run({exclude: out.map((one) => [one])}, options);
          const belongs = (id, node) => id === "region" && document.querySelector(node.target[0])?.closest("[role=menu], [role=tooltip]");
          return violations.flatMap(({id, nodes}) =>
            nodes.filter((node) => !belongs(id, node)).map((node) => [id, node.target.join(" "), node.failureSummary]));
        }""",
        [[*leave_out, ".xterm-rows"], only],
    )
    return [f"{rule} {target}: {json.dumps(why)}" for rule, target, why in found]


def expect_accessible(page: Page, *leave_out: str) -> None:
    """Fail with everything that axe finds."""
    found = violations(page, *leave_out)
    assert not found, "\n".join(found)


def expect_accessible_in_both_schemes(page: Page, state: str) -> None:
    """The same for a state that is dear to bring about: light, then dark, where it stands; `state` says in a failure which it was."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.locator(f'html[data-mantine-color-scheme="{scheme}"]').wait_for()
        page.evaluate(DRAWN)
        # Schemes differ in nothing but colours.
        found = violations(page, rules=None if scheme == SCHEMES[0] else ["color-contrast", "link-in-text-block"])
        assert not found, "\n".join([f"{state}, {scheme}:", *found])
