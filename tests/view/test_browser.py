"""The page in a real Chromium, opened from disk: browse, filter, search, link, compare, fold, with the keyboard too."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.trajectories.made import made
from tests.view.contrast import faint

from deepcoder.records import Step
from deepcoder.view import Item, item_of, page

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.async_api", reason="needs playwright: pip install playwright")

EVIL = "</script><img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
BLOCK = '<script type="text/plain" class="block">'
COUNT = 1_000


def items() -> list[Item]:
    long = Step(
        thought="Print.", action="execute_python", input="print(1)", observation="\n".join(map(str, range(200)))
    )
    made_ = [
        item_of(
            made(f"p{number}", text=f"Add {number} to it.", family=("sums", "dates")[number % 2], passed=number % 5 > 0)
        )
        for number in range(COUNT)
    ]
    made_.append(item_of(made("evil", trajectory_id="x/&?#%", text=EVIL, steps=(long, *made("x").steps))))
    made_ += [
        item_of(made("both", text="Both.", trajectory_id=f"both-{who}"), group=who) for who in ("base", "student")
    ]
    return made_


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "view.html"
    path.write_text(page(items(), title="Trajectories of a test", facts={"teacher": "expert"}))
    return path


@pytest.fixture
def cut(file: Path, tmp_path: Path) -> Path:
    """The page as it is while it is being read: two blocks of trajectories, the rest missing."""
    begin, *blocks = file.read_text().split(BLOCK)
    path = tmp_path / "cut.html"
    path.write_text(BLOCK.join([begin, *blocks[:2]]))
    return path


@pytest_asyncio.fixture
async def tab(file: Path) -> AsyncIterator[Any]:
    """The page, open in Chromium; `tab.complaints` holds errors and `tab.requests` what it asked for beside itself."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = await browser.new_page(viewport={"width": 1100, "height": 800})
        tab.set_default_timeout(15_000)
        tab.complaints, tab.requests = [], []
        tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.on("console", lambda message: tab.complaints.append(message.text) if message.type == "error" else None)
        tab.on("request", lambda request: tab.requests.append(request.url))
        await tab.goto(file.as_uri())
        await counted(tab, COUNT + 3)
        yield tab
        await browser.close()


async def counted(tab: Any, shown: int) -> None:
    await tab.get_by_role("status").filter(has_text=f"{shown:,} of {COUNT + 3:,} trajectories").wait_for()


async def open_(tab: Any, id: str) -> None:
    # Not wait_for_function: its polling is code that the page's policy does not run.
    await tab.locator(f'body[data-shown="{id}"]').wait_for(state="attached")


