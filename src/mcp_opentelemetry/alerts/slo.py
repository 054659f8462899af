"""Burn-rate alerts of a service-level objective, over several windows (Google's SRE Workbook, chapter 5, table 5-8).

The third pair of the table looks three days back: it is for Prometheus, because no process lives that long for sure.
"""

from __future__ import annotations

from typing import Final

# Long window, short window, burn rate, severity: both windows must exceed it.
_PAIRS: Final = (("1h", "5m", 14.4, "critical"), ("6h", "30m", 6.0, "critical"))
# Ten calls an hour and one failure would be a hundredfold burn: few calls prove nothing.
_FEWEST_CALLS: Final = 20
_FEWEST_FAILURES: Final = 2
_FAILURES: Final = 'sum without (error_type, tool) ({function}(mcp_errors_total{{error_type!~"{faults}"}}[{window}]))'
_CALLS: Final = "sum without (status, tool) ({function}(mcp_requests_total[{window}]))"
_FAULTS_OF_CALLERS: Final = "invalid_arguments|unknown_tool|cancelled"


def slo_rules(objective: float) -> str:
    """Return a rule file for an objective.

    Args:
        objective: the share of tool calls that should succeed, in percent; above 0 and below 100.
    """
    budget = 1 - objective / 100
    lines = ["groups:", "  - name: mcp-slo", "    rules:"]
    for long, short, burn, severity in _PAIRS:
        threshold = f"{burn * budget:.10g}"
        ratios = [f"{_failures('rate', window)} / {_calls('rate', window)} > {threshold}" for window in (long, short)]
        many = f"{_calls('increase', long)} >= {_FEWEST_CALLS}"
        enough = f"{many} and {_failures('increase', long)} >= {_FEWEST_FAILURES}"
        burnt = f"the budget of {objective:g} % burns {burn:g} times too fast over {long}"
        lines += [
            "      - alert: McpErrorBudgetBurn",
            "        expr: |",
            f"          {ratios[0]}",
            f"          and {ratios[1]}",
            f"          and {enough}",
            f"        labels: {{severity: {severity}, window: {long}}}",
            "        annotations:",
            f'          summary: "{{{{ $value | humanizePercentage }}}} of tool calls fail: {burnt}"',
        ]
    return "\n".join(lines) + "\n"


def _failures(function: str, window: str) -> str:
    return _FAILURES.format(function=function, faults=_FAULTS_OF_CALLERS, window=window)


def _calls(function: str, window: str) -> str:
    return _CALLS.format(function=function, window=window)
