"""The images of the sandbox: folder trees built from programs of the machine, and the names they go by.

Built once in the sandbox's folder, before the first container needs one.  A pull of anything else fails with containerd's
own words (transcripts/events/image-pull-failure.v1, transcripts/ephemeral/invalid-image-name).
"""

import functools
import http.client
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from podshell.sandbox.runtime.specs import ImagePullFailed

_REFERENCE = re.compile(
    r"(?:(?P<host>localhost(?::\d+)?|[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+(?::\d+)?|[a-zA-Z0-9-]+:\d+)/)?"
    r"(?P<path>[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@sha256:[0-9a-f]{64})?"
)
_ABSENT_TAG = re.compile(r"nope|missing|absent|no-such|does-not-exist")  # for images that shall not be found
# Where the machine has no static busybox, an image is made of these, as far as they are there.
_PROGRAMS = (
    "sh bash ls cat sleep echo env id ps stty tty head tail wc sort sed grep awk tar date uname hostname true false "
    "mkdir rm cp mv ln touch chmod kill printf yes test expr seq cut tr uniq find xargs dd df du od tee which"
)
# Beside busybox and bash, as far as the machine has them; dtach is what holds a shell when its stream is lost.
_TOOLS = "dtach ip ss ping tcpdump strace dig nslookup curl jq less nsenter iptables traceroute"
_NONROOT = 65532
_PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
_GROUP = "root:x:0:\ntty:x:5:\nnobody:x:65534:\n"


@dataclass(frozen=True)
class Image:
    """A built image: its folder, and the command of a container that names none (``program`` is the file to run)."""

    name: str
    folder: Path
    command: tuple[str, ...]
    program: str = ""
    user: int = 0


def parse_reference(reference: str) -> tuple[str, str, str]:
    """Split an image name into host, path and tag.

    Raises: ImagePullFailed, reason InvalidImageName.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        text = f'Failed to apply default image tag "{reference}": couldn\'t parse image name "{reference}": '
        raise ImagePullFailed(text + "invalid reference format", "InvalidImageName")
    host, path, tag = match["host"] or "docker.io", match["path"], match["tag"] or "latest"
    if host == "docker.io" and "/" not in path:
        path = f"library/{path}"
    return host, path, tag


def _status_at(registry: str, path: str) -> str:
    """Ask a registry of this machine, by plain http as containerd does there; returns address and status, or nothing: none answers.

    No other registry is ever asked.
    """
    host, _, port = registry.partition(":")
    if host != "127.0.0.1" or not port:
        return ""
    connection = http.client.HTTPConnection(host, int(port), timeout=1)
    try:
        connection.request("HEAD", path)
        response = connection.getresponse()
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()
    return f"http://{registry}{path}: {response.status} {response.reason}"


class ImageStore:
    """The images below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._built: dict[str, Image] = {}
        self._recipes: dict[str, Callable[[str], Image]] = {
            "busybox": self._build_busybox,
            "alpine": self._build_busybox,
            "tools": self._build_tools,
            "bash": self._build_bash,
            "debian": self._build_bash,
            "ubuntu": self._build_bash,
            "zsh": self._build_bash,
            "tiny": self._build_tiny,
            "bash-only": self._build_bash_only,
            "nonroot": self._build_nonroot,
            "distroless": self._build_distroless,
            "static": self._build_distroless,
            "static-debian12": self._build_distroless,
        }

    def register(self, name: str, folder: Path, command: tuple[str, ...] = ("sh",), *, user: int = 0) -> None:
        """Let a root file system that exists go by a name, such as one that was built by an image's own recipe.

        It is shown read-only apart from /etc, /home, /root, /run, /tmp and /var, and left as it is.
        """
        self._built[name] = Image(name, folder, command, user=user)
        self._recipes[name] = lambda _: self._built[name]

    def pull(self, reference: str) -> Image:
        """Find the image of a name, building it if this is the first use.

        Raises: ImagePullFailed.
        """
        host, path, tag = parse_reference(reference)
        name = path.rpartition("/")[2]
        if name not in self._recipes or _ABSENT_TAG.search(tag):
            registry = "registry-1.docker.io" if host == "docker.io" else host
            full = f"{path}:{tag}" if host == "localhost" else f"{host}/{path}:{tag}"
            shown = f"localhost/{full}" if host == "localhost" else full
            address = "192.0.2.1" if ":" in registry else "192.0.2.1:443"
            failed = f'failed to pull and unpack image "{shown}": failed to resolve image: '
            if status := _status_at(registry, f"/v2/{path}/manifests/{tag}"):
                # containerd core/remotes/docker: unexpectedResponseErr
                raise ImagePullFailed(f"{failed}unexpected status from HEAD request to {status}")
            raise ImagePullFailed(
                f"{failed}failed to do request: "
                f'Head "https://{registry}/v2/{path}/manifests/{tag}": dial tcp {address}: connect: connection refused'
            )
        return self.find(name)

    def find(self, name: str) -> Image:
        """Return a known image by its short name, built."""
        if name not in self._built:
            image = self._recipes[name](name)
            _open_to_all(image.folder)
            self._built[name] = image
        return self._built[name]

    def _start_folder(self, name: str) -> Path:
        root = self._folder / name
        for folder in ("bin", "etc", "root", "tmp", "home", "var"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "tmp").chmod(0o1777)
        (root / "etc/passwd").write_text(_PASSWD)
        (root / "etc/group").write_text(_GROUP)
        return root

    def _build_busybox(self, name: str) -> Image:
        root = self._start_folder(name)
        busybox = _static_busybox()
        if busybox is None:
            for program in _PROGRAMS.split():
                _copy_program(program, root)
        else:
            _share(busybox, root / "bin/busybox")
            _link_applets(root / "bin", _applets(busybox))
        (root / "usr").mkdir(exist_ok=True)
        for alias, target in (("usr/bin", "../bin"), ("sbin", "bin")):
            if not (root / alias).is_symlink():
                (root / alias).symlink_to(target)
        return Image(name, root, ("sh",))

    def _build_bash(self, name: str) -> Image:
        root = self._build_busybox(name).folder
        shells = [shell for shell in ("bash", "zsh") if _copy_program(shell, root)]
        for source in ("/lib/terminfo", "/usr/share/terminfo"):
            for entry in ("x/xterm", "x/xterm-256color", "v/vt100", "l/linux"):
                if os.path.isfile(f"{source}/{entry}"):
                    (root / "lib/terminfo" / entry).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(f"{source}/{entry}", root / "lib/terminfo" / entry)
        for locale in Path("/usr/lib/locale").glob("C.[uU]*8"):  # glibc has no UTF-8 built in: without it bash shows ● as \342\227\217
            shutil.copytree(locale, root / str(locale).lstrip("/"), dirs_exist_ok=True)
        for modules in Path("/usr/lib").glob("*/zsh") if "zsh" in shells else ():
            shutil.copytree(modules, root / str(modules).lstrip("/"), dirs_exist_ok=True)
        return Image(name, root, ((name if name in shells else "bash") if shells else "sh",))

    def _build_tools(self, name: str) -> Image:
        """Build what stands for the tools image: bash and what the machine has of the tools that debugging asks for."""
        image = self._build_bash(name)
        for program in _TOOLS.split():
            _copy_program(program, image.folder)
        return image

    def _build_tiny(self, name: str) -> Image:
        """Build an image with sh and sleep, and no other program."""
        root = self._start_folder(name)
        busybox = _static_busybox()
        for program in ("sh", "sleep"):
            if busybox is None:
                _copy_program(program, root)
            else:
                _share(busybox, root / "bin" / program)
        return Image(name, root, ("sh",))

    def _build_bash_only(self, name: str) -> Image:
        """Build an image whose only program is /bin/bash."""
        root = self._start_folder(name)
        _copy_program("bash", root)
        return Image(name, root, ("bash",))

    def _build_nonroot(self, name: str) -> Image:
        """Build an image that runs as another user than root."""
        root = self._build_busybox(name).folder
        (root / "etc/passwd").write_text(f"{_PASSWD}nonroot:x:{_NONROOT}:{_NONROOT}:nonroot:/home:/bin/sh\n")
        return Image(name, root, ("sleep", "infinity"), user=_NONROOT)

    def _build_distroless(self, name: str) -> Image:
        """Build an image without a shell: one program that stays alive, /app/server."""
        root = self._start_folder(name)
        (root / "app").mkdir(exist_ok=True)
        busybox = _static_busybox()
        if busybox is None:
            _copy_program("sleep", root)
            shutil.move(root / "bin/sleep", root / "app/server")
        else:
            _share(busybox, root / "app/server")
        return Image(name, root, ("sleep", "infinity"), "/app/server")


