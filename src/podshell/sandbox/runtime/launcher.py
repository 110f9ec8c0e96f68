"""The process that starts containers and runs commands in them; one for each Runtime.

The asyncio process must not fork itself (threads, TLS state, size), so it starts this small single-threaded program
once and asks it over a SOCK_SEQPACKET pair.  A request is one JSON message with descriptors for standard input, output
and error; the answer is one message; the end of every process is told as a notice.  Run as a plain script with
``-I -S``: it imports no package of ours.

Nothing outlives it.  It ends with the process that started it (PDEATHSIG, and the end of the socket), the first process
of each container dies with it, and a pid namespace dies with its first process.  Without namespaces it adopts orphans
and, when the socket ends, kills every descendant it has before it ends itself.

Messages in:  {"id", "op": "start" | "exec", ...}, {"op": "kill", "pid", "signal"}
Messages out: {"id", "pid"} or {"id", "error"} and {"exited": pid, "code": exit code as Kubernetes counts}
"""

import contextlib
import fcntl
import json
import os
import selectors
import shutil
import signal
import socket
import struct
import sys
import termios
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from podshell.sandbox.runtime import kernel, rootfs
else:
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import kernel
    import rootfs

_MESSAGE_BYTES = 1024 * 1024  # arguments and environment of one command
_NAMESPACES = kernel.CLONE_NEWNS | kernel.CLONE_NEWUTS | kernel.CLONE_NEWIPC

Request = dict[str, Any]  # one message as JSON; written by podshell.sandbox.runtime.launch

_RESET_SIGNALS = tuple(getattr(signal, f"SIG{name}") for name in ["CHLD", "HUP", "INT", "QUIT", "TERM", "PIPE", "XFSZ", "USR1", "USR2"])


class _Refused(Exception):
    """The command cannot be started; the text is runc's."""


class Launcher:
    """The event loop: requests, results of starting children, and ends of children."""

    def __init__(self, control: socket.socket, isolated: bool) -> None:
        self._control = control
        self._isolated = isolated
        self._selector = selectors.DefaultSelector()
        self._own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY) if isolated else -1
        self._starting: dict[int, tuple[int, socket.socket]] = {}  # pid -> request id, its result
        self._pidfds: dict[int, int] = {}  # first process of a container -> pidfd
        self._alive: set[int] = set()

    def run(self) -> None:
        """Serve until the other end of the socket is gone."""
        wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for the parent, which then stops us
        self._selector.register(self._control, selectors.EVENT_READ, "control")
        self._selector.register(wake_read, selectors.EVENT_READ, "child")
        while True:
            for key, _ in self._selector.select():
                if key.data == "control":
                    if not self._receive():
                        self._kill_everything()
                        return
                elif key.data == "child":
                    with contextlib.suppress(BlockingIOError):
                        os.read(wake_read, 4096)
                elif key.data in self._starting:
                    self._report_start(key.data)
            self._reap()

    def _receive(self) -> bool:
        flags = socket.MSG_CMSG_CLOEXEC
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, _MESSAGE_BYTES, 8, flags)
        except ConnectionError:
            return False
        if not message:
            return False
        request: Request = json.loads(message)
        try:
            match request["op"]:
                case "start" | "exec":
                    self._launch(request, descriptors)
                case "kill" if request["pid"] in self._alive:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(request["pid"], request["signal"])
        except OSError as error:
            self._send({"id": request["id"], "error": str(error)})
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return True

    def _send(self, message: Request, descriptors: tuple[int, ...] = ()) -> None:
        with contextlib.suppress(ConnectionError):
            socket.send_fds(self._control, [json.dumps(message).encode()], list(descriptors))

    def _launch(self, request: Request, descriptors: list[int]) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = self._fork(request)
        if pid == 0:
            pidfd = self._pidfds.get(request.get("init", 0), -1)
            _become(request, descriptors, theirs, pidfd, self._isolated, self._pidfds.get(request.get("node", 0), -1))
        theirs.close()
        self._alive.add(pid)
        if request["op"] == "start":
            self._pidfds[pid] = os.pidfd_open(pid)
        self._starting[pid] = (request["id"], ours)
        self._selector.register(ours, selectors.EVENT_READ, pid)

    def _fork(self, request: Request) -> int:
        """Fork; in isolation the child is in the right pid namespace already."""
        if not self._isolated:
            return os.fork()
        target = request.get("init") if request["op"] == "exec" else request.get("share_pid_with")
        if target:
            if target not in self._pidfds:
                raise ProcessLookupError(3, "container not running")
            kernel.setns(self._pidfds[target], kernel.CLONE_NEWPID)
        else:
            kernel.unshare(kernel.CLONE_NEWPID)
        try:
            pid = os.fork()
        except OSError:
            kernel.setns(self._own_pids, kernel.CLONE_NEWPID)
            raise
        if pid:
            kernel.setns(self._own_pids, kernel.CLONE_NEWPID)
        return pid

    def _report_start(self, pid: int) -> None:
        """Tell how starting went: a message from the child is a refusal or its pty; its end means that execve worked."""
        request_id, result = self._starting[pid]
        try:
            text, descriptors, _, _ = socket.recv_fds(result, 65536, 1, socket.MSG_CMSG_CLOEXEC)
        except OSError:
            text, descriptors = b"", []
        if descriptors:  # the pty of a container; the result itself follows
            self._send({"id": request_id, "pty": True}, tuple(descriptors))
            os.close(descriptors[0])
            return
        del self._starting[pid]
        self._selector.unregister(result)
        result.close()
        self._send({"id": request_id, "error": text.decode()} if text else {"id": request_id, "pid": pid})

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            while pid in self._starting:
                self._report_start(pid)
            if pid in self._pidfds:
                os.close(self._pidfds.pop(pid))
            if pid in self._alive:
                self._alive.discard(pid)
                code = os.waitstatus_to_exitcode(status)
                self._send({"exited": pid, "code": code if code >= 0 else 128 - code})

    def _kill_everything(self) -> None:
        pids = [*self._alive] if self._isolated else _descendants(os.getpid())
        while pids:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if self._isolated:
                return
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, 0):  # each end may hand us more to wait for
                    pass
            pids = _descendants(os.getpid())


