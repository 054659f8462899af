"""A tool's own records go to the client that has asked for them, over every era of the protocol."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.server import MCPServer
from mcp.server.mcpserver import Context

from mcp_opentelemetry.instrumentation.client_logs import mirror, offer
from mcp_opentelemetry.instrumentation.patches import Patches
from mcp_opentelemetry.logs.reading import Reader
from mcp_opentelemetry.logs.to_client import to_client
from mcp_opentelemetry.operations.client_log import ClientLog
from tests.http_server import served
from tests.logs.lines import Kept, kept
from tests.telemetry import Telemetry
from tests.waiting import DEADLINE

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore:The logging capability is deprecated")]
Told = list[tuple[str, str | None, Any]]


class Forwarding(Kept):
    """Keeps every record, and hands it to the client."""

    def __init__(self, level: int) -> None:
        super().__init__(Reader())
        self._tell = to_client(lambda: level)

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        if (line := self.lines[-1]) is not None:
            self._tell(line)


def make_server() -> MCPServer:
    server = MCPServer("chatty")

    @server.tool()
    async def chat(times: int = 1) -> str:
        for number in range(times):
            logging.getLogger("weather").info("fetched %d", number, extra={"city": "Oslo"})
        logging.getLogger("httpx").info("GET https://example.com")
        logging.getLogger("mcp.server").warning("plumbing")
        return "done"

    @server.tool()
    async def odd() -> str:
        logging.getLogger("weather").info("a file \udce9")
        return "done"

    return server


@asynccontextmanager
async def chatting(told: Told, level: int = logging.INFO, *, over: str, **client: Any) -> AsyncGenerator[Client]:
    """Connect a client to a chatty server whose logs go to it."""

    async def hear(params: Any) -> None:
        told.append((params.level, params.logger, params.data))

    telemetry, server, patches = Telemetry(), make_server(), Patches()
    telemetry.operations.tells_clients = True
    forwarding, root = Forwarding(level), logging.getLogger()
    offer(server._lowlevel_server)
    before = root.level
    root.addHandler(forwarding)
    root.setLevel(logging.DEBUG)
    mirror(patches)
    try:
        with telemetry.instrumented():
            if over == "memory":
                async with Client(server, logging_callback=hear, **client) as connected:
                    yield connected
            else:
                async with (
                    served(server.streamable_http_app()) as url,
                    Client(f"{url}/mcp", logging_callback=hear, **client) as connected,
                ):
                    yield connected
    finally:
        patches.remove()
        root.removeHandler(forwarding)
        root.setLevel(before)


@pytest.mark.parametrize("over", ["memory", "http"])
async def test_a_request_that_asks_is_told(over: str) -> None:
    told: Told = []
    async with chatting(told, over=over, log_level="info") as client:
        await client.call_tool("chat", {})
    assert told == [("info", "weather", {"message": "fetched 0", "city": "Oslo"})]


@pytest.mark.parametrize("over", ["memory", "http"])
async def test_what_cannot_be_encoded_ends_nobody(over: str, root: logging.Logger) -> None:
    assert not root.handlers, "pytest could not report what is logged here"
    told: Told = []
    async with chatting(told, over=over, log_level="info") as client:
        await client.call_tool("odd", {})
        await client.call_tool("chat", {})
    assert [data["message"] if isinstance(data, dict) else data for _, _, data in told] == [
        "a file \\udce9",
        "fetched 0",
    ]


@pytest.mark.parametrize("over", ["memory", "http"])
async def test_a_request_that_does_not_ask_is_told_nothing(over: str) -> None:
    told: Told = []
    async with chatting(told, over=over) as client:
        await client.call_tool("chat", {})
    async with chatting(told, over=over, log_level="error") as client:
        await client.call_tool("chat", {})
    assert told == []


@pytest.mark.parametrize("over", ["memory", "http"])
async def test_a_session_that_asks_is_told(over: str) -> None:
    told: Told = []
    async with chatting(told, over=over, mode="legacy") as client:
        await client.call_tool("chat", {})
        assert told == []
        await client.session.set_logging_level("info")  # pyright: ignore[reportDeprecated]
        await client.call_tool("chat", {"times": 3})
    assert [data["message"] for _, _, data in told] == ["fetched 0", "fetched 1", "fetched 2"]


async def test_the_level_of_the_setting_is_the_least() -> None:
    told: Told = []
    async with chatting(told, logging.ERROR, over="memory", log_level="debug") as client:
        await client.call_tool("chat", {})
    assert told == []


async def test_many_records_are_told_up_to_a_bound_and_hold_up_nothing() -> None:
    told: Told = []
    async with chatting(told, over="memory", log_level="info") as client:
        with anyio.fail_after(DEADLINE):
            await client.call_tool("chat", {"times": 1000})
    assert 0 < len(told) <= 1000


async def test_a_client_that_does_not_read_costs_memory_only_up_to_a_bound() -> None:
    never = anyio.Event()

    async def notify(*_: object) -> None:
        await never.wait()

    log = ClientLog(notify, logging.DEBUG)
    for _ in range(10_000):
        log.tell(logging.INFO, "hello", "weather")
    assert len(log._tasks) == 100
    never.set()
    await log.settle()


async def test_a_client_that_has_gone_is_no_error() -> None:
    async def notify(*_: object) -> None:
        raise anyio.ClosedResourceError

    log = ClientLog(notify, logging.DEBUG)
    log.tell(logging.INFO, "hello", "weather")
    await log.settle()


async def test_a_thread_of_the_tools_own_can_log(anyio_backend: str) -> None:
    told: list[tuple[str, object, str]] = []

    async def notify(level: str, data: object, logger: str) -> None:
        told.append((level, data, logger))

    log = ClientLog(notify, logging.DEBUG)
    await anyio.to_thread.run_sync(log.tell, logging.CRITICAL, "from a thread", "weather")
    await log.settle()
    assert told == [("critical", "from a thread", "weather")]


@pytest.mark.parametrize(
    ("data", "message", "fields"),
    [
        ("plain", "plain", {}),
        ({"msg": "of fastmcp", "extra": {"city": "Oslo"}}, "of fastmcp", {"city": "Oslo"}),
        ({"message": "a dict", "city": "Oslo"}, "a dict", {"city": "Oslo"}),
        ({"city": "Oslo"}, '{"city": "Oslo"}', {"city": "Oslo"}),
        ([1, 2], "[1, 2]", {}),
    ],
)
async def test_what_a_server_tells_its_client_is_in_our_logs(data: Any, message: str, fields: dict[str, Any]) -> None:
    server, patches = MCPServer("chatty"), Patches()

    @server.tool()
    async def tell(ctx: Context) -> str:
        await ctx.session.send_log_message("notice", data, "weather")  # pyright: ignore[reportDeprecated]
        return "done"

    mirror(patches)
    try:
        with kept(level=logging.INFO) as handler, Telemetry().instrumented():
            async with Client(server) as client:
                await client.call_tool("tell", {})
    finally:
        patches.remove()
    line = next(line for line in handler.lines if line is not None and line.logger == "weather")
    assert (line.level, line.message, line.fields) == (logging.INFO, message, fields)
    assert line.call["gen_ai.tool.name"] == "tell"


async def test_names_that_others_choose_make_no_loggers() -> None:
    server, patches = MCPServer("chatty"), Patches()

    @server.tool()
    async def tell(ctx: Context) -> str:
        for number in range(50):
            await ctx.session.send_log_message("info", "hello", f"chosen {number}")  # pyright: ignore[reportDeprecated]
        return "done"

    mirror(patches)
    try:
        with kept(level=logging.INFO) as handler, Telemetry().instrumented():
            async with Client(server) as client:
                await client.call_tool("tell", {})
    finally:
        patches.remove()
    assert {f"chosen {number}" for number in range(50)} <= {line.logger for line in handler.lines if line}
    assert not [name for name in logging.root.manager.loggerDict if name.startswith("chosen")]


async def test_a_setting_of_the_servers_own_stays() -> None:
    asked: list[str] = []
    server: Any = make_server()._lowlevel_server

    async def set_level(_: Any, params: Any) -> Any:
        asked.append(params.level)
        from mcp_types import EmptyResult

        return EmptyResult()

    from mcp_types import SetLevelRequestParams

    server.add_request_handler("logging/setLevel", SetLevelRequestParams, set_level)
    offer(server)
    async with Client(server, mode="legacy") as client:
        await client.session.set_logging_level("info")  # pyright: ignore[reportDeprecated]
    assert asked == ["info"]
