"""One message as a seam hands it over: facts of the protocol, whichever SDK they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context


class Transport(NamedTuple):
    """How a message travelled; all `None` where that is unknown or in memory.

    Args:
        network: `pipe`, `tcp` or `quic`.
        protocol: `http`.
        version: the version of `protocol`, `1.1` or `2`.
    """

    network: str | None = None
    protocol: str | None = None
    version: str | None = None


UNKNOWN_TRANSPORT: Final = Transport()


@dataclass(slots=True)
class Message:
    """One message that is handled or sent here.

    Args:
        method: its JSON-RPC method if that is one of the protocol's or the server's, else `_OTHER`.
        raw_method: the method as sent.
        target: the tool or prompt if it is known to exist, else `_OTHER`; `None` for other methods.
        name: the tool or prompt as sent.
        request_id: its JSON-RPC id; `None` for a notification, or where it is not known yet.
        meta: `params._meta` of a message that is handled.
        ambient: the context that the message came in, where that is not the current one.
        protocol_version: the negotiated protocol version if it is a published one.
        transport: how it travelled.
        session_id: the session's id, on transports that have one.
        peer: host and port of the other side.
        client: what the client calls itself.
        resource_uri: `params.uri` of resource methods.
        arguments: the arguments of a tool call.
        is_sent: whether it is sent from here, and not handled here.
        is_request: whether somebody waits for an answer.
    """

    method: str
    raw_method: str
    target: str | None = None
    name: str | None = None
    request_id: str | int | None = None
    meta: Mapping[str, Any] | None = None
    ambient: Context | None = None
    protocol_version: str | None = None
    transport: Transport = UNKNOWN_TRANSPORT
    session_id: str | None = None
    peer: tuple[str, int] | None = None
    client: str | None = None
    resource_uri: str | None = None
    arguments: object = None
    is_sent: bool = False
    is_request: bool = True
