"""The dashboard in a real browser, while a real client calls the tools of a real server."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import pytest

from tests.integration.browser import PATIENCE, need_playwright, visiting
from tests.integration.http_servers import HttpServer
from tests.integration.processes import report
from tests.servers.hostile import NAMES

need_playwright()
from playwright.async_api import expect  # noqa: E402 (not where it is not installed)

pytestmark = pytest.mark.anyio

KIND = "streamable-http"
TRACED = {"OTEL_PYTHON_MCP_TRACE_URL": "https://traces.example/{trace_id}"}
# The charts need two points, which take twenty seconds: here they are given, with a gap as of idle minutes.
SOME_HISTORY = """
    remember({
        time: [3, 2, 1, 0].map((ago) => Date.now() / 1000 - 10 * ago),
        calls: [1200, 0, 3, 7], errors: [1, 0, 0, 2], median: [0.0012, null, 0.2, 0.03], p95: [0.5, null, 12.5, 0.9],
        memory: [0.5, 0.51, 0.52, 0.5], lag: [0.0004, 0.001, null, 0.2],
    });
    drawCharts();
"""
COUNTS_QUESTIONS = """
    const reallyFetch = fetch;
    var asked = 0, askedWhenSeen;
    window.fetch = (...question) => { asked += 1; return reallyFetch(...question); };
    const failed = document.getElementById("failed");
    new MutationObserver(() => { if (failed.textContent.includes("boom")) askedWhenSeen ??= asked; })
        .observe(failed, { childList: true, characterData: true, subtree: true });
