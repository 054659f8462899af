"""How values are shown; the page's script does the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, cast

_SHAPES: Final = {
    "healthy": "●",
    "degraded": "▲",
    "unhealthy": "■",
    "resolved": "●",
    "pending": "▲",
    "firing": "■",
    "ok": "●",
    "warming": "▲",
    "no data": "▲",
    "error": "■",
}
_NOTHING: Final = "-"


def value_at(path: str, row: Mapping[str, Any]) -> Any:
    """Return the value at a path; `None` where there is none."""
    value: Any = row
    for key in path.split("."):
        value = cast("Mapping[str, Any]", value).get(key) if isinstance(value, Mapping) else None
    return value


def shown(value: Any, kind: str) -> str:
    """Return a value as the page shows it; the script does the same.

    Args:
        value: what is shown; `None` for nothing.
        kind: the column's format.
    """
    if value is None or value == {}:
        return _NOTHING
    return FORMATS[kind](value)


def _fixed(value: float, digits: int) -> str:
    # As the script's `toFixed`: Python's formats round a tie to the even digit, and the page would flicker.
    return str(Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def _seconds(value: float) -> str:
    if value >= 1:
        return f"{_fixed(value, 2)} s"
    return f"{_fixed(value * 1000, 0 if value >= 0.01 else 2)} ms"  # noqa: PLR2004 (seconds)


def _age(value: float) -> str:
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if value < limit:
            return f"{_fixed(value / size, 0)} {unit}"
    return f"{_fixed(value / 86400, 0)} d"


def _ago(value: str) -> str:
    passed = (datetime.now(timezone.utc) - datetime.fromisoformat(value)).total_seconds()
    return f"{_age(max(0.0, passed))} ago"


def _kinds(value: Mapping[str, int]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in sorted(value.items(), key=lambda item: (-item[1], item[0])))


FORMATS: Final[dict[str, Callable[[Any], str]]] = {
    "text": str,
    "count": lambda value: f"{value:,}".replace(",", " "),
    "rate": lambda value: _fixed(value, 1),
    "share": lambda value: f"{_fixed(value * 100, 1)} %",
    "percent": lambda value: f"{_fixed(value, 0)} %",
    "seconds": _seconds,
    "minutes": lambda value: _age(value * 60),
    "age": lambda value: f"{_age(value)} ago",
    "ago": _ago,
    "kinds": _kinds,
    "status": lambda value: f"{_SHAPES.get(value, '')} {value}",
    "trace": lambda value: value[:8],
}
