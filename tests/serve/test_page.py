from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable

from tests.serve.scripted import Service


async def test_the_page_needs_nothing_from_elsewhere(service: Service) -> None:
    response = await service.client.get("/", headers={"authorization": ""})
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert re.findall(r"(?:src|href)=\"(?!data:)[^\"]*\"|https?://|@import|url\(", response.text) == []


async def test_only_the_pages_own_script_and_style_may_run(service: Service) -> None:
    response = await service.client.get("/")
    policy = response.headers["content-security-policy"]
    for tag in ("script", "style"):
        content = re.search(rf"<{tag}>(.*?)</{tag}>", response.text, re.DOTALL)
        assert content is not None
        digest = base64.b64encode(hashlib.sha256(content[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert re.findall(r"\son\w+=|style=|innerHTML|document\.write|\beval\(", response.text) == []


async def test_every_input_has_a_label(service: Service) -> None:
    text = (await service.client.get("/")).text
    labelled = set(re.findall(r"<label for=\"([\w-]+)\"", text))
    inputs = re.findall(r"<(?:input|textarea)[^>]*id=\"([\w-]+)\"", text)
    assert set(inputs) - {"keep"} == labelled
    assert re.search(r"<label><input id=\"keep\"", text)


async def test_the_page_can_be_switched_off(make_service: Callable[..., Service]) -> None:
    assert (await make_service(page=False).client.get("/")).status_code == 404
