"""What servers tell their clients of the log: mirrored into ours, and ours sent to those who have asked for it."""

from __future__ import annotations

import inspect
import json
import logging
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakKeyDictionary

from mcp_opentelemetry.guard import guarded
from mcp_opentelemetry.operations.client_log import LEVELS, ClientLog, is_told

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp_opentelemetry.instrumentation.patches import Patches

SET_LEVEL: Final = "logging/setLevel"
_LOGGER: Final = "mcp_opentelemetry.context"  # of what is told without a logger's name


def mirror(patches: Patches) -> None:
    """Write what a server tells its client into our logs, too, whether or not the client has asked for it."""
    patches.wrap("mcp.server.session", "ServerSession.send_log_message", _mirrored)


class Wishes:
    """From which level on clients want to be told, by session: until MCP 2026-07-28 they say so once."""

    def __init__(self) -> None:
        self._levels: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    @guarded
    def note(self, session: Any, level: object) -> None:
        """Take note of a wish, whatever the server answers to it."""
        if level in LEVELS:
            self._levels[session] = LEVELS[str(level)]

    @guarded
    def log_for(self, session: Any, key: Any, request_id: Any, *, is_modern: bool) -> ClientLog | None:
        """Return where the log of a request goes.

        Args:
            session: the SDK's session, which tells the client.
            key: what stays the same as long as the client is connected.
            request_id: the request's, so that it is told on the request's own stream.
            is_modern: whether each request says what is wanted: then the SDK lets through no other.
        """
        least = 0 if is_modern else self._levels.get(key)
        if least is None:
            return None
        # Not by the attribute: the mirror would log it again, and mcp 2.x warns that the method is deprecated.
        send: Any = inspect.unwrap(session.__class__.send_log_message)

        async def notify(level: str, data: object, logger: str) -> None:
            await send(session, level, data, logger, request_id)

        return ClientLog(notify, least)


@guarded
def offer(server: Any) -> None:
    """Let clients say what they want to be told, where the server has not thought of it: else none ever asks."""
    types: Any = sys.modules.get("mcp.types")
    if hasattr(server, "add_request_handler"):
        if server.get_request_handler(SET_LEVEL) is None:
            types = sys.modules.get("mcp_types") or types
            server.add_request_handler(SET_LEVEL, types.SetLevelRequestParams, _accept(types))
    elif types is not None and types.SetLevelRequest not in server.request_handlers:
        server.set_logging_level()(_nothing)


def _accept(types: Any) -> Callable[..., Awaitable[Any]]:
    async def accept(*_: Any) -> Any:  # the wish has been noted where the request came in
        return types.EmptyResult()

    return accept


async def _nothing(_level: str) -> None:
    """Do no more: the wish has been noted where the request came in."""


def _mirrored(wrapped: Callable[..., Awaitable[None]], _session: Any, args: Any, kwargs: Any) -> Awaitable[None]:
    _log(*args, **kwargs)
    return wrapped(*args, **kwargs)


@guarded
def _log(level: str, data: Any, logger: str | None = None, *_: Any, **__: Any) -> None:
    number = logging.INFO if level == "notice" else min(LEVELS.get(level, logging.INFO), logging.CRITICAL)
    mirror = logging.getLogger(_LOGGER)
    if not mirror.isEnabledFor(number):
        return
    message, fields = _parts(data)
    token = is_told.set(True)
    try:
        # Not by a logger of that name, which would stay for ever: a proxy passes on whatever names there are.
        name, file = logger or _LOGGER, __file__
        mirror.handle(mirror.makeRecord(name, number, file, 0, message, (), None, None, {"extra": fields}))
    finally:
        is_told.reset(token)


def _parts(data: Any) -> tuple[str, dict[str, Any]]:
    """Return the message in what a client is told, and the fields beside it."""
    told: Any = data
    if isinstance(getattr(data, "msg", None), str):  # of fastmcp, in a class of its own
        told = {"msg": data.msg, "extra": getattr(data, "extra", None)}
    if not isinstance(told, Mapping):
        return told if isinstance(told, str) else json.dumps(told, default=str), {}
    fields = dict(cast("Mapping[str, Any]", told))
    message = fields.pop("msg", None) or fields.pop("message", None)
    given = fields.pop("extra", None)
    if isinstance(given, Mapping):
        fields |= cast("Mapping[str, Any]", given)
    return message if isinstance(message, str) else json.dumps(data, default=str), fields
