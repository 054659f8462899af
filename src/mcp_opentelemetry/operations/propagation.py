"""Where an operation hangs in its trace: below the sender in `_meta`, linked to what surrounds it here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.context import get_current
from opentelemetry.propagate import get_global_textmap
from opentelemetry.trace import Link, get_current_span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.context import Context
    from opentelemetry.propagators.textmap import TextMapPropagator

# Composing `fields` costs more than looking for them; a new propagator is a new key.
_fields: tuple[TextMapPropagator, frozenset[str]] | None = None


def parent_of(meta: Mapping[str, Any] | None, ambient: Context | None = None) -> tuple[Context, Sequence[Link] | None]:
    """Return the context for an operation's span, and a link to the ambient span if `_meta` named another parent.

    The context is extracted onto the current one, so that baggage of both arrives. The conventions ask for the
    link: an HTTP server span and an MCP server span belong to the same exchange, in different traces.

    Args:
        meta: `params._meta` of the message.
        ambient: what surrounds the message; the current context if omitted.
    """
    if ambient is None:
        ambient = get_current()
    if not meta or _propagated_fields().isdisjoint(meta):
        return ambient, None
    # `_meta` holds numbers and objects too, which propagators choke on.
    carrier = {key: value for key, value in meta.items() if isinstance(value, str)}
    context = get_global_textmap().extract(carrier, context=ambient)
    sender = get_current_span(context).get_span_context()
    here = get_current_span(ambient).get_span_context()
    # In process the ambient span is the sender's own: a link to the parent would be noise.
    if not here.is_valid or (here.trace_id, here.span_id) == (sender.trace_id, sender.span_id):
        return context, None
    return context, (Link(here),)


def with_context(params: Mapping[str, Any] | None, context: Context | None = None) -> dict[str, Any]:
    """Return a copy of a message's parameters whose `_meta` names a span as the sender, by the configured propagators.

    Args:
        params: the parameters, or none.
        context: the context of that span; the current one if omitted.
    """
    params = dict(params or {})
    meta = dict(params.get("_meta") or {})
    get_global_textmap().inject(meta, context)
    if meta:
        params["_meta"] = meta
    return params


def _propagated_fields() -> frozenset[str]:
    global _fields  # noqa: PLW0603 (a cache of one)
    propagator = get_global_textmap()
    if _fields is None or _fields[0] is not propagator:
        _fields = propagator, frozenset(propagator.fields)
    return _fields[1]
