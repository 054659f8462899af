"""Each receiver says what it should, and a wrong entry is one warning."""

from __future__ import annotations

import json
import logging

import pytest

from mcp_opentelemetry.alerts.receivers import apprise
from mcp_opentelemetry.alerts.receivers.alertmanager import Alertmanager, plain_labels
from mcp_opentelemetry.alerts.receivers.entries import read_receivers
from mcp_opentelemetry.alerts.receivers.log import Log
from mcp_opentelemetry.alerts.receivers.webhook import Webhook
from mcp_opentelemetry.redaction import REDACTED
from tests.alerts.receiving import SECRET, TERMS, receiver
from tests.alerts.sink import firing, listening, resolved


def test_a_setting_names_receivers_of_every_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise, "is_installed", lambda: True)
    setting = (
        "log, https://x.org/hook,webhook+http://x:1/,alertmanager+https://am:9093/prefix,"
        "slack://a/b/c, apprise+json://x,,tests.alerts.own_receivers:Ear"
    )
    kinds = ["log", "webhook", "webhook", "alertmanager", "apprise", "apprise", "own"]
    assert [receiver.kind for receiver in read_receivers(setting)] == kinds


@pytest.mark.parametrize(
    ("entry", "shown", "reason"),
    [
        (f"http://x.org/{SECRET}", f"http://x.org/{REDACTED}", "write webhook+http://"),
        (f"https://x.org:99999/{SECRET}", f"https://{REDACTED}", "not an http:// or https:// URL"),
        (f"alertmanager+ftp://{SECRET}@x", f"alertmanager+ftp://{REDACTED}", "not an http:// or https:// URL"),
        (f"webhook+https://{SECRET}:\t@x", f"webhook+https://{REDACTED}", "printable"),
        (SECRET, REDACTED, "neither a URL nor module:attribute"),
        ("logs", "logs", "neither a URL nor module:attribute"),
        ("no.such.module:x", "no.such.module:x", "No module named 'no'"),
        ("json:no_such_name", "json:no_such_name", "no_such_name"),
        ("tests.alerts.own_receivers:not_callable", "own_receivers:not_callable", "neither a function nor"),
        (f"slack://{SECRET}", f"slack://{REDACTED}", "pip install 'mcp-opentelemetry[notify]'"),
    ],
)
def test_a_wrong_entry_is_one_warning_and_the_others_go_on(
    entry: str, shown: str, reason: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apprise, "is_installed", lambda: False)
    assert [type(receiver) for receiver in read_receivers(f"log,{entry},https://x")] == [Log, Webhook]
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "OTEL_PYTHON_MCP_ALERT_RECEIVERS: entry 2, " in record.message
    for part in (shown, reason, "allowed: log, https://", "alerts go to the other receivers only"):
        assert part in record.message
    assert SECRET not in caplog.text


def test_names_and_keys_of_receivers_hold_no_secret() -> None:
    first, second = read_receivers(f"https://x/{SECRET},https://x/{SECRET}0")
    assert SECRET not in f"{first.name}{first.key}{first!r}"
    assert first.key != second.key
    assert receiver(f"https://x/{SECRET}").key == first.key, "the same after a restart"


def test_a_webhook_gets_what_alertmanager_would_send() -> None:
    with listening() as sink:
        webhook = receiver(sink.url("/hook", "webhook+http"))
        for alert in (firing(tool="a"), resolved(tool="a")):
            webhook.send([alert], **TERMS)
    first, second = sink.received
    assert first.path == "/hook"
    assert first.headers["Content-Type"] == "application/json"
    labels = {"alertname": "Slow", "severity": "warning", "tool": "a"}
    annotations = {"summary": "Slow it is"}
    assert first.body == {
        "version": "4",
        "groupKey": '{}:{alertname="Slow"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "mcp-opentelemetry",
        "groupLabels": {"alertname": "Slow"},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "",
        "alerts": [
            {
                "status": "firing",
                "labels": labels,
                "annotations": annotations,
                "startsAt": "1970-01-01T00:16:40.000Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "",
                "fingerprint": firing(tool="a").fingerprint,
            }
        ],
    }
    assert second.body["status"] == second.body["alerts"][0]["status"] == "resolved"
    assert second.body["alerts"][0]["endsAt"] == "1970-01-01T00:18:20.000Z"
    keys = [received.headers["Idempotency-Key"] for received in sink.received]
    fingerprint = firing(tool="a").fingerprint
    assert keys == [f"{fingerprint}-1000000-firing", f"{fingerprint}-1000000-resolved"]


def test_alertmanager_gets_what_prometheus_would_send() -> None:
    with listening() as sink:
        alertmanager = receiver(sink.url("/prefix/", "alertmanager+http"))
        alertmanager.send([firing(**{"gen_ai.tool.name": "a"}), resolved("Gone")], **TERMS)
    (received,) = sink.received
    assert received.path == "/prefix/api/v2/alerts"
    assert received.body == [
        {
            "labels": {"alertname": "Slow", "severity": "warning", "gen_ai_tool_name": "a"},
            "annotations": {"summary": "Slow it is"},
            "startsAt": "1970-01-01T00:16:40.000Z",
            "endsAt": "1970-01-01T00:33:20.000Z",
            "generatorURL": "",
        },
        {
            "labels": {"alertname": "Gone", "severity": "warning"},
            "annotations": {"summary": "Gone it is"},
            "startsAt": "1970-01-01T00:16:40.000Z",
            "endsAt": "1970-01-01T00:18:20.000Z",
            "generatorURL": "",
        },
    ]


def test_label_names_become_such_as_every_alertmanager_takes() -> None:
    labels = {"a.b": "1", "a_b": "2", "0x": "3", "ø-": "4", "": "5"}
    assert plain_labels(labels) == {"a_b": "1;2", "_0x": "3", "__": "4"}


@pytest.mark.parametrize(
    ("severity", "level"),
    [("critical", "CRITICAL"), ("page", "CRITICAL"), ("error", "ERROR"), ("", "WARNING"), ("info", "INFO")],
)
def test_the_log_is_as_loud_as_the_severity(severity: str, level: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mcp_opentelemetry.alerts")
    Log().write(firing(severity=severity))
    Log().write(resolved(severity=severity))
    assert [record.levelname for record in caplog.records] == [level, "INFO"]
    assert caplog.messages == ["alert Slow firing: Slow it is", "alert Slow resolved: Slow it is"]
    fields = vars(caplog.records[1])
    assert fields["alert_labels"]["alertname"] == fields["alert_name"] == "Slow"
    assert fields["alert_ends_at"] == "1970-01-01T00:18:20.000Z"
    json.dumps({name: value for name, value in fields.items() if name.startswith("alert_")})


def test_alertmanager_takes_many_at_once() -> None:
    assert (Alertmanager.batch, Webhook.batch) == (64, 1)
