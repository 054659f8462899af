"""The Kubernetes resources: the API takes them, they fit together, and a server with their settings answers."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from mcp_opentelemetry.config import Settings
from tests.fleet.programs import CUSTOM_RESOURCES, FLEET, PROMTOOLS, ROOT, need, need_module, run
from tests.fleet.prometheus_rule import RESOURCE, resource
from tests.fleet.scraping import TOKEN
from tests.integration.http_servers import HttpServer
from tests.integration.processes import free_port, get, wait_until

FOLDER = FLEET / "kubernetes"
RESOURCES: dict[str, Any] = {
    each["kind"]: each for file in sorted(FOLDER.glob("*.yaml")) for each in yaml.safe_load_all(file.read_text())
}
POD = RESOURCES["Deployment"]["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]
MONITORS = {"ServiceMonitor": "endpoints", "PodMonitor": "podMetricsEndpoints"}
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


@pytest.mark.parametrize("version", ["1.25", "1.37"])
@pytest.mark.parametrize("kind", ["Deployment", "Service", "NetworkPolicy"])
def test_resource_is_kubernetes_own(kind: str, version: str) -> None:
    kubernetes_validate = need_module("kubernetes_validate")
    kubernetes_validate.validate(RESOURCES[kind], version, strict=True)
    wrong = {**RESOURCES[kind], "spec": {**RESOURCES[kind]["spec"], "mispelt": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, version, strict=True)


@pytest.mark.parametrize("kind", [*MONITORS, "PrometheusRule"])
def test_resource_is_the_operators(kind: str) -> None:
    file = need(CUSTOM_RESOURCES) / f"monitoring.coreos.com_{kind.lower()}s.yaml"
    # Go has flags anywhere in a pattern, Python at the beginning.
    (version,) = yaml.safe_load(file.read_text().replace("^(?i)", "(?i)^"))["spec"]["versions"]
    assert RESOURCES[kind]["apiVersion"] == f"monitoring.coreos.com/{version['name']}"
    schema = deepcopy(version["schema"]["openAPIV3Schema"])
    allow_nothing_else(schema)
    jsonschema.validate(RESOURCES[kind], schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**RESOURCES[kind], "spec": {**RESOURCES[kind]["spec"], "mispelt": 1}}, schema)


def allow_nothing_else(schema: Any) -> None:
    """Refuse fields that a schema does not name, as the API does when it is asked to be strict."""
    if isinstance(schema, dict):
        # `metadata` has no fields here: it is the same for everything.
        if schema.get("properties"):
            schema.setdefault("additionalProperties", False)
        for value in schema.values():
            allow_nothing_else(value)
    elif isinstance(schema, list):
        for value in schema:
            allow_nothing_else(value)


def test_probes_and_ports_are_those_of_the_readme() -> None:
    blocks = (ROOT / "README.md").read_text().split("```yaml\n")[1:]
    (readme,) = [found for block in blocks if "containers" in (found := yaml.safe_load(block.split("```")[0]))]
    (container,) = readme["containers"]
    for key in (*PROBES, "ports"):
        assert CONTAINER[key] == container[key], key
    assert {each["name"]: each["value"] for each in container["env"]}.items() <= environment().items()


def environment() -> dict[str, str]:
    return {each["name"]: each["value"] for each in CONTAINER["env"]}


def test_settings_are_settings(caplog: pytest.LogCaptureFixture) -> None:
    # The file with the token is the container's.
    settings = Settings.from_mapping({name: value for name, value in environment().items() if "TOKEN" not in name})
    assert not caplog.records
    assert settings.http_port == {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}["telemetry"]


def test_resources_mean_each_other() -> None:
    labels = POD["metadata"]["labels"]
    service = RESOURCES["Service"]
    assert RESOURCES["Deployment"]["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert service["spec"]["selector"].items() <= labels.items()
    assert RESOURCES["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    ports = {port["name"] for port in CONTAINER["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} == ports
    guarded = {port["port"] for rule in RESOURCES["NetworkPolicy"]["spec"]["ingress"] for port in rule["ports"]}
    assert guarded == ports
    (volume,) = POD["spec"]["volumes"]
    (mount,) = CONTAINER["volumeMounts"]
    assert mount["name"] == volume["name"]
    for kind, endpoints in MONITORS.items():
        spec = RESOURCES[kind]["spec"]
        (expression,) = spec["selector"]["matchExpressions"]
        for found in (labels, service["metadata"]["labels"]):
            assert found[expression["key"]] in expression["values"]
        assert spec["jobLabel"] in service["metadata"]["labels"]
        (endpoint,) = spec[endpoints]
        assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]} & ports
        secret = endpoint["authorization"]["credentials"]
        assert secret["name"] == volume["secret"]["secretName"]
        assert environment()["OTEL_PYTHON_MCP_HTTP_TOKEN_FILE"] == f"{mount['mountPath']}/{secret['key']}"


def rules_of(groups: list[Any]) -> Iterator[tuple[str, Any]]:
    for group in groups:
        for rule in group["rules"]:
            yield group["name"], rule


def test_rules_are_those_of_the_files(tmp_path: Path) -> None:
    assert RESOURCE.read_text() == resource(), "python -m tests.fleet.prometheus_rule"
    spec = RESOURCES["PrometheusRule"]["spec"]
    files = sorted((FLEET / "prometheus" / "rules").glob("*.yml"))
    assert list(rules_of(spec["groups"])) == [
        rule for file in files for rule in rules_of(yaml.safe_load(file.read_text())["groups"])
    ]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(spec))
    assert "SUCCESS" in run(PROMTOOLS["3.14"], "check", "rules", tmp_path / "rules.yml")


def test_server_with_these_settings_answers_its_probes(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    settings = {
        **environment(),
        "OTEL_PYTHON_MCP_HTTP_HOST": "127.0.0.1",
        "OTEL_PYTHON_MCP_HTTP_PORT": str(free_port()),
        "OTEL_PYTHON_MCP_HTTP_TOKEN_FILE": str(tmp_path / "token"),
    }
    with HttpServer("uvicorn asgi_app:app", settings=settings) as server:
        urls = {"mcp": server.url, "telemetry": f"http://127.0.0.1:{settings['OTEL_PYTHON_MCP_HTTP_PORT']}"}

        def status(url: str, path: str) -> int:
            return get(f"{url}{path}", Authorization=f"Bearer {TOKEN}")[0]

        for probe in PROBES:
            asked = CONTAINER[probe]["httpGet"]
            wait_until(lambda asked=asked: status(urls[asked["port"]], asked["path"]) == 200)
        # The numbers are on the port that the policy guards, and there only.
        assert status(urls["telemetry"], "/metrics") == 200
        assert status(urls["mcp"], "/metrics") == 404
