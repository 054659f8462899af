"""Rule files of every kind that is supported."""

from __future__ import annotations

from random import Random
from typing import Any, Final

MINUTES: Final = ("0s", *(f"{minute}m" for minute in range(1, 32)))

_TEMPLATES: Final = {
    "value": "{{ $value }} {{.Value}} {{- $value -}} x {{- /* nothing */ -}} y",
    "labels": "{{ $labels.room }}/{{ .Labels.floor }}/{{ $labels.missing }}/{{ $labels.__name__ }}/{{ $labels }}",
    "humanize": "{{ humanize $value }} {{ $value | humanize1024 }}",
    "duration": "{{ humanizeDuration $value }} {{ $value | humanizePercentage }}",
    "timestamp": "{{ $value | humanizeTimestamp }}",
    "printf": '{{ printf "%.2f|%5.1f|%-8.3f|%+d|%s|%v|%%|%q" $value $value $value 3 $labels.room $value "a b" }}',
    "wrong_verb": '{{ printf "%d %s %f" $value $value 3 }}',
    "general": '{{ printf "%g %.3g %e %G %08.2f" $value $value $value $value $value }}',
    "text": '{{ title "one two-3 it\'s" }}{{ $labels.room | toUpper }}{{ toLower "Ä" }} {{ "a\\n\\"b\\"" }} {{ `c` }}',
    "number": "{{ 5 }} {{ 1.50 }} {{ humanize 1234567 }}",
}
_EXPRESSIONS: Final = (
    "temperature > 1",
    "temperature < 10",
    'temperature{room="kitchen"} != 0',
    "temperature * 1234.5678 > 20000 or temperature * 1e-5 < 0.001",
    "rate(requests_total[5m]) > 0",
    "sum by (tool) (increase(requests_total[4m])) > 2",
    "absent(requests_total{tool='b',status='error'})",
    "changes(temperature[3m]) > 0",
    "lonely > 1",
    "vector(time() / 60) % 7 > 3",
    "resets(requests_total[10m]) >= 1",
    "requests_total == 9",
    "vector(time()) > 300",
)


def alert(name: str, expression: str, **others: Any) -> dict[str, Any]:
    """Return an alerting rule."""
    return {"alert": name, "expr": expression, **others}


def fixed() -> dict[str, Any]:
    """Return a rule file with every key and every template."""
    for_templates = [
        alert(f"Template{name.title()}{place}", expression, annotations={"text": template}, labels={"also": template})
        for name, template in _TEMPLATES.items()
        for place, expression in enumerate(
            ("temperature", "temperature * 123456.789", "temperature / 98765.4321 > -Inf")
        )
    ]
    states = [
        alert("AtOnce", "temperature > 1"),
        alert("For", "temperature > 1", **{"for": "2m"}),
        alert("ForLong", "lonely > 1", **{"for": "10m30s"}),
        alert("Keep", "temperature > 1", keep_firing_for="3m"),
        alert("ForKeep", "temperature{room='kitchen'} > 1", **{"for": "1m", "keep_firing_for": "90s"}),
        alert("Labelled", "temperature > 1", labels={"room": "", "floor": "{{ $labels.floor }}x", "severity": "page"}),
        alert("Unlabelled", "sum(temperature) != 0", annotations={"empty": "", "text": "{{ $value }}"}),
        alert("Scalar", "time() - 300", annotations={"text": "{{ $value }}"}),
        alert("Named", "temperature > 1", labels={"alertname": "other", "alertstate": "mine"}),
    ]
    recording = [
        {"record": "job:requests:rate5m", "expr": "sum without (status, tool) (rate(requests_total[5m]))"},
        {"record": "limited", "expr": "limit > 0", "labels": {"severity": "{{ $value }}", "level": "over"}},
        {"record": "limited:sum", "expr": "sum(limited) + count(job:requests:rate5m)"},
        {"record": "gone", "expr": "requests_total{status='error'} > 4"},
        alert("OfRecorded", "gone + 0 * limited:sum > 0 or gone", annotations={"text": "{{ $value }}"}),
        alert("OfAlerts", "count by (alertstate) (ALERTS) > 1", annotations={"n": "{{ $value }}"}),
        alert("Since", "time() - ALERTS_FOR_STATE{alertname='For'} > 120", annotations={"n": "{{ $value }}"}),
    ]
    return {
        "groups": [
            {"name": "states", "rules": states, "labels": {"team": "core", "severity": "info"}},
            {"name": "slow", "interval": "5m", "rules": [alert("Slow", "temperature > 1", **{"for": "1m"})]},
            {"name": "recording", "rules": recording, "limit": 100},
            {"name": "templates", "rules": for_templates},
            {
                "name": "later",
                "query_offset": "2m",
                "rules": [alert("Late", "temperature > 1"), {"record": "late", "expr": "temperature > 1"}],
            },
        ]
    }


def generated(seed: int) -> dict[str, Any]:
    """Return a rule file put together at random."""
    random = Random(seed)
    groups: list[dict[str, Any]] = []
    for number in range(3):
        rules: list[dict[str, Any]] = []
        for place in range(6):
            expression = random.choice(_EXPRESSIONS)
            if random.random() < 0.25:
                rules.append({"record": f"recorded_{number}_{place}", "expr": expression})
                expression = f"recorded_{number}_{place} > 0"
            others: dict[str, Any] = {"annotations": {"text": random.choice(list(_TEMPLATES.values()))}}
            if random.random() < 0.5:
                others["for"] = random.choice(("0s", "1m", "2m", "90s", "5m"))
            if random.random() < 0.5:
                others["keep_firing_for"] = random.choice(("1m", "3m", "150s"))
            if random.random() < 0.5:
                others["labels"] = {"severity": random.choice(("page", "{{ $labels.floor }}x")), "n": str(number)}
            rules.append(alert(f"Alert_{number}_{place}", expression, **others))
        groups.append({"name": f"group {number}", "rules": rules})
    return {"groups": groups}


def alert_names(rules: dict[str, Any]) -> list[str]:
    """Return the names of the alerts in a rule file."""
    return [rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule]
