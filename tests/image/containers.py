"""Runs mounted images as containers: by namespaces of Linux, with the rights and files that compose.yaml gives them."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]

from tests.image.builder import Image

_USER: Final = 10001
_DEVICES: Final = ("null", "zero", "urandom")
_STOP_SECONDS: Final = 60.0
_SCRATCH: Final = "/tmp"  # noqa: S108 (of the container)


@dataclass(slots=True)
class Container:
    """A running container. Its first process is number 1 of its namespace, as in Docker."""

    name: str
    log_path: Path
    _launcher: subprocess.Popen[bytes] = field(repr=False)

    @property
    def log(self) -> str:
        return self.log_path.read_text("utf-8", errors="replace")

    @property
    def first_process(self) -> psutil.Process:
        (child,) = psutil.Process(self._launcher.pid).children()
        return child

    def is_running(self) -> bool:
        return self._launcher.poll() is None

    def wait(self, seconds: float = _STOP_SECONDS) -> int:
        """The exit status."""
        return self._launcher.wait(seconds)

    def stop(self) -> int:
        """Stops it as `docker stop` does, and returns the exit status."""
        if self.is_running():
            self.first_process.terminate()
        return self.wait()

    def kill(self) -> None:
        self._launcher.kill()
        self._launcher.wait(_STOP_SECONDS)


class Network:
    """A network namespace in which the containers reach one another on the loopback address, by their names."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder = folder
        self._containers: list[Container] = []
        self._hosts = folder / "hosts"
        self._hosts.write_text(f"127.0.0.1 localhost {' '.join(names)}\n", "utf-8")
        script = "ip link set lo up && echo up && exec cat"
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        # Until then its network is that of the machine.
        if self._holder.stdout is None or self._holder.stdout.readline() != b"up\n":
            raise RuntimeError("no network namespace could be made")

    def enter(self) -> list[str]:
        """The beginning of a command that runs in this network."""
        return ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net"]

    def start(
        self,
        name: str,
        image: Image,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        mounts: Mapping[str, Path] | None = None,
        writable: Mapping[str, Path] | None = None,
    ) -> Container:
        """Runs the command with the image's entry point, without rights, on a read-only root.

        mounts: what is seen at each path, for reading alone. writable: folders that may be written to.
        """
        shown = {**image_environment(image), "HOSTNAME": name, **environment}
        script = _script(image.root, {**(mounts or {}), "/etc/hosts": self._hosts}, writable or {})
        words = [*image.config["Entrypoint"], *command]
        inside = shlex.join(["env", "-i", *(f"{key}={value}" for key, value in shown.items()), *words])
        log_path = self._folder / f"{name}.log"
        with log_path.open("ab") as log:
            launcher = subprocess.Popen(
                [*self.enter(), "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", script + inside],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        container = Container(name, log_path, launcher)
        self._containers.append(container)
        return container

    def execute(self, container: Container, *command: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Runs a command in a running container, as `docker exec` does: with its user and its environment."""
        process = container.first_process
        environment = [f"{key}={value}" for key, value in process.environ().items()]
        user = ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups"]
        into = ["nsenter", f"--target={process.pid}", "--mount", "--net", "--pid", "--root", "--wd=/"]
        return subprocess.run(
            [*into, "env", "-i", *environment, *user, *command],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def close(self) -> None:
        for container in reversed(self._containers):
            if container.is_running():
                container.kill()
        self._holder.kill()
        self._holder.wait()
        for stream in (self._holder.stdin, self._holder.stdout):
            if stream is not None:
                stream.close()


@contextmanager
def network(folder: Path, names: Sequence[str]) -> Iterator[Network]:
    with ExitStack() as stack:
        one = Network(folder, names)
        stack.callback(one.close)
        yield one


def image_environment(image: Image) -> dict[str, str]:
    return dict(entry.split("=", 1) for entry in image.config["Env"])


def _script(root: Path, mounts: Mapping[str, Path], writable: Mapping[str, Path]) -> str:
    """Lays the files of a container, ends with the words that drop every right."""
    quoted = shlex.quote(str(root))
    lines = ["mount --make-rprivate /", f"mount --bind {quoted} {quoted}", f"mount -t proc proc {quoted}/proc"]
    lines += [f"mount -t tmpfs -o mode=1777 tmpfs {quoted}{_SCRATCH}", f"mount -t tmpfs tmpfs {quoted}/dev"]
    for device in _DEVICES:
        lines += [f"touch {quoted}/dev/{device}", f"mount --bind /dev/{device} {quoted}/dev/{device}"]
    for path, source in {**mounts, **writable}.items():
        target = shlex.quote(f"{root}{path}")
        lines.append(f"mkdir -p {target}" if source.is_dir() else f"mkdir -p $(dirname {target}) && touch {target}")
        lines.append(f"mount --bind {shlex.quote(str(source))} {target}")
        if path in mounts:
            lines.append(f"mount -o remount,bind,ro {target}")
    lines.append(f"mount -o remount,bind,ro {quoted}")
    rights = f"--reuid={_USER} --regid={_USER} --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all"
    return "\n".join(lines) + f"\nexec chroot {quoted} setpriv {rights} "
