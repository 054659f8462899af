"""The containers: the file is one by the specification, and every program runs with its very arguments and files.

No container is started: the programs run as they are here, with paths and ports of the test.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fleet.programs import (
    ALERTMANAGERS,
    AMTOOLS,
    COMPOSE,
    FLEET,
    OTELCOL,
    PROMETHEUSES,
    PROMTOOLS,
    ROOT,
    need,
    run,
)
from tests.fleet.scraping import TOKEN, prometheus_folder
from tests.integration.http_servers import HttpServer
from tests.integration.processes import free_port, get, is_listening, wait_until

FILE = FLEET / "compose.yaml"
SERVICES: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]
DOCKERFILE = (FLEET / "weather.Dockerfile").read_text()
# Who listens where, inside: what every address in every file has to be.
PORTS = {
    "weather": {8000},
    "collector": {4317, 4318, 8888, 9464},
    "prometheus": {9090},
    "alertmanager": {9093},
    "grafana": {3000},
}
WATCHDOG = 9095  # yours, elsewhere


@contextmanager
def running(program: Path, arguments: list[str], port: int, log: Path) -> Iterator[None]:
    """Run a program until the end of `with`, once it listens."""
    with log.open("wb") as output:
        process = subprocess.Popen([program, *arguments], stdout=output, stderr=output)
        try:
            wait_until(lambda: is_listening(port) or process.poll() is not None)
            assert process.poll() is None, log.read_text()
            yield
        finally:
            process.terminate()
            process.wait(30)


def test_file_follows_the_specification(tmp_path: Path) -> None:
    said = run(COMPOSE, "-format", "json", FILE)
    assert set(yaml.safe_load(said)["services"]) == {"net", *PORTS}
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(FILE.read_text().replace("restart: unless-stopped", "restrat: unless-stopped"))
    assert subprocess.run([COMPOSE, wrong], capture_output=True, check=False).returncode != 0


def test_every_file_that_is_mounted_is_here_and_read_only() -> None:
    for name, service in SERVICES.items():
        for volume in service.get("volumes", ()):
            source, _, mode = volume.split(":") if volume.startswith(".") else (None, None, None)
            if source is not None:
                assert mode == "ro", volume
                assert (FLEET / source).exists() or (name == "collector" and need(FLEET / source)), volume


def test_secrets_are_files_that_are_never_committed() -> None:
    secrets = yaml.safe_load(FILE.read_text())["secrets"]
    documented = "".join(file.read_text() for file in FLEET.glob("*.md"))
    for name, secret in secrets.items():
        assert secret == {"file": f"./secrets/{name}"}
        assert re.search(rf"\b{name}\b", documented), name
    assert (FLEET / "secrets" / ".gitignore").read_text().split() == ["*", "!.gitignore"]
    for service in SERVICES.values():
        named = {each if isinstance(each, str) else each["source"] for each in service.get("secrets", ())}
        assert named <= set(secrets)
    configured = (FLEET / "alertmanager" / "alertmanager.yml").read_text()
    mounted = {each["target"] for each in SERVICES["alertmanager"]["secrets"]}
    assert set(re.findall(r"/etc/alertmanager/secrets/\w+", configured)) == mounted
    assert "credentials_file: secrets/mcp_token" in (FLEET / "prometheus" / "prometheus.yml").read_text()
    assert SERVICES["prometheus"]["secrets"][0]["target"] == "/etc/prometheus/secrets/mcp_token"


def test_images_are_pinned_and_ports_are_this_machines() -> None:
    for service in SERVICES.values():
        assert re.fullmatch(r"[\w./-]+:(?!latest)[\w.-]+", service["image"])
    for port in SERVICES["net"]["ports"]:
        address, outside, inside = port.split(":")
        assert address == "127.0.0.1"
        assert outside == inside
        assert int(inside) in set().union(*PORTS.values())


def test_every_address_in_every_file_is_somebodys() -> None:
    listening = set().union(*PORTS.values())
    files = [FLEET / "prometheus" / "prometheus.yml", FLEET / "alertmanager" / "alertmanager.yml", FILE]
    files += [*(FLEET / "prometheus" / "targets").glob("*.yml"), *(FLEET / "grafana").rglob("*.yml")]
    files += [*(FLEET / "alertmanager" / "templates").glob("*.tmpl")]
    found: dict[int, set[str]] = {}
    for file in files:
        for port in re.findall(r"(?:127\.0\.0\.1|localhost|0\.0\.0\.0):(\d+)", file.read_text()):
            found.setdefault(int(port), set()).add(file.name)
    assert set(found) - listening == {WATCHDOG}
    assert listening - set(found) == set()


def test_collector_has_its_settings(tmp_path: Path) -> None:
    text = need(FLEET / "otelcol.yaml").read_text()
    environment = SERVICES["collector"]["environment"]
    known = dict(re.findall(r"\$\{env:(\w+)(?::-([^}]*))?\}", text))
    assert {name for name in environment if name.startswith("OTELCOL_")} <= set(known)
    for port in PORTS["collector"]:
        assert re.search(rf"\b{port}\b", text + str(environment)), port
    (command,) = SERVICES["collector"]["command"]
    assert command.removeprefix("--config=") in str(SERVICES["collector"]["volumes"])
    settings = {**os.environ, **environment, "OTELCOL_QUEUE_DIRECTORY": str(tmp_path)}
    done = subprocess.run(
        [need(OTELCOL), "validate", f"--config={FLEET / 'otelcol.yaml'}"],
        env=settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def shipped(service: str, folder: Path) -> Path:
    """Return a service's files, copied to a folder, with paths that are there."""
    if service == "prometheus":
        return prometheus_folder(folder, "127.0.0.1:1").parent
    copy = Path(shutil.copytree(FLEET / service, folder / service))
    config = copy / f"{service}.yml"
    config.write_text(config.read_text().replace(f"/etc/{service}", str(copy)))
    return copy


