"""The example server, in a process of its own under `opentelemetry-instrument`."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from textwrap import indent
from typing import TYPE_CHECKING, Final

from opentelemetry.instrumentation import auto_instrumentation

from mcp_opentelemetry.demo.failure import DemoError, sentence

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

HOST: Final = "127.0.0.1"
SERVER: Final = "weather_server.py"

_DEFAULT_PORT: Final = 8000
_STOP_SECONDS: Final = 7.0  # where it exports to a collector that is dead, its farewell takes 5
_LOG_BYTES: Final = 1_000_000
_LOG_LINES: Final = 15
# The user may keep what the demo exports, and to where, but not switch off what it is there to show.
_DROPPED: Final = (
    "OTEL_SDK_DISABLED",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
    "OTEL_PYTHON_MCP_ENDPOINTS",
    "OTEL_PYTHON_MCP_HTTP_PORT",
)


def choose_port(wanted: int | None) -> int:
    """Return a port to listen on.

    Args:
        wanted: the user's choice, 0 for any; `None` for the usual one or, if that is taken, any.
    """
    for port in (_DEFAULT_PORT, 0) if wanted is None else (wanted,):
        with suppress(OSError), socket.socket() as listener:
            if os.name == "posix":
                # As the server does; else a port would count as taken for a minute after its last connection.
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, port))
            return int(listener.getsockname()[1])
    raise DemoError(f"cannot listen on port {wanted}; without --port, a free one is taken")


class Example:
    """The running server; leaving the context stops it, whatever has happened.

    Args:
        port: where it listens.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://{HOST}:{port}"
        command, environment = instrumented(launcher(), [str(server_file()), "--http"])
        # Its own folder is its working directory too: opentelemetry-instrument puts that on the import path.
        folder = Path(mkdtemp(prefix="mcp-opentelemetry-demo-"))
        self.log = folder / "server.log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 (our own file)
                command,
                cwd=folder,
                env={**environment, "PORT": str(port)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # The terminal sends Ctrl-C to a whole group of processes; the server is stopped when we are done.
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if isinstance(error, Exception) and not isinstance(error, BrokenPipeError):
            raise DemoError(f"{sentence(error)}\nThe server's log is {self.log}") from error
        rmtree(self.log.parent, ignore_errors=True)

    def check(self, patience: float = 0.0) -> None:
        """Raise `DemoError` with the end of its log if the server has died.

        Args:
            patience: seconds that it may still take to die.
        """
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(patience)
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
            end = indent("\n".join(lines), "  ")
            raise DemoError(f"the server has died with exit code {code}. Its last lines:\n\n{end}\n")

    def trim_log(self) -> None:
        """Empty the log when it is large: a demo may run for weeks."""
        if self.log.stat().st_size > _LOG_BYTES:
            os.truncate(self.log, 0)


def server_file() -> Path:
    """Return the example: part of an installed package, and in the repository the one that its readers see."""
    installed = Path(__file__).with_name(SERVER)
    return installed if installed.exists() else Path(__file__).parents[3] / "examples" / SERVER


def launcher() -> Path | None:
    """Return `opentelemetry-instrument` of this Python, if it is there and leaves us the process that we started.

    It replaces itself by the server, which Windows cannot do: we would stop the wrong process.
    """
    command = Path(sys.executable).with_name("opentelemetry-instrument")
    return command if os.name == "posix" and command.exists() else None


def instrumented(launcher: Path | None, arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the command and the environment that run Python under the distribution.

    Args:
        launcher: `opentelemetry-instrument`; without it, the environment is made as that command makes it.
        arguments: Python's.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _DROPPED}
    if launcher is not None:
        return [str(launcher), sys.executable, *arguments], environment
    folder = str(Path(auto_instrumentation.__file__).parent)
    paths = [folder, *filter(None, [environment.get("PYTHONPATH")])]
    return [sys.executable, *arguments], {**environment, "PYTHONPATH": os.pathsep.join(paths)}