"""


async def _call(server: HttpServer, *calls: tuple[str, dict[str, Any]]) -> None:
    async with server.client() as client:
        for tool, arguments in calls:
            await client.call_tool(tool, arguments)


def _dashboard(server: HttpServer) -> str:
    return f"{server.url}/dashboard"


async def test_numbers_follow_the_calls_without_a_reload_and_without_a_complaint() -> None:
    with HttpServer(KIND) as server:
        async with visiting(_dashboard(server)) as visit:
            page = visit.page
            await expect(page.locator("#tools")).to_contain_text("No tool has been called yet.")
            await expect(page.locator("#verdict")).to_have_text("● healthy")
            await expect(page).to_have_title("arithmetic · healthy")
            await page.evaluate("document.body.dataset.first = 'yes'")
            add = page.locator("#tools tbody tr", has=page.get_by_role("rowheader", name="add", exact=True))
            for calls in ("1", "2", "3"):
                await _call(server, ("add", {"a": 1, "b": 2}))
                await expect(add.locator("td").first).to_have_text(calls)
                await expect(page.locator(".numbers dd").nth(1)).to_have_text(calls)
            assert await page.locator("body").get_attribute("data-first") == "yes"
            assert visit.complaints == []


async def test_watch_over_the_page_sees_what_its_policy_forbids() -> None:
    """A control: no complaint elsewhere means something."""
    with HttpServer(KIND) as server:
        async with visiting(_dashboard(server)) as visit:
            await visit.page.evaluate("document.body.setAttribute('style', 'color: red')")
            await visit.page.evaluate(
                "document.body.append(new Image()), document.images[0].src = 'https://x.example/'"
            )
            await visit.page.evaluate("setTimeout(() => { document.body.innerHTML = '<b>text</b>' })")
            await visit.becomes("document.images.length === 1")
            seen = " ".join(visit.complaints)
            for directive in ("style-src", "img-src", "require-trusted-types-for"):
                assert f"CSP: {directive}" in seen


async def test_error_is_there_within_five_seconds() -> None:
    with HttpServer(KIND, settings=TRACED) as server:
        async with visiting(_dashboard(server)) as visit:
            page, row = visit.page, visit.page.locator("#failed tbody tr").first
            await expect(row).to_have_text("No call has failed.")
            await page.evaluate(COUNTS_QUESTIONS)
            async with server.client() as client:
                await client.call_tool("boom")
                happened, before = perf_counter(), await page.evaluate("asked")
                await expect(row).to_contain_text("tools/call boom")
            report("from an error to its being seen", perf_counter() - happened)
            # Seen with the next question at the latest, which is not long in coming: how long is the machine's.
            assert await page.evaluate("askedWhenSeen") <= before + 1
            assert await page.evaluate("2 * INTERVAL") < 5000
            await expect(row).to_contain_text("KeyError")
            link = row.get_by_role("link")
            trace = await link.get_attribute("title")
            assert await link.get_attribute("href") == f"https://traces.example/{trace}"
            await expect(page.locator("#tools td.failing")).to_have_text("100.0 %")
            await expect(page.locator("#tools")).to_contain_text("KeyError 1")
            assert visit.complaints == []


async def test_tables_are_sorted_by_keyboard() -> None:
    with HttpServer(KIND) as server:
        calls = [("add", {"a": 1, "b": 2})] * 2 + [("sync_add", {"a": 1, "b": 2})] * 3 + [("boom", {})]
        await _call(server, *calls)
        async with visiting(_dashboard(server)) as visit:
            page = visit.page
            names, header = page.locator("#tools tbody th"), page.locator("#tools thead th").nth(1)
            await expect(names).to_have_text(["add", "boom", "sync_add"])
            for _ in range(20):
                await page.keyboard.press("Tab")
                if await header.locator("button:focus-visible").count():
                    break
            await expect(header.get_by_role("button", name="Calls")).to_be_focused()
            await page.keyboard.press("Enter")
            await expect(header).to_have_attribute("aria-sort", "descending")
            await expect(names).to_have_text(["sync_add", "add", "boom"])
            await page.keyboard.press("Enter")
            await expect(header).to_have_attribute("aria-sort", "ascending")
            await expect(names).to_have_text(["boom", "add", "sync_add"])
            # It stays so while numbers come in.
            await _call(server, *[("boom", {})] * 4)
            await expect(names).to_have_text(["add", "sync_add", "boom"])
            await expect(header.get_by_role("button")).to_be_focused()
            await page.keyboard.press("Shift+Tab")
            await page.keyboard.press("Space")
            await expect(page.locator("#tools th[aria-sort]")).to_have_text("Tool")
            await expect(names).to_have_text(["add", "boom", "sync_add"])
            assert visit.complaints == []


async def test_charts_come_and_outlive_the_server() -> None:
    with HttpServer(KIND) as server:
        async with visiting(_dashboard(server)) as visit:
            page, updated = visit.page, visit.page.locator("#updated")
            await _call(server, ("add", {"a": 1, "b": 2}), ("boom", {}))
            # Two slots of ten seconds have to pass.
            await expect(page.locator("#charts")).to_be_visible(timeout=2 * PATIENCE)
            await expect(page.locator("#charts canvas")).to_have_count(4)
            await expect(page.locator("#caption-calls span")).to_have_text("now calls (solid): 0, errors (dashed): 0")
            assert visit.complaints == []
            before = await page.evaluate("[...points.keys()]")
            process = await page.locator("#process").text_content()
            server.__exit__()
            await expect(updated).to_contain_text("no answer since")
            await expect(page.locator("body")).to_have_class("stale")
            await expect(page.locator("#tools tbody th")).to_have_text(["add", "boom"])
            with HttpServer(KIND, port=int(server.url.rpartition(":")[2])) as again:
                await expect(updated).to_contain_text("as of")
                await expect(page.locator("body")).not_to_have_class("stale")
                await expect(page.locator("#process")).not_to_have_text(process or "")
                await expect(page.locator("#tools")).to_contain_text("No tool has been called yet.")
                await _call(again, ("add", {"a": 1, "b": 2}))
                await expect(page.locator("#tools tbody th")).to_have_text(["add"])
                assert (await page.evaluate("[...points.keys()]"))[: len(before)] == before
                await expect(page.locator("#charts")).to_be_visible()
            assert {text for text in visit.complaints if "ERR_CONNECTION_REFUSED" not in text} == set()


async def test_hostile_names_are_text() -> None:
    with HttpServer(KIND, "hostile.py", settings=TRACED) as server:
        await _call(server, *[(name, {"fail": fail}) for name in NAMES for fail in (False, True)])
        async with visiting(_dashboard(server)) as visit:
            names = visit.page.locator("#tools tbody th")
            elements = "[...new Set([...document.querySelectorAll('*')].map((element) => element.tagName))].sort()"
            rendered = await visit.page.evaluate(elements)
            assert sorted(await names.all_text_contents()) == sorted(NAMES)
            # Then by the script: rows of its own, and in another order.
            await visit.page.evaluate("document.querySelectorAll('tbody').forEach((body) => body.replaceChildren())")
            await expect(names).to_have_count(len(NAMES))
            await visit.page.get_by_role("button", name="Tool", exact=True).click()
            assert sorted(await names.all_text_contents()) == sorted(NAMES)
            assert sorted(await visit.page.locator("#failed td:nth-child(4)").all_text_contents()) == sorted(NAMES)
            assert await visit.page.evaluate(elements) == rendered
            assert not {"IMG", "IFRAME", "I", "B"} & set(rendered)
            await expect(visit.page.locator("h1")).to_have_text(["<b>hostile</b>"])
            await expect(visit.page.locator("script")).to_have_count(2)
            await expect(visit.page.locator("#verdict")).to_have_text("● healthy")
            assert visit.complaints == []


async def test_pause_holds_the_page_and_lets_it_go() -> None:
    with HttpServer(KIND) as server:
        async with visiting("about:blank") as visit:
            page = visit.page
            await page.clock.install()
            await page.goto(_dashboard(server))
            pause = page.get_by_role("button", name="Pause")
            await expect(pause).to_have_attribute("aria-pressed", "false")
            await pause.click()
            await expect(pause).to_have_attribute("aria-pressed", "true")
            await _call(server, ("add", {"a": 1, "b": 2}))
            before = visit.answers
            await page.clock.run_for(60_000)
            await expect(page.locator("#tools")).to_contain_text("No tool has been called yet.")
            assert visit.answers <= before + 1  # the one that was under way
            await pause.click()
            await expect(pause).to_have_attribute("aria-pressed", "false")
            await expect(page.locator("#tools tbody th")).to_have_text("add")
            assert visit.complaints == []


async def test_numbers_are_there_without_javascript() -> None:
    with HttpServer(KIND) as server:
        await _call(server, ("add", {"a": 1, "b": 2}), ("boom", {}))
        async with visiting(_dashboard(server), java_script_enabled=False) as visit:
            page = visit.page
            await expect(page.locator("#tools tbody th")).to_have_text(["add", "boom"])
            await expect(page.locator("#failed tbody th")).to_have_text("tools/call boom")
            await expect(page.locator(".numbers dd").nth(1)).to_have_text("2")
            await expect(page.locator("#charts")).to_be_hidden()
            await expect(page.get_by_role("button")).to_have_count(0)
            await _call(server, ("add", {"a": 1, "b": 2}))
            # By itself: the page asks to be loaded again every ten seconds.
            await expect(page.locator(".numbers dd").nth(1)).to_have_text("3")
            assert visit.complaints == []


async def test_token_is_the_password_that_the_browser_asks_for() -> None:
    token = "s3cret"
    with HttpServer(KIND, settings={"OTEL_PYTHON_MCP_HTTP_TOKEN": token}) as server:
        context = {
            "extra_http_headers": {"x-forwarded-for": "203.0.113.7"},  # as through a proxy
            "http_credentials": {"username": "", "password": token},
        }
        async with visiting(_dashboard(server), **context) as visit:
            await _call(server, ("add", {"a": 1, "b": 2}))
            await expect(visit.page.locator("#tools tbody th")).to_have_text("add")
            assert [text for text in visit.complaints if "401" not in text] == []


async def test_password_in_the_address_works_too() -> None:
    with HttpServer(KIND, settings={"OTEL_PYTHON_MCP_HTTP_TOKEN": "s3cret"}) as server:
        url = _dashboard(server).replace("//", "//:s3cret@")
        async with visiting(url, extra_http_headers={"x-forwarded-for": "203.0.113.7"}) as visit:
            await _call(server, ("add", {"a": 1, "b": 2}))
            await expect(visit.page.locator("#tools tbody th")).to_have_text("add")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_page_fits_and_is_accessible(scheme: str) -> None:
    from axe_playwright_python.async_playwright import Axe

    with HttpServer(KIND, "hostile.py", settings=TRACED) as server:
        await _call(server, *[(name, {"fail": fail}) for name in NAMES for fail in (False, True)])
        # axe is put into the page as text, which its policy forbids.
        async with visiting(_dashboard(server), color_scheme=scheme, bypass_csp=True) as visit:
            page = visit.page
            await expect(page.locator("#tools tbody th")).to_have_count(len(NAMES))
            await page.evaluate(SOME_HISTORY)
            await expect(page.locator("#charts canvas")).to_have_count(4)
            dark = await page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0] < 128")
            assert dark == (scheme == "dark")
            for width in (1600, 1200, 768, 390, 320):
                await page.set_viewport_size({"width": width, "height": 800})
                await visit.becomes("document.documentElement.scrollWidth <= innerWidth")
            for status in ("healthy", "degraded", "unhealthy"):
                await page.evaluate(
                    """(status) => {
                        isPaused = true;
                        const checks = { ...latest.health.checks, a_check_of_mine: { status, error: "no answer" } };
                        update({ ...latest, health: { ...latest.health, status, checks } });
                        say("no answer", status !== "healthy");
                    }""",
                    status,
                )
                found = (await Axe().run(page)).response["violations"]
                print(scheme, status, [(rule["id"], rule["impact"], len(rule["nodes"])) for rule in found])
                serious = [rule for rule in found if rule["impact"] in {"serious", "critical"}]
                assert serious == []
