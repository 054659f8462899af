"""The rule files: Prometheus, old and new, loads them, their tests pass, and ours are those that come along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mcp_opentelemetry.alerts.rule_tests import run_tests
from mcp_opentelemetry.alerts.rules import Rules, parse_rules
from mcp_opentelemetry.alerts.slo import slo_rules
from mcp_opentelemetry.alerts.source import LONGEST
from tests.fleet.programs import FLEET, PROMTOOLS, ROOT, run

DEFAULT_RULES = ROOT / "src/mcp_opentelemetry/alerts/default_rules.yaml"
RULES = sorted((FLEET / "prometheus" / "rules").glob("*.yml"))
TESTS = sorted((FLEET / "prometheus" / "tests").glob("*_test.yml"))
# What looks further back than a process remembers is for Prometheus alone.
BEYOND_A_PROCESS = {"McpServerDown", "McpServiceGone", "mcp:tool_errors:ratio_rate3d", "mcp:tool_calls:enough3d"}


def rules_in(text: str) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for file in RULES for rule in rules_in(file.read_text()) if "alert" in rule]


@pytest.mark.parametrize("version", PROMTOOLS)
def test_prometheus_loads_every_rule_file(version: str) -> None:
    said = run(PROMTOOLS[version], "check", "rules", *RULES)
    assert said.count("SUCCESS") == len(RULES) == 4


@pytest.mark.parametrize("version", PROMTOOLS)
@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_rules_do_what_their_tests_say_in_prometheus(file: Path, version: str) -> None:
    assert "SUCCESS" in run(PROMTOOLS[version], "test", "rules", file)


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_rules_do_what_their_tests_say_in_process(file: Path) -> None:
    outcome = run_tests(str(file))
    assert outcome.failures == ()
    assert outcome.tests > 0


def test_every_alert_of_the_fleet_is_tested() -> None:
    asked = {
        alert["alertname"]
        for file in TESTS
        for test in yaml.safe_load(file.read_text())["tests"]
        for alert in test.get("alert_rule_test", ())
        if alert.get("exp_alerts")
    }
    in_process = {rule["alert"] for rule in rules_in(DEFAULT_RULES.read_text())}
    assert asked == {alert["alert"] for alert in alerts()} - in_process


def test_rules_of_the_package_are_here_as_they_are_there() -> None:
    assert (FLEET / "prometheus" / "rules" / "mcp_server.yml").read_bytes() == DEFAULT_RULES.read_bytes()


def test_a_process_can_evaluate_everything_that_it_remembers_long_enough_for() -> None:
    rules = Rules()
    for file in RULES:
        parse_rules(file.read_text(), file.name, LONGEST, rules)
    left_out = {name for name in BEYOND_A_PROCESS if any(f"'{name}'" in str(problem) for problem in rules.problems)}
    assert left_out == BEYOND_A_PROCESS
    assert len(rules.problems) == len(BEYOND_A_PROCESS)


def test_every_alert_says_how_long_how_bad_and_what() -> None:
    for alert in alerts():
        assert "for" in alert, alert["alert"]
        assert alert["labels"]["severity"] in {"critical", "warning", "none"}, alert["alert"]
        assert alert["annotations"]["summary"], alert["alert"]
    (watchdog,) = [alert for alert in alerts() if alert["labels"]["severity"] == "none"]
    assert watchdog["alert"] == "McpWatchdog"


def test_objective_burns_on_the_fleet_as_in_process() -> None:
    """The same objective gives the same alerts, with the windows that no process lives for besides."""

    def burns(text: str) -> set[tuple[str, str]]:
        found = [rule for rule in rules_in(text) if rule.get("alert") == "McpErrorBudgetBurn"]
        return {(rule["labels"]["window"], rule["labels"]["severity"]) for rule in found}

    text = (FLEET / "prometheus" / "rules" / "mcp_slo.yml").read_text()
    in_process = burns(slo_rules(99))
    assert burns(text) == {*in_process, ("3d", "warning")}
    for burn, window in ((14.4, "1h"), (6, "6h")):
        assert f"ratio_rate{window} > {burn} * 0.01" in text
        assert f"> {burn * 0.01:.10g}" in slo_rules(99)


def test_every_alert_has_a_page_in_the_runbook() -> None:
    runbook = (FLEET / "RUNBOOK.md").read_text()
    headings = [line.removeprefix("## ") for line in runbook.splitlines() if line.startswith("## ")]
    assert sorted(headings) == sorted({alert["alert"] for alert in alerts()})
