"""Expressions put together at random."""

from __future__ import annotations

from random import Random

from tests.alerts.expressions import (
    COMPARISONS,
    COUNTERS,
    GAUGES,
    GROUPS,
    MATCHINGS,
    MOMENTS,
    NUMBERS,
    OF_VALUES,
    OVER_RANGE,
    RANGES,
    SHARES,
    SIMPLE,
    SYMBOLS,
)


def generated(seed: int, count: int) -> list[tuple[str, str]]:
    """Return so many expressions put together at random, each with a moment."""
    random = Random(seed)
    return [(_vector(random, 3), random.choice(MOMENTS)) for _ in range(count)]


def _vector(random: Random, depth: int) -> str:
    if depth == 0:
        offset = random.choice(("", "", "", " offset 1m", " offset 4m"))
        return random.choice(GAUGES) + offset
    make = random.choice(
        (_selector, _over, _over, _function, _aggregated, _aggregated, _operated, _operated, _combined)
    )
    return make(random, depth - 1)


def _selector(random: Random, _: int) -> str:
    return random.choice(GAUGES)


def _over(random: Random, _: int) -> str:
    name, selector = random.choice(OVER_RANGE), random.choice((*COUNTERS, *GAUGES))
    return f"{name}({selector}[{random.choice(RANGES)}]{random.choice(('', '', ' offset 2m'))})"


def _function(random: Random, depth: int) -> str:
    inner = _vector(random, depth)
    name = random.choice(
        (*OF_VALUES, "clamp", "clamp_min", "round_to", "histogram_quantile", "label_replace", "label_join")
    )
    one, other = random.choice(NUMBERS), random.choice(NUMBERS)
    return {
        "clamp": f"clamp({inner}, {one}, {other})",
        "clamp_min": f"clamp_min({inner}, {one})",
        "round_to": f"round({inner}, {one})",
        "scalar": f"vector(scalar({inner}))",
        "histogram_quantile": f"histogram_quantile({random.choice(SHARES)}, {inner})",
        "label_replace": f'label_replace({inner}, "floor", "$1", "room", "(.).*")',
        "label_join": f'label_join({inner}, "room", "/", "room", "floor", "tool")',
    }.get(name, f"{name}({inner})")


def _aggregated(random: Random, depth: int) -> str:
    inner, group = _vector(random, depth), random.choice(GROUPS)
    name = random.choice((*SIMPLE, "quantile", "count_values"))
    if name == "count_values":
        inner = f"round({inner}, 0.5)"  # the last digits of a number may differ, and here they would be a label
    parameter = {"quantile": f"{random.choice(SHARES)}, ", "count_values": '"value", '}.get(name, "")
    return f"{name} {group} ({parameter}{inner})"


def _operated(random: Random, depth: int) -> str:
    inner, number = _vector(random, depth), random.choice(NUMBERS)
    symbol = random.choice((*SYMBOLS, *COMPARISONS, "> bool", "== bool"))
    return f"({inner}) {symbol} {number}" if random.random() < 0.6 else f"{number} {symbol} ({inner})"


def _combined(random: Random, depth: int) -> str:
    one, other, matching = _vector(random, depth), _vector(random, depth), random.choice(MATCHINGS)
    if random.random() < 0.4:
        matching = matching.partition(" group")[0]
        return f"({one}) {random.choice(('and', 'or', 'unless'))} {matching} ({other})"
    return f"({one}) {random.choice((*SYMBOLS[:4], *COMPARISONS[:3]))} {matching} ({other})"
