"""YAML as rule files use it: every scalar is the text that stands there, and every mapping knows its line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator


class Mapping(dict[Any, Any]):
    """A mapping.

    Attributes:
        line: where it begins.
    """

    line: int


def load(text: str) -> object:
    """Return the first document of a text; nothing for an empty one.

    Prometheus reads `severity: 1.0` and `for: 1:30` as texts, and so does this; `<<` and duplicate keys are refused.

    Raises:
        yaml.YAMLError: it is no such YAML.
        RecursionError: it nests too deeply.
    """
    # Not libyaml's loader: that one ends the process where this one runs out of recursion.
    loader: Any = _Loader(text)
    try:
        return loader.get_data() if loader.check_data() else None
    finally:
        loader.dispose()


class _Loader(yaml.BaseLoader):
    pass


def _construct(loader: Any, node: Any) -> Iterator[Mapping]:
    mapping = Mapping()
    mapping.line = node.start_mark.line + 1
    yield mapping
    for key_node, value_node in node.value:
        key: object = loader.construct_object(key_node, deep=True)
        if problem := _problem(key, mapping):
            raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
        mapping[key] = loader.construct_object(value_node)


def _problem(key: object, mapping: Mapping) -> str:
    if not isinstance(key, str):
        return "a key is a text"
    if key == "<<":
        return "'<<' is not supported"
    return f"the key {key!r} stands there twice" if key in mapping else ""


cast("Any", _Loader).add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct)
