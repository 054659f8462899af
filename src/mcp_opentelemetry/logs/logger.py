"""`get_logger`: the standard logger, with fields as keyword arguments."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any, Final, cast

_TAKEN: Final = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})


class StructuredLogger:
    """A logger whose methods take fields: `log.info("fetched", city="Oslo")`.

    Handlers, levels and filters are those of the standard logger of its name. `exc_info`, `stack_info`, `stacklevel`
    and `extra` mean what they mean there; every other name is a field's, `level` and `msg` too.

    Args:
        logger: the standard logger.
        fields: go with each record.
    """

    def __init__(self, logger: logging.Logger, fields: dict[str, object]) -> None:
        self.logger = logger
        self._fields = fields

    def debug(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Log a message of level DEBUG."""
        self._log(logging.DEBUG, msg, args, fields)

    def info(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Log a message of level INFO."""
        self._log(logging.INFO, msg, args, fields)

    def warning(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Log a message of level WARNING."""
        self._log(logging.WARNING, msg, args, fields)

    def error(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Log a message of level ERROR."""
        self._log(logging.ERROR, msg, args, fields)

    def exception(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Log a message of level ERROR, with the exception that is being handled."""
        self._log(logging.ERROR, msg, args, {"exc_info": True, **fields})

    def critical(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Log a message of level CRITICAL."""
        self._log(logging.CRITICAL, msg, args, fields)

    def log(self, level: int, msg: object, /, *args: object, **fields: Any) -> None:
        """Log a message of any level."""
        self._log(level, msg, args, fields)

    def _log(self, level: int, msg: object, args: tuple[object, ...], fields: dict[str, Any]) -> None:
        if not self.logger.isEnabledFor(level):
            return
        # Two frames up, and further as `logging` counts: by its own way it would find this file.
        frame = sys._getframe(1 + fields.pop("stacklevel", 1))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] (documented)
        wanted: Any = fields.pop("exc_info", None)
        if isinstance(wanted, BaseException):
            wanted = (type(wanted), wanted, wanted.__traceback__)
        elif wanted and not isinstance(wanted, tuple):
            wanted = sys.exc_info()
        stack = "".join(traceback.format_stack(frame)) if fields.pop("stack_info", False) else None
        given: dict[str, Any] = {**self._fields, **(fields.pop("extra", None) or {}), **fields}
        # `logging` refuses names that a record has already.
        extra = {f"{key}_" if key in _TAKEN else key: value for key, value in given.items()}
        code = frame.f_code
        record = self.logger.makeRecord(
            self.logger.name,
            level,
            code.co_filename,
            frame.f_lineno,
            msg,
            args,
            cast("Any", wanted) or None,
            code.co_name,
            extra,
            stack,
        )
        self.logger.handle(record)


def get_logger(name: str, /, **fields: object) -> StructuredLogger:
    """Return a logger that takes fields as keyword arguments.

    Args:
        name: of the logger, as in `logging.getLogger`.
        fields: go with each of its records.
    """
    return StructuredLogger(logging.getLogger(name), fields)
