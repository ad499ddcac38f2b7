"""The page in a real Chromium: ask, watch, stop, a wrong key, an engine that is down."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.serve.scripted import Service, listening, two_steps

from deepcoder.errors import ProviderError

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.async_api", reason="needs playwright: pip install playwright")


@pytest_asyncio.fixture(loop_scope="package")
async def page(service: Service) -> AsyncIterator[Any]:
    """The page, open in Chromium, with what it complained about in `page.complaints`."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = await browser.new_page()
        tab.set_default_timeout(15_000)
        tab.complaints = []
        tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.on("console", lambda message: tab.complaints.append(message.text) if message.type == "error" else None)
        async with listening(service.app) as (host, port):
            await tab.goto(f"http://{host}:{port}/")
            yield tab
            await browser.close()


async def ask(page: Any, service: Service, key: str | None = None) -> None:
    await page.get_by_label("API key", exact=True).fill(service.key if key is None else key)
    await page.get_by_label("Problem", exact=True).fill("What is 6 * 7?")
    await page.keyboard.press("Control+Enter")


async def test_a_question_shows_its_steps_and_its_answer(page: Any, service: Service) -> None:
    await ask(page, service)
    await page.get_by_role("heading", name="Answer").wait_for()
    assert await page.locator("#answer-text").inner_text() == "42"
    first = page.locator("#steps > li").first
    for text in ("I will compute it.", "print(6 * 7)", "Observation", "10 tokens"):
        await first.get_by_text(text).wait_for()
    assert await page.locator("#steps > li").count() == 2
    assert await page.get_by_role("status").inner_text() == "Done."
    assert page.complaints == []


async def test_no_width_needs_sideways_scrolling(page: Any, service: Service) -> None:
    await ask(page, service)
    await page.get_by_role("heading", name="Answer").wait_for()
    for width in (320, 390, 1100):
        await page.set_viewport_size({"width": width, "height": 800})
        assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_escape_stops_a_run(page: Any, service: Service) -> None:
    service.model.gate = asyncio.Event()
    await ask(page, service)
    async with asyncio.timeout(10):
        while service.model.asked == 0:  # noqa: ASYNC110 - the browser is another process
            await asyncio.sleep(0.02)
    await page.keyboard.press("Escape")
    await page.get_by_text("Stopped.").wait_for()
    async with asyncio.timeout(10):
        while service.model.cancelled == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert await page.get_by_role("button", name="Ask").is_enabled()


@pytest.mark.parametrize("case", ["wrong key", "engine down"])
async def test_a_failure_is_told(page: Any, service: Service, case: str) -> None:
    service.model.script = (lambda messages: ProviderError("x")) if case == "engine down" else two_steps
    await ask(page, service, "dc_wrong" if case == "wrong key" else None)
    text = "Send a valid API key" if case == "wrong key" else "engine does not answer"
    await page.get_by_role("alert").filter(has_text=text).wait_for()


async def test_the_key_is_kept_only_if_asked_for(page: Any, service: Service) -> None:
    await ask(page, service)
    await page.get_by_role("heading", name="Answer").wait_for()
    assert await page.evaluate("localStorage.getItem('deepcoder-key')") is None
    await page.get_by_label("Keep the key in this browser").check()
    assert await page.evaluate("localStorage.getItem('deepcoder-key')") == service.key


async def test_text_of_the_model_is_never_markup(page: Any, service: Service) -> None:
    evil = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
    service.model.script = lambda messages: f"Thought: {evil}\nAction: finish\nAction Input:\n{evil}"
    await ask(page, service)
    await page.get_by_role("heading", name="Answer").wait_for()
    assert await page.locator("#answer-text").inner_text() == evil
    assert await page.title() == "DeepCoder"
