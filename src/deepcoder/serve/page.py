"""GET /: the page, one HTML file with its style and script inside, allowed by their hashes and by nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib import resources

from fastapi import APIRouter
from fastapi.responses import HTMLResponse


def page_routes() -> APIRouter:
    """The router of the page."""
    router = APIRouter()
    text = resources.files("deepcoder.serve").joinpath("page.html").read_text(encoding="utf-8")
    headers = {"content-security-policy": policy(text)}

    @router.get("/", include_in_schema=False)
    async def page() -> HTMLResponse:
        return HTMLResponse(text, headers=headers)

    return router


def policy(text: str) -> str:
    """The Content-Security-Policy under which this page's own style and script run, and no other."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {_hash(text, 'script')}",
            f"style-src {_hash(text, 'style')}",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


def _hash(text: str, tag: str) -> str:
    found = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    if found is None:
        raise ValueError(f"the page has no <{tag}>")
    digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
    return f"'sha256-{digest}'"