def _open_to_all(root: Path) -> None:
    """Let every user read an image, also where the umask is 077: containers run as other users than the sandbox."""
    for folder, _, names in os.walk(root):
        os.chmod(folder, os.stat(folder).st_mode | 0o755)
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                os.chmod(path, os.stat(path).st_mode | 0o444)


@functools.cache
def _static_busybox() -> str | None:
    path = shutil.which("busybox")
    if path is None:
        return None
    # A dynamic busybox would need its libraries; the package busybox-static is what the sandbox wants.
    listed = subprocess.run(["ldd", path], check=False, capture_output=True, text=True)
    return path if listed.returncode != 0 or "statically" in listed.stdout else None


@functools.cache
def _applets(busybox: str) -> tuple[str, ...]:
    return tuple(subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split())


def _link_applets(folder: Path, names: tuple[str, ...]) -> None:
    """Let names stand for busybox. One symbolic link has many names: a file system takes ten times as long to make one each."""
    first = ""
    for name in names:
        path = os.path.join(folder, name)
        if os.path.lexists(path):
            continue
        if first:
            os.link(first, path, follow_symlinks=False)
        else:
            os.symlink("busybox", path)
            first = path


def _share(source: str, target: Path) -> None:
    if not target.exists():
        shutil.copy(source, target)


def _copy_program(name: str, root: Path) -> bool:
    """Put a program of the machine and its libraries into a root folder; False when the machine has none."""
    path = shutil.which(name)
    if path is None:
        return False
    target = root / "bin" / name
    if target.is_symlink():
        target.unlink()
    shutil.copy(path, target)
    for library in _libraries(path):
        place = root / library.lstrip("/")
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, place)
    return True


@functools.cache
def _libraries(program: str) -> tuple[str, ...]:
    listed = subprocess.run(["ldd", program], check=False, capture_output=True, text=True).stdout
    return tuple(re.findall(r"(/\S+\.so\S*)", listed))
