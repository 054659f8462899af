"""The rule files as one resource of the Prometheus operator: `python -m tests.fleet.prometheus_rule` writes it."""

from __future__ import annotations

from typing import Final

from tests.fleet.programs import FLEET

RESOURCE: Final = FLEET / "kubernetes" / "prometheusrule.yaml"
_HEAD: Final = """\
# For the Prometheus operator: the rules of prometheus/rules, as they are there. Written by a command, not by hand:
# python -m tests.fleet.prometheus_rule
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: mcp
spec:
  groups:
"""


def resource() -> str:
    """Return the resource: the groups of all files, comments included."""
    parts = [_HEAD]
    for file in sorted((FLEET / "prometheus" / "rules").glob("*.yml")):
        about, groups = file.read_text().split("groups:\n")
        # Comments of a file stand before its groups, those and the groups two columns further in than there.
        lines = [f"  {line}" if line.startswith("#") else line for line in (about + groups).splitlines()]
        parts += [f"  {line}\n" if line else "\n" for line in lines]
    return "".join(parts)


if __name__ == "__main__":
    RESOURCE.write_text(resource())
