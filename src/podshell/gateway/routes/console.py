"""The console: the files of the built user interface, and index.html for the addresses that it makes up itself."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from podshell.gateway.answers import refusal_answer
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy

FOLDER = Path(__file__).parent.parent / "ui"

_MISSING = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Podshell</title>
<h1>The console is not built</h1>
<p>This gateway runs from a source tree whose user interface was not built yet. Build it with <code>make ui</code> and reload this page.
The API is there: <a href="/api/openapi.json">/api/openapi.json</a>.</p></html>
"""

router = APIRouter()


@router.get("/api/openapi.json", include_in_schema=False)
async def get_document(request: Request) -> Response:
    """Answer with the OpenAPI document."""
    return JSONResponse(request.app.openapi())


@router.get("/{path:path}", include_in_schema=False)
async def get_console(path: str) -> Response:
    """Answer with a file of the console."""
    if path.startswith(("api/", "ws/")) or path in ("api", "ws", "link"):
        return _not_found()
    if not (FOLDER / "index.html").is_file():
        return Response(_MISSING, 503, media_type="text/html")
    file = (FOLDER / path).resolve()
    if path and file.is_relative_to(FOLDER.resolve()) and file.is_file():
        # Vite names its files by their content
        cache = "public, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
        return FileResponse(file, headers={"cache-control": cache})
    parts = path.split("/")
    # Names of nodes and clusters have dots, so below the first part only what leads out of the folder, or into assets/, is a missing file.
    if ".." in parts or ("." in parts[-1] and (len(parts) == 1 or parts[0] == "assets")):
        return _not_found()
    return FileResponse(FOLDER / "index.html", headers={"cache-control": "no-cache"})


def _not_found() -> Response:
    return refusal_answer(Refusal(ErrorCode.NOT_FOUND, RefusedBy.GATEWAY, "there is nothing at this address"))
