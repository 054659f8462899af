"""Starting, ready, draining."""

from __future__ import annotations

from mcp_opentelemetry.health.lifecycle import Lifecycle


def test_nothing_has_to_start_where_nobody_says_so() -> None:
    assert Lifecycle().phase == "ready"


def test_server_is_ready_when_every_start_is_over() -> None:
    lifecycle = Lifecycle()
    phases: list[str] = []
    for step in (lifecycle.starts, lifecycle.starts, lifecycle.started, lifecycle.started, lifecycle.started):
        step()
        phases.append(lifecycle.phase)
    assert phases == ["starting", "starting", "starting", "ready", "ready"]


def test_draining_goes_before_everything() -> None:
    lifecycle = Lifecycle()
    lifecycle.starts()
    lifecycle.drains()
    assert lifecycle.phase == "draining"
    lifecycle.started()
    assert lifecycle.phase == "draining"


def test_another_server_of_the_process_starts_anew() -> None:
    lifecycle = Lifecycle()
    lifecycle.drains()
    lifecycle.starts()
    assert lifecycle.phase == "starting"
    lifecycle.started()
    assert lifecycle.phase == "ready"
