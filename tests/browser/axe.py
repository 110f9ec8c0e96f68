"""Whether a page keeps WCAG 2.2 AA, as far as axe-core can tell: `expect_accessible(page)` on the page as it stands.

axe is evaluated through the debugger, not put into the document, so that the console's content policy stays as it is.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@functools.cache
def _source() -> str:
    return AXE.read_text()


def violations(page: Page, *leave_out: str) -> list[str]:
    """What axe finds on the page, one line each; `leave_out` are selectors of what is not the console's to mend."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(f"() => {{ {_source()}\n }}")
    found = page.evaluate(
        """async ([out, rules]) => {
          const {violations} = await axe.run({exclude: out.map((one) => [one])}, {runOnly: {type: "tag", values: rules}});
          return violations.flatMap(({id, nodes}) => nodes.map((node) => [id, node.target.join(" "), node.failureSummary]));
        }""",
        [list(leave_out), RULES],
    )
    return [f"{rule} {target}: {json.dumps(why)}" for rule, target, why in found]


def expect_accessible(page: Page, *leave_out: str) -> None:
    """Fail with everything that axe finds."""
    found = violations(page, *leave_out)
    assert not found, "\n".join(found)
