"""Files that hold secrets, whatever the umask."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from podshell.launch.browser import Redirect
from podshell.launch.secret_files import write_secret


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_secret_is_for_its_owner_only_and_replaces_an_open_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("old")
    path.chmod(0o644)
    write_secret(path, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)
    assert os.listdir(tmp_path) == ["token"]


def test_the_redirect_holds_the_link_as_data_and_goes_when_forgotten(tmp_path: Path) -> None:
    link = 'http://127.0.0.1:1/#signin=a"b</script>'
    redirect = Redirect(tmp_path / "browser", link)
    assert redirect.path.stat().st_mode & 0o777 == 0o600
    assert redirect.path.parent.stat().st_mode & 0o777 == 0o700
    page = redirect.path.read_text()
    assert page.count("</script>") == 1, "a link cannot end the script"
    assert 'href="http://127.0.0.1:1/#signin=a&quot;b&lt;/script&gt;"' in page
    redirect.forget()
    redirect.forget()
    assert not redirect.path.exists()


def test_without_a_display_no_browser_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not Redirect(tmp_path, "http://127.0.0.1:1/").open()
