"""`get_logger`: the standard logger, with fields as keyword arguments."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    Adapter = logging.LoggerAdapter[logging.Logger]
else:
    Adapter = logging.LoggerAdapter

_OWN: Final = frozenset({"exc_info", "stack_info", "stacklevel", "extra"})
_TAKEN: Final = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})


class StructuredLogger(Adapter):
    """A logger whose methods take fields: `log.info("fetched", city="Oslo")`.

    It is a `logging.LoggerAdapter`; handlers, levels and filters are those of the logger of its name.
    """

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Move keyword arguments that are fields to where `logging` has them."""
        given = {key: value for key, value in kwargs.items() if key not in _OWN}
        bound: Any = self.extra
        fields: dict[str, Any] = {**(bound or {}), **(kwargs.get("extra") or {}), **given}
        # `logging` refuses names that a record has already.
        extra = {f"{key}_" if key in _TAKEN else key: value for key, value in fields.items()}
        return msg, {**{key: value for key, value in kwargs.items() if key in _OWN}, "extra": extra}


def get_logger(name: str, **fields: object) -> StructuredLogger:
    """Return a logger that takes fields as keyword arguments.

    Args:
        name: of the logger, as in `logging.getLogger`.
        fields: go with each of its records.
    """
    return StructuredLogger(logging.getLogger(name), fields)
