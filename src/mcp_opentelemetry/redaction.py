"""Secrets taken out of what is about to leave the process."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, cast

REDACTED: Final = "[redacted]"
_SECRET_KEYS: Final = ("password", "passwd", "secret", "token", "authorization", "api_key", "apikey", "cookie", "pwd")
# user:password@ in a URL; a key and its value, the value in quotes or up to the next separator; what follows Bearer.
# Each starts at the start of a word only: a search from every letter of a long one would take its length squared.
_USER_INFO: Final = re.compile(r"(?<=://)[^/\s]+(?=@)")
_VALUE: Final = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,;&"']+)"""
_SCHEME: Final = re.compile(r"(?i)\b(bearer|basic)\s+[^\s,;\"']+")


_LONGEST_NAME: Final = 100  # characters of a key that is worth remembering


class Secrets:
    """What counts as secret.

    Args:
        keys: parts of the names of keys, beside those that always count.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._keys = (*_SECRET_KEYS, *(key.lower().replace("-", "_") for key in keys))
        names = "|".join(re.escape(key).replace("_", "[-_ ]?") for key in self._keys)
        self._is_name = lru_cache(maxsize=4096)(self._names_secret)
        self._pair = re.compile(rf"(?i)(?<![\w-])([\w-]*(?:{names})[\w-]*[\"']?\s*[=:]\s*){_VALUE}")

    def has(self, key: str, value: object = None) -> bool:
        """Return whether what a key holds is secret; a number of tokens is none."""
        if isinstance(value, int | float) and "tokens" in key.lower():
            return False
        return self._is_name(key) if len(key) <= _LONGEST_NAME else self._names_secret(key)

    def without(self, value: object) -> object:
        """Return a value with what belongs to secret keys taken out, at any depth."""
        if isinstance(value, Mapping):
            items = cast("Mapping[object, object]", value).items()
            return {str(key): REDACTED if self.has(str(key), item) else self.without(item) for key, item in items}
        if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
            return [self.without(item) for item in cast("Sequence[object]", value)]
        return value

    def scrub(self, text: str) -> str:
        """Return a text with the secrets taken out that can be told by what stands around them."""
        # Most texts have none of what the expressions need, and looking for that is much cheaper.
        if "://" in text:
            text = _USER_INFO.sub(REDACTED, text)
        if not text.isalnum():
            text = _SCHEME.sub(lambda match: f"{match[1]} {REDACTED}", text)
        if "=" in text or ":" in text:
            text = self._pair.sub(lambda match: match[1] + REDACTED, text)
        return text

    def _names_secret(self, key: str) -> bool:
        key = key.lower().replace("-", "_")
        return any(secret in key for secret in self._keys)


USUAL: Final = Secrets()
without_secrets = USUAL.without
scrub = USUAL.scrub
