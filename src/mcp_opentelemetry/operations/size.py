"""How large a tool's result is, without serialising it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

_LISTS = (list, tuple)


def size_of(result: object) -> int:
    """Return the bytes of a result's content: texts as UTF-8, images and other data as they are sent, in base64.

    Structured content is not counted: it says the same again, and would have to be serialised to be measured.

    Args:
        result: a tool's result, as a model or as it goes over the wire.
    """
    content: Any = _get(result, "content")
    if not isinstance(content, _LISTS):
        return 0
    return sum(map(_size_of_block, cast("Iterable[object]", content)))


def size_of_texts(arguments: object, depth: int = 8) -> int:
    """Return the bytes of the texts among arguments, as UTF-8; numbers and names are small.

    Args:
        arguments: of a call.
        depth: how deep to look.
    """
    if isinstance(arguments, str):
        return _size_of_text(arguments)
    if isinstance(arguments, Mapping):
        arguments = list(cast("Mapping[str, object]", arguments).values())
    if depth <= 0 or not isinstance(arguments, _LISTS):
        return 0
    return sum(size_of_texts(value, depth - 1) for value in cast("Iterable[object]", arguments))


def _size_of_block(block: object) -> int:
    text = _get(block, "text")  # first: nearly all blocks are texts
    if isinstance(text, str):
        return _size_of_text(text)
    resource = _get(block, "resource")
    holder = block if resource is None else resource
    for key in ("text", "data", "blob"):
        value = _get(holder, key)
        if isinstance(value, str):
            return _size_of_text(value)
    return 0


def _size_of_text(text: str) -> int:
    # Asking is cheap, encoding is not, and most texts are ASCII.
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _get(holder: object, key: str) -> object:
    if type(holder) is dict or isinstance(holder, Mapping):  # the first is fast, and what goes over the wire
        return cast("Mapping[str, object]", holder).get(key)
    return getattr(holder, key, None)
