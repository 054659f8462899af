"""Secrets taken out of what is about to leave the process."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, cast

REDACTED: Final = "[redacted]"
_SECRET_KEYS: Final = ("password", "passwd", "secret", "token", "authorization", "api_key", "apikey", "cookie", "pwd")
# user:password@ in a URL; the end of a key, with its separator; its value, in quotes or up to the next separator.
# Each takes time in proportion to the text: a search from every letter of a long word would take its length squared.
_USER_INFO: Final = re.compile(r"(?<=://)[^/\s]+(?=@)")
_KEY: Final = re.compile(r"""(?<![\w-])((?:[\w-]{1,64} )?[\w-]{1,100})\\?["']?\s*[=:,]\s*""")
_QUOTED: Final = r"""\\"[^"\\]*(?:\\")?|"(?:[^"\\]|\\.)*(?:"|\Z)|'(?:[^'\\]|\\.)*(?:'|\Z)"""
_VALUE: Final = re.compile(rf"""[\[({{]*b?(?:{_QUOTED}|[^\s,;&"'\])}}]+)""")
# Of a header, all of it: what follows the name of a scheme, and each cookie.
_HEADER: Final = re.compile(rf"""[\[({{]*b?(?:{_QUOTED}|[^\r\n]+)""")
_HEADERS: Final = ("authorization", "cookie")
_SCHEME: Final = re.compile(r"(?i)\b(bearer|basic)\s+[^\s,;\"']+")


_LONGEST_NAME: Final = 100  # characters of a key that is worth remembering


class Secrets:
    """What counts as secret.

    Args:
        keys: parts of the names of keys, beside those that always count.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._keys = (*_SECRET_KEYS, *(key.lower().replace("-", "_") for key in keys))
        self._is_name = lru_cache(maxsize=4096)(self._names_secret)

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
        if "=" in text or ":" in text or "," in text:
            text = self._without_values(text)
        return text

    def _without_values(self, text: str) -> str:
        kept: list[str] = []
        done = 0
        for key in _KEY.finditer(text):
            name = key[1]
            if key.start() < done or not (self._ends_secret(name) if " " in name else self.has(name)):
                continue
            if "," in key[0] and "'" not in key[0] and '"' not in key[0]:
                continue  # an enumeration, and not a pair such as (b"x-api-key", b"...")
            pattern = _HEADER if any(header in name.lower() for header in _HEADERS) else _VALUE
            if value := pattern.match(text, key.end()):
                kept += text[done : key.end()], REDACTED
                done = value.end()
        return "".join(kept) + text[done:]

    def _ends_secret(self, words: str) -> bool:
        """Return whether two words are the name of a secret, such as `api key`, or the last one is."""
        first, _, last = words.partition(" ")
        return self.has(last) or (not self.has(first) and self.has(f"{first}_{last}"))

    def _names_secret(self, key: str) -> bool:
        key = key.lower().replace("-", "_")
        return any(secret in key for secret in self._keys)


USUAL: Final = Secrets()
without_secrets = USUAL.without
scrub = USUAL.scrub
