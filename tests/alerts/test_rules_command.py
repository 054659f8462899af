"""`mcp-opentelemetry rules`: what it says, and its exit code."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from mcp_opentelemetry.alerts import trial
from mcp_opentelemetry.cli import main
from tests.alerts.sink import Time
from tests.waiting import DEADLINE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_RULES = """\
groups:
- name: web
  interval: 30s
  rules:
  - alert: Slow
    expr: rate(calls_total[5m]) > 1
    for: 2m
    keep_firing_for: 1m
  - alert: Always
    expr: vector(1)
  - record: calls:rate
    expr: rate(calls_total[5m])
"""
_TESTS = """\
rule_files: ["*.rules"]
tests:
- input_series: [{series: calls_total, values: 0+600x10}]
  alert_rule_test:
  - {eval_time: 3m, alertname: Slow, exp_alerts: [{exp_labels: {}}]}
  promql_expr_test:
  - {expr: 'calls:rate', eval_time: 5m, exp_samples: [{labels: 'calls:rate', value: 10}]}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "web.rules"
    path.write_text(_RULES)
    (tmp_path / "web.test").write_text(_TESTS)
    return path


def test_check_says_what_each_rule_does(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "check", str(rules)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{rules}: group web, every 30 s",
        "  ok: alert Slow (looks 300 s back, for 120 s, keeps firing for 60 s)",
        "  ok: alert Always",
        "  ok: records calls:rate",
        "3 rules can be evaluated in process, no problems",
    ]


def test_check_names_file_line_and_reason_of_each_problem(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules.write_text(
        _RULES.replace("vector(1)", "sum_over_time(x[5m:1m])").replace("interval: 30s\n", "interval: 30s\n")
    )
    assert main(["rules", "check", str(rules), str(rules.parent / "nothing.*")]) == 1
    said = capsys.readouterr().out
    assert f"problem: {rules}:9, group 'web', rule 'Always': 'sum_over_time(x[5m:1m])' is not supported" in said
    assert "a subquery is not supported; the rule is left out" in said
    assert "nothing.*: no such file" in said
    assert "2 rules can be evaluated in process, 2 problems" in said


def test_check_refuses_a_range_longer_than_is_kept(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules.write_text(_RULES.replace("[5m]", "[3d]"))
    assert main(["rules", "check", str(rules)]) == 1
    assert "look 259200 s back, 6 h are kept" in capsys.readouterr().out


def test_test_passes_where_the_rules_do_what_is_expected(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "test", str(rules.parent / "web.test")]) == 0
    assert capsys.readouterr().out == f"{rules.parent / 'web.test'}: 1 tests, ok\n"


def test_test_says_what_was_expected_and_what_came(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = rules.parent / "web.test"
    path.write_text(_TESTS.replace("value: 10", "value: 11").replace("eval_time: 3m", "eval_time: 1m"))
    assert main(["rules", "test", str(path)]) == 1
    said = capsys.readouterr().out
    assert "alert Slow at 1m: expected [" in said
    assert "calls:rate at 5m: expected {(('__name__', 'calls:rate'),): 11.0}, got" in said
    assert f"{path}: 1 tests, 2 failures" in said


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "a mapping is wanted"),
        ("[", "ParserError"),
        ("tests: 5", "TypeError"),
        ("tests: [{input_series: [{series: x}]}]", "KeyError: 'values'"),
        ("tests: [{input_series: [{series: x, values: '{{schema:1}}'}]}]", "native histograms are not supported"),
        ("tests: [{external_labels: {}}]", "'external_labels' is not supported"),
        ("rule_files: [missing.yaml]", "No such file"),
        ("tests: [{promql_expr_test: [{expr: 'x[', eval_time: 1m}]}]", "x[ at 1m: "),
        ("tests: [{promql_expr_test: [{expr: 'x', eval_time: soon}]}]", "'soon' is no duration"),
    ],
)
def test_a_file_that_is_no_test_fails_with_a_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, reason: str
) -> None:
    path = tmp_path / "bad.test"
    path.write_text(text)
    assert main(["rules", "test", str(path), str(path)]) == 1
    assert reason in capsys.readouterr().out


def test_a_missing_test_file_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "test", str(tmp_path / "none")]) == 1
    assert "FileNotFoundError" in capsys.readouterr().out


class _Metrics(BaseHTTPRequestHandler):
    """A page of metrics that grows with each look."""

    looks = 0

    def do_GET(self) -> None:
        type(self).looks += 1
        body = f"# TYPE calls counter\ncalls_total {600 * self.looks}\n# TYPE heat gauge\nheat 0\n".encode()
        self.send_response(200 if self.headers["Authorization"] == "Bearer s3cret" else 401)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def metrics_url() -> Iterator[str]:
    _Metrics.looks = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), _Metrics) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/metrics"
        server.shutdown()
        thread.join(DEADLINE)


def test_check_says_what_each_alert_would_be_now(
    rules: Path, metrics_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_PYTHON_MCP_HTTP_TOKEN", "s3cret")
    clock = Time()
    monkeypatch.setattr(trial, "monotonic", clock)
    monkeypatch.setattr(trial, "sleep", clock.pass_by)
    rules.write_text(_RULES + "  - alert: Hot\n    expr: heat > 1\n  - alert: Gone\n    expr: up == 0\n")
    assert main(["rules", "check", str(rules), "--url", metrics_url, "--seconds", "3"]) == 0
    now = [line.removeprefix("now: ") for line in capsys.readouterr().out.splitlines() if line.startswith("now: ")]
    assert now[0].startswith("Slow: active, value ")
    assert now[1:] == ["Always: active, value 1", "Hot: inactive", "Gone: no data"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/metrics", "file:///etc/passwd", "nonsense"])
def test_check_says_that_nobody_answers(rules: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "check", str(rules), "--url", url, "--seconds", "0"]) == 1
    assert url in capsys.readouterr().out


def test_check_says_that_the_token_is_missing(
    rules: Path, metrics_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", "check", str(rules), "--url", metrics_url, "--seconds", "0"]) == 1
    assert "401" in capsys.readouterr().out