def _descendants(root: int) -> list[int]:
    """List the processes below one, without its own children being missed when they re-parent to it."""
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stat:
                parents.setdefault(int(stat.read().rpartition(b")")[2].split()[1]), []).append(int(name))
    found: list[int] = []
    queue = [root]
    while queue:
        children = parents.get(queue.pop(), [])
        found += children
        queue += children
    return found


def _become(request: Request, descriptors: list[int], result: socket.socket, pidfd: int, isolated: bool, node: int) -> NoReturn:
    """Turn this fresh child into the command; tell a refusal over ``result``, which execve closes."""
    try:
        signal.set_wakeup_fd(-1)
        # what Python set, and what the sandbox's own starter may have left ignored (nohup: HUP; a shell's background: INT, QUIT)
        for number in _RESET_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        kernel.die_with_parent(signal.SIGKILL)
        if isolated:
            if request["op"] == "start":
                trees = rootfs.open_mounts(request["mounts"], node) if node >= 0 else []
                kernel.unshare(_NAMESPACES)
                rootfs.enter(request, trees)
            else:
                kernel.setns(pidfd, _NAMESPACES)
        _take_standard_streams(request, descriptors, result)
        _execute(request, isolated)
    except _Refused as refused:
        text = str(refused)
    except OSError as error:
        text = f"unable to start container process: {error.strerror or error}"
    except BaseException as error:  # noqa: BLE001  # the supervisor of a forked child: it may only exit, never return
        text = f"unable to start container process: {type(error).__name__}: {error}"
    with contextlib.suppress(OSError):
        result.send(text.encode()[:60000])
    os._exit(128)


def _take_standard_streams(request: Request, descriptors: list[int], result: socket.socket) -> None:
    if request["tty"] and not descriptors:  # a container's own pty, of the devpts that it just mounted
        master = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        fcntl.ioctl(master, kernel.TIOCSPTLCK, struct.pack("i", 0))
        terminal = fcntl.ioctl(master, kernel.TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY)
        socket.send_fds(result, [b"pty"], [master])
        descriptors = [terminal]
    if request["tty"]:
        fcntl.ioctl(descriptors[0], termios.TIOCSCTTY, 0)
        if request.get("user"):
            os.fchown(descriptors[0], request["user"], -1)
        descriptors = [descriptors[0]] * 3
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number, inheritable=True)


def _execute(request: Request, isolated: bool) -> NoReturn:
    user, group = request.get("user"), request.get("group", 0)
    if isolated:
        kernel.drop_capabilities(frozenset(request["capabilities"]))
        os.setgroups([group])  # transcripts/exec/env-nontty.v5: groups=0(root)
        os.setgid(group)
        if request["no_new_privileges"]:
            kernel.refuse_new_privileges()
    if user:
        os.setgroups([group])
        os.setgid(group)
        os.setuid(user)
        kernel.die_with_parent(signal.SIGKILL)  # a change of user clears it
    try:
        os.chdir(request["cwd"] or "/")
    except OSError as error:
        raise _Refused(f'exec: "{request["cwd"]}": chdir to cwd failed: {error.strerror}') from error
    arguments: list[str] = request["argv"]
    if not arguments:
        raise _Refused("args must not be empty")
    environment: dict[str, str] = request["env"]
    program = find_program(request.get("program") or arguments[0], environment.get("PATH", ""), request.get("root", ""))
    try:
        os.execve(program, arguments, environment)
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise _Refused(f'unable to start container process: exec: "{arguments[0]}": {reason}') from error


def find_program(word: str, path: str, root: str = "") -> str:
    """Look a command up as runc does (Go's exec.LookPath) and refuse with its texts.

    Transcripts/exec/{missing-shell,missing-absolute-path,missing-relative-path,not-executable,directory,
    empty-command-word}.  ``root`` is the folder that stands for ``/`` where there are no namespaces.
    """
    prefix = f'unable to start container process: exec: "{word}": '
    if "/" in word:
        file = root + word if word.startswith("/") else word
        if not os.path.exists(file):
            raise _Refused(f"{prefix}stat {word}: no such file or directory")
        if os.path.isdir(file) or not os.access(file, os.X_OK):
            raise _Refused(f"{prefix}permission denied")
        return file
    for folder in path.split(":") if word else ():
        file = os.path.join(folder, word)
        if os.path.isfile(file) and os.access(file, os.X_OK):
            return file
    raise _Refused(f"{prefix}executable file not found in $PATH")


def main() -> None:
    """Serve the socket given by number; ``isolated`` or ``plain`` says whether there are namespaces.

    What follows are folders to remove at the end, when the sandbox itself may be gone.
    """
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    isolated = sys.argv[2] == "isolated"
    if isolated:
        kernel.die_with_parent(signal.SIGKILL)
    else:  # it must outlive the sandbox by the moment that killing the descendants takes
        kernel.adopt_orphans()
    Launcher(control, isolated).run()
    for folder in sys.argv[3:]:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
