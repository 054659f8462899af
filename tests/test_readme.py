"""What the README shows works: its snippets parse, its paths and commands exist, its settings are the settings."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcp_opentelemetry.alerts.rules import Rules, parse_rules
from mcp_opentelemetry.alerts.source import LONGEST
from mcp_opentelemetry.cli import COMMANDS
from mcp_opentelemetry.config import ENDPOINTS, PREFIX, Settings
from mcp_opentelemetry.setting_values import SuccessLog, success_log

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def yaml_with(key: str) -> Any:
    (found,) = [block for block in map(yaml.safe_load, blocks("yaml")) if key in block]
    return found


def assert_are_settings(environ: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    Settings.from_mapping(environ)
    assert not caplog.records
    known = {PREFIX + setting.name.upper() for setting in fields(Settings)}
    assert {name for name in environ if name.startswith(PREFIX)} <= known


def test_kubernetes_probes_ask_for_what_there_is(caplog: pytest.LogCaptureFixture) -> None:
    (container,) = yaml_with("containers")["containers"]
    assert_are_settings({each["name"]: each["value"] for each in container["env"]}, caplog)
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    settings = Settings.from_mapping({each["name"]: each["value"] for each in container["env"]})
    assert ports["telemetry"] == settings.http_port
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        request = container[probe]["httpGet"]
        assert request["path"].lstrip("/") in ENDPOINTS
        assert request["port"] in ports
    # What only a port of our own can see is not asked of the app.
    assert container["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "telemetry"}


def test_compose_healthcheck_is_a_command_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    (service,) = yaml_with("services")["services"].values()
    assert_are_settings(service["environment"], caplog)
    kind, program, command = service["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "mcp-opentelemetry")
    assert command in {known.name for known in COMMANDS}


def test_rules_are_supported() -> None:
    rules = Rules()
    parse_rules(yaml.safe_dump(yaml_with("groups")), "README.md", LONGEST, rules)
    assert rules.problems == []
    assert [rule.name for group in rules.groups for rule in group.rules] == ["ForecastSlow"]


@pytest.mark.parametrize("block", blocks("python"))
def test_python_is_python(block: str) -> None:
    ast.parse(block)


def test_every_setting_is_in_the_table_with_its_default() -> None:
    rows = dict(re.findall(rf"^\| `({PREFIX}\w+)` \| (.*?) \|", README, re.MULTILINE))
    assert list(rows) == [PREFIX + setting.name.upper() for setting in fields(Settings)]
    plain = {name: text.strip("`") for name, text in rows.items()}
    defaults = Settings()
    for setting in fields(Settings):
        shown, default = plain[PREFIX + setting.name.upper()], getattr(defaults, setting.name)
        if isinstance(default, SuccessLog):
            assert success_log(shown) == default, setting.name
        elif isinstance(default, tuple):
            assert shown == (",".join(default) or "unset"), setting.name
        elif isinstance(default, float):
            assert float(shown.removesuffix("s")) == default, setting.name
        elif default is None:
            assert shown == "unset" or " " in shown, setting.name  # or what is taken instead, in words
        else:
            assert shown == str(default).lower(), setting.name


def test_commands_and_files_exist() -> None:
    commands = {command.name for command in COMMANDS}
    named = set(re.findall(r"mcp-opentelemetry (\w+)", README))
    assert {name for name in named if name in commands} == commands
    for link in re.findall(r"\]\((?!http|#)([^)]+)\)", README):
        assert (ROOT / link).exists(), link
