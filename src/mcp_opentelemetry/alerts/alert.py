"""One alert: a rule and a label set for which its condition holds, or held until just now."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

State = Literal["pending", "firing", "resolved"]

ALERT_NAME: Final = "alertname"
SEVERITY: Final = "severity"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert at one moment. Moments are in seconds since the epoch.

    Args:
        labels: its identity, `alertname` among them.
        annotations: texts for people.
        state: what it is now.
        value: what the expression came to.
        active_since: when the condition began to hold.
        fired_at: when it had held for long enough; `None` while pending.
        resolved_at: when it no longer held; `None` until then.
        expression: the rule's, or the name of a condition in Python.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    state: State = "pending"
    value: float = 0.0
    active_since: float = 0.0
    fired_at: float | None = None
    resolved_at: float | None = None
    expression: str = ""

    @property
    def name(self) -> str:
        """The rule's name."""
        return self.labels.get(ALERT_NAME, "")

    @property
    def severity(self) -> str:
        """How bad it is, as the rule says; empty if it does not."""
        return self.labels.get(SEVERITY, "")

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that are the same for the same labels, in every process."""
        text = json.dumps(sorted(self.labels.items()), ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
