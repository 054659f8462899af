"""Which elements of two vectors belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from mcp_opentelemetry.alerts.promql.model import NAME, Labels, Unsupported, only, without

if TYPE_CHECKING:
    from collections.abc import Sequence

Side = Literal["one", "left", "right"]
_MANY: Final[dict[str, Side]] = {"ManyToOne": "left", "OneToMany": "right"}


@dataclass(frozen=True, slots=True)
class Matching:
    """Which elements of two vectors belong together.

    Args:
        names: of labels.
        is_on: whether these alone must be equal, or all others.
        many: the side that may have several elements to one of the other.
        included: labels that the many take over from the one.
    """

    names: frozenset[str] = frozenset()
    is_on: bool = False
    many: Side = "one"
    included: Sequence[str] = ()

    def key(self, labels: Labels) -> Labels:
        """Return what must be equal."""
        return only(labels, self.names) if self.is_on else without(labels, self.names | {NAME})


def matching_of(modifier: Any) -> Matching:
    """Return the matching that a parsed operator asks for.

    Raises:
        Unsupported: it fills in what is missing.
    """
    if modifier is None:
        return Matching()
    fill, chosen = modifier.fill_values, modifier.matching
    if fill is not None and (fill.lhs is not None or fill.rhs is not None):
        raise Unsupported("fill values are not supported")
    return Matching(
        names=frozenset(chosen.labels) if chosen is not None else frozenset(),
        is_on=chosen is not None and str(chosen.type).endswith("Include"),
        many=_MANY.get(str(modifier.card).rpartition(".")[2], "one"),
        included=tuple(modifier.group_labels or ()),
    )
