"""The rules that come along: each fires when it should, is silent when it should, and Prometheus agrees."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mcp_opentelemetry.alerts.rule_set import rules_of, unknown_metrics
from mcp_opentelemetry.alerts.rule_tests import run_tests
from mcp_opentelemetry.alerts.rules import Rules, parse_rules
from mcp_opentelemetry.alerts.slo import slo_rules
from mcp_opentelemetry.alerts.source import LONGEST
from mcp_opentelemetry.config import Settings
from tests.alerts.promtool import BUILD, PROMTOOL

TESTS = Path(__file__).with_name("default_rules_test.yml")


def test_default_rules_fire_when_they_should() -> None:
    outcome = run_tests(str(TESTS))
    assert outcome.failures == ()
    assert outcome.tests == 5


@pytest.mark.skipif(not PROMTOOL.exists(), reason=f"{PROMTOOL} is missing: {BUILD}")
def test_prometheus_agrees_about_the_default_rules() -> None:
    done = subprocess.run([str(PROMTOOL), "test", "rules", str(TESTS)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_default_rules_have_a_severity_and_a_summary_and_ask_for_nothing_unknown() -> None:
    rules = rules_of(Settings.from_mapping({"OTEL_PYTHON_MCP_SLO": "99.5"}))
    assert rules.problems == []
    assert unknown_metrics(rules) == []
    for group in rules.groups:
        for rule in group.rules:
            assert rule.labels["severity"].text in {"critical", "warning"}
            assert rule.annotations["summary"].text


def test_default_rules_can_be_switched_off() -> None:
    assert rules_of(Settings.from_mapping({"OTEL_PYTHON_MCP_ALERT_DEFAULTS": "false"})).groups == []


@pytest.mark.parametrize("objective", [99.9, 99, 50, 99.999])
def test_objective_burns_only_when_both_windows_do(objective: float, tmp_path: Path) -> None:
    (tmp_path / "slo.yml").write_text(slo_rules(objective))
    rules = Rules()
    parse_rules(slo_rules(objective), "slo", LONGEST, rules)
    assert rules.problems == []
    burn = min(1.0, 20 * (1 - objective / 100))  # more than 14.4 times the budget
    calls = 1000
    failed = burn * calls
    (tmp_path / "test.yml").write_text(
        f"""
rule_files: [slo.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {{series: 'mcp_requests_total{{tool="a",status="error"}}', values: '0+{failed}x120 {120 * failed}x120'}}
      - {{series: 'mcp_requests_total{{tool="a",status="success"}}', values: '0+{calls - failed}x240'}}
      - {{series: 'mcp_errors_total{{tool="a",error_type="KeyError"}}', values: '0+{failed}x120 {120 * failed}x120'}}
    promql_expr_test:
      - expr: 'count(ALERTS{{alertname="McpErrorBudgetBurn",window="1h",alertstate="firing"}}) or vector(0)'
        eval_time: 90m
        exp_samples: [{{labels: '{{}}', value: {0 if objective == 50 else 1}}}]
      - expr: 'count(ALERTS{{alertname="McpErrorBudgetBurn",window="1h",alertstate="firing"}}) or vector(0)'
        eval_time: 130m
        exp_samples: [{{labels: '{{}}', value: 0}}]
"""
    )
    assert run_tests(str(tmp_path / "test.yml")).failures == ()


def test_few_failures_burn_nothing(tmp_path: Path) -> None:
    (tmp_path / "slo.yml").write_text(slo_rules(99.9))
    (tmp_path / "test.yml").write_text(
        """
rule_files: [slo.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'mcp_requests_total{tool="a",status="error"}', values: '0 1x90'}
      - {series: 'mcp_requests_total{tool="a",status="success"}', values: '0 2x90'}
      - {series: 'mcp_errors_total{tool="a",error_type="KeyError"}', values: '0 1x90'}
    alert_rule_test:
      - {eval_time: 5m, alertname: McpErrorBudgetBurn}
      - {eval_time: 50m, alertname: McpErrorBudgetBurn}
"""
    )
    assert run_tests(str(tmp_path / "test.yml")).failures == ()
