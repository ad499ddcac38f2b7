"""Pictures of a run's report for docs/images: `python benchmarks/report_pictures.py RUN [--out docs/images]`.

RUN/evaluation/report.html is opened in Chromium (playwright and chromium are needed; without them this is skipped).
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
from pathlib import Path
from typing import Any

PICTURES = (
    # name, scheme, width, height, where
    ("report", "light", 1100, 760, "#/"),
    ("report-plots", "dark", 1100, 760, "#/plots"),
    ("report-compare", "light", 1100, 1050, "first difference"),
    ("report-narrow", "dark", 390, 760, "#/families"),
)


async def picture(
    browser: Any, page: str, name: str, scheme: str, width: int, height: int, where: str, out: Path
) -> None:
    tab = await browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    await tab.goto(page + (where if where.startswith("#") else ""))
    await tab.locator("body[data-ready]").wait_for(state="attached")
    if not where.startswith("#"):
        await tab.locator('#front a[href$="&compare"]').first.click()
        await tab.locator("body[data-shown]").wait_for(state="attached")
    await tab.screenshot(path=out / f"{name}.png")
    await tab.close()


async def draw(page: str, out: Path, program: str) -> None:
    from playwright.async_api import async_playwright  # type: ignore[import-not-found]

    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for each in PICTURES:
            await picture(browser, page, *each, out)
        await browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    args = parser.parse_args()
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if args.run is None or program is None:
        print("skipped: needs a RUN and Chromium")
        return
    args.out.mkdir(parents=True, exist_ok=True)
    page = (args.run / "evaluation" / "report.html").resolve().as_uri()
    asyncio.run(draw(page, args.out, program))
    print(*(args.out / f"{each[0]}.png" for each in PICTURES), sep="\n")


if __name__ == "__main__":
    main()
