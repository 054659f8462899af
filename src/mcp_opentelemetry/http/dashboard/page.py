"""The page as the server renders it: complete, with the numbers of the moment, for browsers without JavaScript too.

It is built as a tree, so that a name, which a client or a tool's author has chosen, is never anything but text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast
from xml.etree.ElementTree import Element, SubElement, tostring

from mcp_opentelemetry.http.dashboard.columns import NUMBERS, TABLES
from mcp_opentelemetry.http.dashboard.formats import shown, value_at

if TYPE_CHECKING:
    from mcp_opentelemetry.http.dashboard.columns import Column, Table

_CHARTS: Final = (
    ("calls", "Tool calls and errors per 10 s", "calls", "errors"),
    ("latency", "Duration of tool calls", "median", "p95"),
    ("memory", "Memory in use", "memory"),
    ("lag", "Delay of the event loop", "lag"),
)
_CHARTS_AFTER: Final = "tools"
_REFRESH: Final = "10"  # seconds, without JavaScript


def render(snapshot: Mapping[str, Any]) -> bytes:
    """Return the page with the numbers of a snapshot."""
    html = Element("html", lang="en")
    _head(SubElement(html, "head"), snapshot)
    body = SubElement(html, "body")
    _header(SubElement(body, "header"), snapshot)
    main = SubElement(body, "main")
    _worker(main, snapshot)
    _numbers(main, snapshot)
    for table in TABLES:
        _table(main, table, snapshot)
        if table.name == _CHARTS_AFTER:
            _charts(main)
    _footer(SubElement(body, "footer"), snapshot)
    return b"<!doctype html>\n" + tostring(html, encoding="utf-8", method="html")


def _head(head: Element, snapshot: Mapping[str, Any]) -> None:
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    _text(head, "title", f"{snapshot['service']} · {snapshot['health']['status']}")
    SubElement(head, "link", rel="icon", href="dashboard/icon.svg", type="image/svg+xml")
    for name in ("uPlot.min.css", "dashboard.css"):
        SubElement(head, "link", rel="stylesheet", href=f"dashboard/{name}")
    refresh = SubElement(head, "noscript")
    SubElement(refresh, "meta", {"http-equiv": "refresh", "content": _REFRESH})
    for name in ("uPlot.iife.min.js", "dashboard.js"):
        SubElement(head, "script", src=f"dashboard/{name}", defer="defer")


def _header(header: Element, snapshot: Mapping[str, Any]) -> None:
    title = SubElement(header, "div", {"class": "title"})
    _text(title, "h1", str(snapshot["service"]), id="service")
    _text(title, "span", str(snapshot["version"] or ""), id="version")
    live = {"class": tone(snapshot), "id": "verdict", "role": "status", "aria-live": "polite"}
    _text(header, "p", verdict(snapshot), live)
    _text(header, "p", f"as of {snapshot['timestamp'][:19].replace('T', ' ')} UTC", id="updated")
    _text(header, "button", "Pause", {"id": "pause", "type": "button", "hidden": "hidden", "aria-pressed": "false"})


def verdict(snapshot: Mapping[str, Any]) -> str:
    """Return in one sentence how the server is, and what is wrong; the script says the same."""
    health = snapshot["health"]
    wrong = [
        f"{name} ({check['error']})" if check.get("error") else name
        for name, check in health["checks"].items()
        if check["status"] != "healthy"
    ]
    phase = "" if health["phase"] == "ready" else f", {health['phase']}"
    firing = sorted({alert["name"] for alert in snapshot["alerts"] if alert["state"] == "firing"})
    alarm = f"; firing: {', '.join(firing)}" if firing else ""
    return shown(health["status"], "status") + phase + (f": {'; '.join(wrong)}" if wrong else "") + alarm


def tone(snapshot: Mapping[str, Any]) -> str:
    """Return the status that the verdict is coloured by: with an alert that fires, not all is green."""
    status = str(snapshot["health"]["status"])
    is_alarmed = any(alert["state"] == "firing" for alert in snapshot["alerts"])
    return "degraded" if is_alarmed and status == "healthy" else status


def _worker(main: Element, snapshot: Mapping[str, Any]) -> None:
    said = worker(snapshot)
    hidden = {} if said else {"hidden": "hidden"}
    _text(main, "p", said, {"id": "worker", "role": "note", **hidden})


def worker(snapshot: Mapping[str, Any]) -> str:
    """Return whose numbers these are, where they are not of all there is; the script says the same."""
    shared = snapshot["worker"]
    return f"Process {snapshot['process']['pid']} alone: {shared['advice']}." if shared else ""


def _numbers(main: Element, snapshot: Mapping[str, Any]) -> None:
    numbers = SubElement(main, "dl", {"class": "numbers", "aria-label": "Key numbers"})
    for column in NUMBERS:
        number = SubElement(numbers, "div")
        _text(number, "dt", column.title)
        _text(number, "dd", shown(value_at(column.path, snapshot), column.format), _data(column))


def _charts(main: Element) -> None:
    charts = SubElement(
        main, "section", {"class": "charts", "aria-label": "Charts", "hidden": "hidden", "id": "charts"}
    )
    for name, title, *series in _CHARTS:
        figure = SubElement(
            charts,
            "figure",
            {
                "role": "img",
                "aria-labelledby": f"caption-{name}",
                "data-series": ",".join(series),
                "id": f"chart-{name}",
            },
        )
        caption = SubElement(figure, "figcaption", id=f"caption-{name}")
        _text(caption, "strong", title)
        SubElement(caption, "span")


def _table(main: Element, table: Table, snapshot: Mapping[str, Any]) -> None:
    rows = rows_of(table, snapshot)
    section = SubElement(main, "section", {"aria-labelledby": f"caption-{table.name}"})
    # A table that is wider than a phone scrolls by itself, with the keyboard too.
    region = SubElement(section, "div", {"class": "scroll", "tabindex": "0", "role": "group"})
    region.set("aria-labelledby", f"caption-{table.name}")
    element = SubElement(region, "table", {"id": table.name, "data-path": table.path, "data-empty": table.empty})
    _text(element, "caption", table.caption, id=f"caption-{table.name}")
    head = SubElement(SubElement(element, "thead"), "tr")
    for column in table.columns:
        _text(head, "th", column.title, {"scope": "col", **_data(column)})
    body = SubElement(element, "tbody")
    for row in rows:
        _row(SubElement(body, "tr"), table, row)
    if not rows:
        _text(SubElement(body, "tr"), "td", table.empty, colspan=str(len(table.columns)))


def rows_of(table: Table, snapshot: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the rows of a table; those of a mapping carry their key as `name`."""
    rows: Any = value_at(table.path, snapshot) or ()
    if isinstance(rows, Mapping):
        return [{**row, "name": name} for name, row in cast("Mapping[str, Mapping[str, Any]]", rows).items()]
    return list(cast("Sequence[Mapping[str, Any]]", rows))


