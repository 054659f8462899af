"""Where a supervisor makes this process one of its workers: uvicorn's and gunicorn's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_opentelemetry.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_opentelemetry.instrumentation.patches import Patches
    from mcp_opentelemetry.workers import Workers


def watch_supervisors(patches: Patches, workers: Workers) -> None:
    """Report how many workers a supervisor has, in each of them, before it serves.

    Args:
        patches: where the seams are put.
        workers: what is told.
    """

    @guarded
    def report(count: Any) -> None:
        workers.are(int(count))

    def supervise(wrapped: Callable[..., Any], _supervisor: Any, args: Any, kwargs: Any) -> Any:
        workers.supervise()  # gunicorn's workers are forks, where that is forgotten
        return wrapped(*args, **kwargs)

    def run_uvicorns(wrapped: Callable[..., Any], process: Any, args: Any, kwargs: Any) -> Any:
        report(process.config.workers)
        return wrapped(*args, **kwargs)

    def run_gunicorns(wrapped: Callable[..., Any], worker: Any, args: Any, kwargs: Any) -> Any:
        report(worker.cfg.workers)
        return wrapped(*args, **kwargs)

    # Not in older versions of uvicorn: there the sockets tell.
    patches.wrap("uvicorn.supervisors.multiprocess", "Process.target", run_uvicorns, otherwise=lambda: None)
    patches.wrap("uvicorn.supervisors.multiprocess", "Multiprocess.run", supervise)
    patches.wrap("gunicorn.arbiter", "Arbiter.run", supervise)
    patches.wrap("gunicorn.workers.base", "Worker.init_process", run_gunicorns)
