"""A real browser, and everything that it complains of."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.waiting import DEADLINE

if TYPE_CHECKING:
    from playwright.async_api import ConsoleMessage, Dialog, Page, Response

# Set where these tests must run: what is missing then fails them, and is not passed over.
_IS_REQUIRED: Final = bool(os.environ.get("MCP_BROWSER_REQUIRED"))
PATIENCE: Final = DEADLINE * 1000  # milliseconds, as Playwright counts
_SEES_VIOLATIONS: Final = """
    addEventListener("securitypolicyviolation",
        ({ violatedDirective, blockedURI }) => console.error(`CSP: ${violatedDirective} ${blockedURI}`));
"""


def chromium() -> str:
    """Return where the browser is; skips the test if there is none, or fails it where it is required."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        give_up = pytest.fail if _IS_REQUIRED else pytest.skip
        give_up("these tests need a browser: `chromium` is not in PATH (apt-get install chromium)")
    return path


def need_playwright() -> None:
    """Skip the module if Playwright is not there, or fail where it is required."""
    if not _IS_REQUIRED:
        pytest.importorskip("playwright", reason="a browser is driven by Playwright: pip install '.[browser]'")


class Visit:
    """A page that is open.

    Args:
        page: the browser's side of it.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.answers = 0
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("response", self._count)
        page.on("dialog", self._refuse)

    async def becomes(self, expression: str) -> None:
        """Return when an expression of the page's own has become true.

        Not by `wait_for_function`, which the page's content security policy forbids to evaluate text.
        """
        await self.page.evaluate(
            f"""(patience) => new Promise((resolve, reject) => {{
                const ends = performance.now() + patience;
                const look = () => {{
                    if ({expression}) resolve();
                    else if (performance.now() > ends) reject(new Error("never came true"));
                    else requestAnimationFrame(look);
                }};
                look();
            }})""",
            PATIENCE,
        )

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _count(self, response: Response) -> None:
        self.answers += "format=json" in response.url
        if response.status >= 400:
            self.complaints.append(f"{response.status} {response.url}")

    async def _refuse(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        await dialog.dismiss()


@asynccontextmanager
async def visiting(url: str, **context: Any) -> AsyncGenerator[Visit]:
    """Open a page in a browser of its own.

    Args:
        url: the page's address.
        context: settings of the browser's context.
    """
    from playwright.async_api import async_playwright, expect

    expect.set_options(PATIENCE)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium())
        page = await (await browser.new_context(**context)).new_page()
        page.set_default_timeout(PATIENCE)
        await page.add_init_script(_SEES_VIOLATIONS)
        visit = Visit(page)
        await page.goto(url)
        yield visit
        await browser.close()
