"""Values of all kinds made plain: what JSON can say, of bounded size, without secrets. It never raises."""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date, time
from typing import TYPE_CHECKING, Any, Final, cast

from mcp_opentelemetry.redaction import REDACTED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_opentelemetry.logs.line import Plain
    from mcp_opentelemetry.redaction import Secrets

_CONTAINERS: Final = (Mapping, AbstractSet, list, tuple)
LONGEST: Final = 8192
"""Characters of a text."""

_DEEPEST: Final = 8
_MOST: Final = 1000  # values in all: wide and deep at once would still be too many
_MOST_CHARACTERS: Final = 32_000  # twice what the longest line holds
_MOST_BITS: Final = 1024  # of a whole number: Python refuses to write out very long ones


class Plainer:
    """Makes the values of one record plain.

    Args:
        secrets: what is taken out.

    Its `size` is that of all texts so far, in characters.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._left = _MOST
        self.size = 0

    def fields(self, values: Mapping[Any, object]) -> dict[str, Plain]:
        """Return plain values by their names."""
        return self._mapping(values, _DEEPEST)

    def text(self, value: object) -> str:
        """Return a text, without secrets and not too long."""
        # Cut before and after: what is replaced may be shorter than what replaces it.
        text = cut(self._secrets.scrub(shown(value)[: 2 * LONGEST]))
        self.size += len(text)
        return text

    def end_of(self, value: str) -> str:
        """Return the end of a text, without secrets: of a stack trace, what happened stands there."""
        text = self._secrets.scrub(shown(value)[-4 * LONGEST :])
        text = text if len(text) <= LONGEST else "…" + text[1 - LONGEST :]
        self.size += len(text)
        return text

    def _plain(self, value: object, depth: int) -> Plain:
        self._left -= 1
        if value is None or value is True or value is False:
            return value
        if self.size > _MOST_CHARACTERS:
            return "…"
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int):
            number = int(value)
            return number if number.bit_length() <= _MOST_BITS else f"a number of {number.bit_length()} bits"
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else str(float(value))
        return self._compound(value, depth)

    def _compound(self, value: object, depth: int) -> Plain:
        if isinstance(value, bytes | bytearray):
            return f"{len(value)} bytes"
        if not isinstance(value, _CONTAINERS):
            return self.text(value.isoformat() if isinstance(value, date | time) else value)
        if depth <= 0 or self._left <= 0:
            return "…"
        container = cast("Any", value)
        try:
            return (self._mapping if isinstance(value, Mapping) else self._list)(container, depth - 1)
        except Exception as error:  # noqa: BLE001 (a container of the host's may do anything when it is asked)
            return f"{type(container).__name__} that cannot be read ({type(error).__name__})"

    def _mapping(self, values: Mapping[Any, object], depth: int) -> dict[str, Plain]:
        plain: dict[str, Plain] = {}
        for key, value in values.items():
            if self._left <= 0:
                plain["…"] = "…"
                break
            name = cut(shown(key))
            plain[name] = REDACTED if self._secrets.has(name, value) else self._plain(value, depth)
        return plain

    def _list(self, values: Iterable[object], depth: int) -> list[Plain]:
        plain: list[Plain] = []
        for value in values:
            if self._left <= 0:
                plain.append("…")
                break
            plain.append(self._plain(value, depth))
        return plain


def shown(value: object) -> str:
    """Return a value as text that can be encoded, whatever it does when it is asked for that."""
    try:
        # Of a subclass's own `__str__` nobody knows what it does; an enumeration of texts is the text.
        text = str.__str__(value) if isinstance(value, str) else str(value)
        # Half of a pair, as in the name of a file that is no UTF-8, would end whoever sends it.
        return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
    except Exception as error:  # noqa: BLE001 (it is the host's)
        return f"{type(value).__name__} that cannot be shown ({type(error).__name__})"


def cut(text: str, longest: int = LONGEST) -> str:
    """Return a text that is not too long."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