async def test_browsing_and_filtering(tab: Any) -> None:
    await open_(tab, "t-p0")
    assert await tab.locator(".row").count() < 40, "only what is in view is in the document"
    await tab.get_by_label("Family").select_option("=dates")
    await counted(tab, COUNT // 2)
    await tab.get_by_label("Outcome").select_option("=wrong")
    await counted(tab, COUNT // 10)
    await tab.get_by_role("button", name="Clear").click()
    await counted(tab, COUNT + 3)
    await tab.get_by_label("Steps, least").fill("3")
    await counted(tab, 1)
    assert [url for url in tab.requests if not url.startswith(("file:", "data:"))] == []
    assert tab.complaints == []


async def test_searching_marks_what_was_found(tab: Any) -> None:
    await tab.get_by_label("Search").fill("ADD 77 TO")
    await counted(tab, 1)
    await tab.locator(".row").click()
    await open_(tab, "t-p77")
    assert await tab.locator("#detail mark").first.inner_text() == "Add 77 to"
    for part in ("prompt", "reason", "act", "observation"):
        assert await tab.locator(f"#detail .run.{part}").count() >= 1


async def test_the_keyboard_alone(tab: Any) -> None:
    await open_(tab, "t-p0")
    await tab.keyboard.press("j")
    await open_(tab, "t-p1")
    await tab.locator("#list").focus()
    for key, id in (("ArrowDown", "t-p2"), ("End", "both-student"), ("ArrowUp", "both-base"), ("Home", "t-p0")):
        await tab.keyboard.press(key)
        await open_(tab, id)
        chosen = await tab.locator("#list").get_attribute("aria-activedescendant")
        assert await tab.locator(f"#{chosen}").get_attribute("aria-selected") == "true"
    await tab.keyboard.press("Enter")
    assert await tab.evaluate("document.activeElement.id") == "detail"
    await tab.keyboard.press("/")
    assert await tab.evaluate("document.activeElement.id") == "search"
    await tab.keyboard.press("Escape")
    assert await tab.evaluate("document.activeElement.id") == "list"


async def test_links_to_one_and_to_runs_side_by_side(tab: Any, file: Path) -> None:
    await tab.goto(file.as_uri() + "#t-p500")
    await open_(tab, "t-p500")
    await tab.locator(".row[aria-selected=true]").get_by_text("p500").wait_for()
    await tab.goto(file.as_uri() + "#both-student")
    await tab.get_by_role("button", name="Side by side (2 runs of this problem)").click()
    await tab.get_by_role("heading", name="base: verified").wait_for()
    await tab.get_by_role("heading", name="student: verified").wait_for()
    assert await tab.evaluate("location.hash") == "#both-student&compare"
    await tab.goto(file.as_uri() + "#nowhere")
    await tab.get_by_text("There is no trajectory nowhere").wait_for()


async def test_text_of_a_model_is_never_markup_and_long_observations_are_folded(tab: Any, file: Path) -> None:
    await tab.goto(file.as_uri() + "#x%2F%26%3F%23%25")
    await open_(tab, "x/&?#%")
    assert await tab.locator(".run.prompt pre").inner_text() == EVIL
    assert await tab.title() == "Trajectories of a test"
    observation = tab.locator(".run.observation").first
    folded = await observation.bounding_box()
    button = observation.get_by_role("button", name="Show all (200 lines)")
    await button.click()
    assert (await observation.bounding_box())["height"] > 5 * folded["height"]
    await observation.get_by_role("button", name="Fold").click()
    await tab.keyboard.press("e")
    await observation.get_by_role("button", name="Fold").wait_for()
    assert tab.complaints == []


async def test_no_width_needs_sideways_scrolling_and_both_schemes_differ(tab: Any) -> None:
    backs = set()
    for scheme in ("light", "dark"):
        await tab.emulate_media(color_scheme=scheme)
        backs.add(await tab.evaluate("getComputedStyle(document.body).backgroundColor"))
        for width in (320, 360, 1100):
            await tab.set_viewport_size({"width": width, "height": 800})
            assert await tab.evaluate("document.documentElement.scrollWidth") <= width
            assert await faint(tab) == []
            if folder := os.environ.get("DEEPCODER_SCREENSHOTS"):
                await tab.screenshot(path=Path(folder) / f"view-{scheme}-{width}.png")
    assert len(backs) == 2


async def test_a_long_list_holds_few_rows_and_says_its_length(tab: Any) -> None:
    await tab.get_by_label("Search").fill("it.")
    await counted(tab, COUNT)
    for fraction in (0.5, 1):
        await tab.evaluate(
            "(part) => { const l = document.querySelector('#list'); l.scrollTop = part * l.scrollHeight }", fraction
        )
        row = tab.locator(f'.row[aria-posinset="{int(fraction * COUNT)}"]')
        await row.wait_for()
        assert await row.get_attribute("aria-setsize") == str(COUNT)
        assert await tab.locator(".row").count() < 40
    await row.click()
    await open_(tab, f"t-p{COUNT - 1}")
    await tab.get_by_label("Search").fill("no such text")
    await tab.get_by_text(f"0 of {COUNT + 3:,} trajectories", exact=True).wait_for()
    assert await tab.locator(".row").count() == 0
    await tab.get_by_label("Search").fill("p999")
    await counted(tab, 1)
    assert tab.complaints == []


async def test_the_list_answers_before_the_trajectories_are_read_and_a_file_cut_off_is_told(
    tab: Any, cut: Path
) -> None:
    await tab.goto(cut.as_uri() + "#t-p3")
    await open_(tab, "t-p3")
    await tab.locator(f'.row[aria-setsize="{COUNT + 3}"]').first.wait_for()
    await tab.goto(cut.as_uri() + "#both-student")
    await tab.get_by_role("status").filter(has_text="the file is cut off").wait_for()
    assert tab.complaints == []
