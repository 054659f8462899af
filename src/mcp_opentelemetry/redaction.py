"""Secrets taken out of what is about to leave the process."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, cast

REDACTED: Final = "[redacted]"
_SECRET_KEYS: Final = ("password", "passwd", "secret", "token", "authorization", "api_key", "apikey", "cookie", "pwd")
_KEYS: Final = "|".join(key.replace("_", "[-_ ]?") for key in _SECRET_KEYS)
# user:password@ in a URL; a key and its value, the value in quotes or up to the next separator; what follows Bearer.
# Each starts at the start of a word only: a search from every letter of a long one would take its length squared.
_USER_INFO: Final = re.compile(r"(?<=://)[^/\s]+(?=@)")
_VALUE: Final = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,;&"']+)"""
_PAIR: Final = re.compile(rf"(?i)(?<![\w-])([\w-]*(?:{_KEYS})[\w-]*[\"']?\s*[=:]\s*){_VALUE}")
_SCHEME: Final = re.compile(r"(?i)\b(bearer|basic)\s+[^\s,;\"']+")


def without_secrets(value: object) -> object:
    """Return a value with what belongs to secret keys taken out, at any depth."""
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {str(key): REDACTED if _is_secret(str(key)) else without_secrets(item) for key, item in items}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        return [without_secrets(item) for item in cast("Sequence[object]", value)]
    return value


def scrub(text: str) -> str:
    """Return a text with the secrets taken out that can be told by what stands around them."""
    text = _USER_INFO.sub(REDACTED, text)
    text = _SCHEME.sub(lambda match: f"{match[1]} {REDACTED}", text)
    return _PAIR.sub(lambda match: match[1] + REDACTED, text)


def _is_secret(key: str) -> bool:
    key = key.lower().replace("-", "_")
    return any(secret in key for secret in _SECRET_KEYS)
