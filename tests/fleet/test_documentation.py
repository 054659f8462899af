"""What is said about the fleet's files: they exist, and the names in the text are those in the files."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.fleet.programs import FLEET

PAGES = sorted(FLEET.glob("*.md"))
TEXT = "\n".join(page.read_text() for page in PAGES)
RULES = (FLEET / "prometheus" / "rules").glob("*.yml")
NAMES = {
    rule[kind]
    for file in RULES
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
    for kind in ("alert", "record")
    if kind in rule
}


@pytest.mark.parametrize("folder", ["prometheus", "alertmanager", "grafana", "kubernetes"])
def test_every_file_is_spoken_of(folder: str) -> None:
    for path in re.findall(rf"`({folder}/[\w./*-]+)`", TEXT):
        assert list(FLEET.glob(path)), path
    for file in (FLEET / folder).iterdir():
        assert f"{folder}/{file.name}" in TEXT or file.stem in TEXT, file


def test_alerts_and_records_that_are_named_exist() -> None:
    named = set(re.findall(r"\bMcp[A-Z]\w+", TEXT)) | set(re.findall(r"`(mcp_\w+_(?:avg|all))\b", TEXT))
    assert named <= NAMES
