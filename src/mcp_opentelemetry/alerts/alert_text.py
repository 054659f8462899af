"""An alert as the journal keeps it."""

from __future__ import annotations

import json
from typing import Any, cast, get_args

from mcp_opentelemetry.alerts.alert import Alert, State


def dump(alert: Alert) -> str:
    """Return an alert as a line of JSON, in ASCII."""
    return json.dumps(
        {
            "labels": dict(alert.labels),
            "annotations": dict(alert.annotations),
            "state": alert.state,
            "value": alert.value,
            "active_since": alert.active_since,
            "fired_at": alert.fired_at,
            "resolved_at": alert.resolved_at,
            "expression": alert.expression,
        }
    )


def load(text: str) -> Alert:
    """Return the alert that a line of JSON describes; what another version of us added is left out.

    Raises:
        ValueError: it describes none.
    """
    fields: Any = json.loads(text)
    try:
        state = fields["state"]
        if state not in get_args(State):
            raise ValueError("no such state")
        return Alert(
            labels=_strings(fields["labels"]),
            annotations=_strings(fields["annotations"]),
            state=cast("State", state),
            value=float(fields["value"]),
            active_since=float(fields["active_since"]),
            fired_at=_moment(fields["fired_at"]),
            resolved_at=_moment(fields["resolved_at"]),
            expression=str(fields["expression"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not an alert") from error


def _strings(fields: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in fields.items()}


def _moment(seconds: Any) -> float | None:
    return None if seconds is None else float(seconds)