@pytest.mark.parametrize(
    ("service", "program", "asking", "inside"),
    [
        ("prometheus", PROMETHEUSES["3.14"], PROMTOOLS["3.14"], 9090),
        ("alertmanager", ALERTMANAGERS["0.34"], AMTOOLS["0.34"], 9093),
    ],
)
def test_program_runs_with_its_arguments(
    service: str, program: Path, asking: Path, inside: int, tmp_path: Path
) -> None:
    files, port = shipped(service, tmp_path), free_port()
    here = {
        f"/etc/{service}": str(files),
        f"=/{service}": f"={tmp_path / 'data'}",
        f"0.0.0.0:{inside}": f"127.0.0.1:{port}",
    }
    arguments = [translated(word, here) for word in SERVICES[service]["command"]]
    kind, name, *words = SERVICES[service]["healthcheck"]["test"]
    assert (kind, name) == ("CMD", asking.name)

    def is_well() -> bool:
        asked = [need(asking), *(translated(word, {f"127.0.0.1:{inside}": f"127.0.0.1:{port}"}) for word in words)]
        return subprocess.run(asked, capture_output=True, timeout=60, check=False).returncode == 0

    assert not is_well()
    with running(need(program), arguments, port, tmp_path / "log"):
        wait_until(is_well)


def translated(word: str, here: Mapping[str, str]) -> str:
    for inside, outside in here.items():
        word = word.replace(inside, outside)
    return word


def test_example_runs_as_in_its_container(tmp_path: Path) -> None:
    (command,) = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    instrument, *words, option, port = yaml.safe_load(command)
    assert (instrument, option, port) == ("opentelemetry-instrument", "--port", "8000")
    kind = " ".join(words).replace("0.0.0.0", "127.0.0.1")
    (tmp_path / "mcp_token").write_text(TOKEN)
    settings = {
        **SERVICES["weather"]["environment"],
        "OTEL_PYTHON_MCP_HTTP_TOKEN_FILE": str(tmp_path / "mcp_token"),
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{free_port()}/v1/traces",
    }
    assert "COPY examples/weather_server.py ./" in DOCKERFILE
    with HttpServer(f"{kind} --app-dir {ROOT / 'examples'}", settings=settings) as server:
        assert not server.call("current", city="Oslo").is_error
        assert get(f"{server.url}/metrics", Authorization="Bearer wrong")[0] == 401
        status, text = get(f"{server.url}/metrics", Authorization=f"Bearer {TOKEN}")
        assert status == 200
        assert 'mcp_requests_total{status="success",tool="current"} 1.0' in text
        how, name, *arguments = SERVICES["weather"]["healthcheck"]["test"]
        asking = [Path(sys.executable).with_name(name), *arguments, f"{server.url}/health"]
        assert (how, subprocess.run(asking, capture_output=True, check=False).returncode) == ("CMD", 0)


def test_image_is_made_of_what_the_context_holds(tmp_path: Path) -> None:
    """The package builds from nothing but what gets past `.dockerignore`, and the example is among it."""
    rules = (FLEET / "weather.Dockerfile.dockerignore").read_text().split()
    assert rules[0] == "*"
    allowed = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    copied = [source for line in re.findall(r"^COPY (.*) \S+$", DOCKERFILE, re.MULTILINE) for source in line.split()]
    for source in copied:
        assert (ROOT / source).exists()
        assert source.split("/")[0] in allowed
    for name in allowed:
        target = tmp_path / "package" / name
        target.parent.mkdir(exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, target)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, tmp_path / "package"],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert "mcp_opentelemetry/demo/weather_server.py" in archive.namelist()


@pytest.mark.parametrize("service", ["weather", "prometheus", "alertmanager", "grafana"])
def test_service_is_asked_whether_it_is_well(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["test"][0] == "CMD"
    assert SERVICES[service]["network_mode"] == "service:net"
