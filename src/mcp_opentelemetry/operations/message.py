"""One message as a seam hands it over: facts of the protocol, whichever SDK they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    """One handled message.

    Args:
        method: its JSON-RPC method if that is one of the protocol's or the server's, else `_OTHER`.
        raw_method: the method as sent.
        target: the tool or prompt if the server knows it, else `_OTHER`; `None` for other methods.
        request_id: its JSON-RPC id; `None` for a notification.
        meta: `params._meta`.
        protocol_version: the negotiated protocol version if it is a published one.
        transport: how it travelled.
        session_id: the session's id, on transports that have one.
        client: host and port of the peer.
        resource_uri: `params.uri` of resource methods.
        arguments: the arguments of a tool call.
    """

    method: str
    raw_method: str
    target: str | None = None
    request_id: str | int | None = None
    meta: Mapping[str, Any] | None = None
    protocol_version: str | None = None
    transport: Transport = UNKNOWN_TRANSPORT
    session_id: str | None = None
    client: tuple[str, int] | None = None
    resource_uri: str | None = None
    arguments: object = None
