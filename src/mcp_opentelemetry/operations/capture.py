"""What may leave the process beyond names, types, sizes and durations: nothing, unless asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

Redact = Callable[[str, object], object]
"""A hook of the user's: takes a tool's name and a value about to be captured, returns what to capture instead."""

REDACTED: Final = "[redacted]"
_SECRET_KEYS: Final = ("password", "passwd", "secret", "token", "authorization", "api_key", "apikey", "cookie")
# Collectors and back ends refuse or cut attributes far beyond this (characters).
_LONGEST: Final = 8192


@dataclass(frozen=True, slots=True)
class Capture:
    """What may be recorded: messages and stack traces of exceptions, arguments and results of calls."""

    errors: bool = False
    content: bool = False
    redact: Redact | None = None

    def text(self, tool: str, value: object) -> str:
        """Return a captured value as JSON: redacted, at most 8,192 characters."""
        if self.redact is not None:
            value = self.redact(tool, value)
        text = json.dumps(_without_secrets(value), default=str, ensure_ascii=False)
        return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _without_secrets(value: object) -> object:
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {str(key): REDACTED if _is_secret(str(key)) else _without_secrets(item) for key, item in items}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        return [_without_secrets(item) for item in cast("Sequence[object]", value)]
    return value


def _is_secret(key: str) -> bool:
    key = key.lower().replace("-", "_")
    return any(secret in key for secret in _SECRET_KEYS)
