"""Pictures of the service's page for docs/images, of a run by a real student:

    deepcoder serve CONFIG run.dir=RUN --port 8000 &
    DEEPCODER_KEY=dc_... python benchmarks/page_pictures.py --url http://127.0.0.1:8000 --problem "..."

Needs playwright and Chromium.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
from pathlib import Path

PICTURES = (("page", "light", 1100), ("page-phone", "dark", 390))  # name, scheme, width


async def draw(url: str, key: str, problem: str, out: Path, program: str) -> None:
    """Ask once, wait for the answer, take each picture of the whole page."""
    from playwright.async_api import async_playwright  # type: ignore[import-not-found]

    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = await browser.new_page(viewport={"width": PICTURES[0][2], "height": 700})
        await tab.goto(url)
        await tab.get_by_label("API key", exact=True).fill(key)
        await tab.get_by_label("Problem", exact=True).fill(problem)
        await tab.keyboard.press("Control+Enter")
        await tab.get_by_role("heading", name="Answer").wait_for()
        for name, scheme, width in PICTURES:
            await tab.emulate_media(color_scheme=scheme)
            await tab.set_viewport_size({"width": width, "height": 700})
            await tab.screenshot(path=out / f"{name}.png", full_page=True)
            print(out / f"{name}.png")
        await browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url")
    parser.add_argument("--problem", default="")
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    args = parser.parse_args()
    program = shutil.which("chromium") or shutil.which("google-chrome")
    key = os.environ.get("DEEPCODER_KEY", "")
    if not (args.url and args.problem and key and program):
        print("skipped: needs --url, --problem, DEEPCODER_KEY and Chromium")
        return
    args.out.mkdir(parents=True, exist_ok=True)
    asyncio.run(draw(args.url, key, args.problem, args.out, program))


if __name__ == "__main__":
    main()