def _row(element: Element, table: Table, row: Mapping[str, Any]) -> None:
    for column in table.columns:
        value = value_at(column.path, row)
        text = shown(value, column.format)
        if column is table.columns[0]:
            _text(element, "th", text, scope="row")
        elif column.format == "trace" and row.get("trace_url"):
            cell = SubElement(element, "td", {"class": column.format})
            _text(cell, "a", text, href=row["trace_url"], rel="noreferrer", title=str(value))
        else:
            _text(element, "td", text, {"class": _class_of(column, value)})


def _class_of(column: Column, value: Any) -> str:
    if column.format == "status":
        return f"status {value}".replace("no data", "no-data")
    return "share failing" if column.format == "share" and value else column.format


def _footer(footer: Element, snapshot: Mapping[str, Any]) -> None:
    process = snapshot["process"]
    text = f"process {process['pid']} · Python {process['python']} · mcp-opentelemetry {process['mcp_opentelemetry']}"
    _text(footer, "p", text, id="process")


def _data(column: Column) -> dict[str, str]:
    return {"data-path": column.path, "data-format": column.format, "class": column.format}


def _text(parent: Element, tag: str, text: str, attributes: Mapping[str, str] | None = None, **more: str) -> None:
    SubElement(parent, tag, {**(attributes or {}), **more}).text = text
