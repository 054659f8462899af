"""What may leave the process beyond names, types, sizes and durations: nothing, unless asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mcp_opentelemetry.redaction import without_secrets

Redact = Callable[[str, object], object]
"""A hook of the user's: takes a tool's name and a value about to be captured, returns what to capture instead."""

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
        text = json.dumps(without_secrets(value), default=str, ensure_ascii=False)
        return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
