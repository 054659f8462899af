"""The files of `collector-config` as the collector reads them, and the rules that they keep."""

from __future__ import annotations

import re
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIGS: Final = Path(__file__).parents[2] / "collector-config"
GATEWAY: Final = "otelcol.yaml"
AGENT: Final = "otelcol-agent.yaml"
TAIL_SAMPLING: Final = "otelcol-tail-sampling.yaml"
TLS: Final = "otelcol-tls.yaml"
COMBINATIONS: Final = (
    (GATEWAY,),
    (GATEWAY, TAIL_SAMPLING),
    (GATEWAY, TLS),
    (GATEWAY, TAIL_SAMPLING, TLS),
    (AGENT,),
)

_VARIABLE: Final = re.compile(r"\$\{env:(\w+):-([^}]*)\}")
_KINDS: Final = ("receivers", "processors", "exporters", "connectors", "extensions")
_ADDRESS: Final = re.compile(r"(?:https?://)?([\w.]+):\d+")
# Old names of components, those that will be removed, and a processor that holds in memory what it has accepted.
_OLD_COMPONENTS: Final = {"otlphttp", "logging", "spanmetrics", "tailsampling", "batch", "memory_ballast"}
_OLD_EXPORTERS: Final = {"otlp"}
_OLD_KEYS: Final = {
    "add_metric_suffixes",
    "address",
    "check_collector_pipeline",
    "dimensions_cache_size",
    "invert_match",
    "resource_to_telemetry_conversion",
}


def variables(text: str) -> dict[str, str]:
    """Return the environment variables that a file asks for, each with its default."""
    return dict(_VARIABLE.findall(text))


def merged(*texts: str) -> dict[str, Any]:
    """Return what the collector makes of several `--config` where no variable is set."""
    return reduce(_over, (yaml.safe_load(_VARIABLE.sub(lambda match: match[2], text)) for text in texts))


def faults(config: dict[str, Any]) -> set[str]:
    """Return what is wrong with a configuration."""
    return {
        *_reference_faults(config),
        *_address_faults(config),
        *_order_faults(config),
        *_durability_faults(config),
        *_age_faults(config),
    }


def components(config: dict[str, Any]) -> set[tuple[str, str]]:
    """Return kind and type of every component that is defined."""
    return {(kind, name.partition("/")[0]) for kind in _KINDS for name in config.get(kind) or {}}


def _over(below: Any, above: Any) -> Any:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return {**below, **{key: _over(below[key], above[key]) if key in below else above[key] for key in above}}


def _reference_faults(config: dict[str, Any]) -> Iterator[str]:
    connectors = set(config.get("connectors") or {})
    for kind in _KINDS:
        defined = set(config.get(kind) or {})
        if kind == "extensions":
            used = set(config["service"][kind])
        else:
            used = {name for pipeline in config["service"]["pipelines"].values() for name in pipeline.get(kind, ())}
        if kind == "connectors":
            used = connectors & set(_ends(config, "receivers")) & set(_ends(config, "exporters"))
        elif kind in {"receivers", "exporters"}:
            used -= connectors
        yield from (f"{kind}: {name} is not defined" for name in used - defined)
        yield from (f"{kind}: {name} is not used" for name in defined - used - {"nop"})


def _ends(config: dict[str, Any], kind: str) -> Iterator[str]:
    for pipeline in config["service"]["pipelines"].values():
        yield from pipeline[kind]


def _address_faults(config: dict[str, Any]) -> Iterator[str]:
    for path, value in _walk(config):
        is_host = path[-1] == "host" or (match := _ADDRESS.fullmatch(str(value)))
        host = str(value) if path[-1] == "host" else match[1] if is_host and match else "127.0.0.1"
        if host != "127.0.0.1":
            yield f"{'.'.join(path)}: {value} is not on loopback"


def _order_faults(config: dict[str, Any]) -> Iterator[str]:
    for name, pipeline in config["service"]["pipelines"].items():
        if pipeline.get("processors", [None])[0] != "memory_limiter":
            yield f"{name}: memory_limiter is not first"


def _durability_faults(config: dict[str, Any]) -> Iterator[str]:
    storages = {name for name in config.get("extensions") or {} if name.startswith("file_storage")}
    for name in storages:
        if config["extensions"][name].get("fsync") is not True:
            yield f"{name}: no fsync"
    for name, exporter in config["exporters"].items():
        if not name.startswith("otlp"):
            continue
        queue = exporter.get("sending_queue") or {}
        if (exporter.get("retry_on_failure") or {}).get("max_elapsed_time") != 0:
            yield f"{name}: gives up"
        if queue.get("storage") not in storages:
            yield f"{name}: the queue is in memory"
        if queue.get("block_on_overflow") is not True:
            yield f"{name}: a full queue drops"
        if "batch" not in queue:
            yield f"{name}: no batches"


def _age_faults(config: dict[str, Any]) -> Iterator[str]:
    for kind, name in components(config):
        if name in _OLD_COMPONENTS or (kind == "exporters" and name in _OLD_EXPORTERS):
            yield f"{kind}: {name} is an old name"
    for path, _ in _walk(config):
        yield from (f"{key} is an old setting" for key in _OLD_KEYS & set(path))


def _walk(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _walk(value, (*path, str(key)))
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value, path)
    else:
        yield path, node
