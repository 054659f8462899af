"""Records of the SDKs' own loggers, which quote callers' data and tools' messages: what of them is the SDK's own text.

Their messages are mostly f-strings, so of a record alone nobody can tell what is quoted. The source code can.
"""

from __future__ import annotations

import linecache
import re
import sys
from functools import lru_cache
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ast
    import logging

# And what prints their messages, whole.
_SDKS: Final = frozenset({"mcp", "mcp_types", "fastmcp", "sse_starlette"})
_LONGEST_CALL: Final = 12  # lines of source
_WITHHELD: Final = "…"
_PLACEHOLDER: Final = re.compile(r"%(?:\(\w+\))?[-#0 +]*[\d*]*(?:\.[\d*]+)?[a-zA-Z]")


def is_sdks(record: logging.LogRecord) -> bool:
    """Return whether a record is one of an MCP SDK's own.

    By the name of the logger, which is that of a module, and by the code that logs: `fastmcp.weather` may be the
    user's logger.
    """
    root, _, rest = record.name.partition(".")
    if root.lower() in _SDKS:
        names = [record.name, rest] if rest.partition(".")[0] in _SDKS else [record.name]  # FastMCP.fastmcp.server
        if not rest or any(name in sys.modules for name in names):
            return True
    return _is_sdks_file(record.pathname)


def own_text(record: logging.LogRecord) -> str:
    """Return the message of a record as its source code has it, with `…` for everything that is filled in."""
    return _template(record.pathname, record.lineno)


@lru_cache(maxsize=1024)
def _is_sdks_file(pathname: str) -> bool:
    folders = {part for part in Path(pathname).parts[:-1] if part in _SDKS}
    return any(_folder_of(sdk) in Path(pathname).parents for sdk in folders)


def _folder_of(sdk: str) -> Path | None:
    file = getattr(sys.modules.get(sdk), "__file__", None)
    return Path(file).parent if file else None


@lru_cache(maxsize=1024)
def _template(pathname: str, lineno: int) -> str:
    import ast  # noqa: PLC0415 (seldom needed, and slow to import)

    lines = [linecache.getline(pathname, number) for number in range(lineno, lineno + _LONGEST_CALL)]
    for count in range(1, len(lines) + 1):
        try:
            tree = ast.parse(dedent("".join(lines[:count])))
        except SyntaxError:
            continue  # the call goes on in the next line
        return next((text for node in ast.walk(tree) if (text := _text_of(node)) is not None), _WITHHELD)
    return _WITHHELD


def _text_of(node: ast.AST) -> str | None:
    """Return the text that a call of a logger is given; `None` if it is no such call."""
    import ast  # noqa: PLC0415 (as above)

    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
        return None
    message = node.args[1] if node.func.attr == "log" and len(node.args) > 1 else node.args[0]
    parts = message.values if isinstance(message, ast.JoinedStr) else [message]
    texts = [str(part.value) if isinstance(part, ast.Constant) else _WITHHELD for part in parts]
    return _PLACEHOLDER.sub(_WITHHELD, "".join(texts))
