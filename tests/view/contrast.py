"""Contrast of the texts that a page shows, by WCAG 2's formula, for tests in a real browser."""

from __future__ import annotations

from typing import Any

# Colours come as rgb(r, g, b) or rgba(r, g, b, a); what lies behind a text is its nearest ancestors' backgrounds.
_FAINT = """(least) => {
  const rgba = (text) => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
  const over = (top, below) => [0, 1, 2].map((n) => top[3] * top[n] + (1 - top[3]) * below[n]);
  const light = (colour) => colour.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }).reduce((sum, part, n) => sum + part * [0.2126, 0.7152, 0.0722][n], 0);
  const behind = (element) => {
    if (!element) return [255, 255, 255];
    const own = rgba(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own.slice(0, 3) : over(own, behind(element.parentElement));
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let texts = 0;
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !element.checkVisibility() || element.closest("script, style, option")) continue;
    texts += 1;
    const style = getComputedStyle(element), back = behind(element);
    const colour = rgba(element.namespaceURI.endsWith("svg") ? style.fill : style.color);
    for (let each = element; each; each = each.parentElement) colour[3] *= Number(getComputedStyle(each).opacity);
    const [low, high] = [light(over(colour, back)), light(back)].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < least) found.push(`${ratio.toFixed(2)}: ${node.textContent.trim().slice(0, 40)}`);
  }
  return texts ? found : ["no text is shown"];
}"""


async def faint(tab: Any, least: float = 4.5) -> list[str]:
    """The texts in sight whose contrast is less (4.5: WCAG 2 AA for text of normal size); none is as it should be."""
    found: list[str] = await tab.evaluate(_FAINT, least)
    return found
