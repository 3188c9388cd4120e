"""The page's HTTP answers: HTML, JSON, refusals, static files, and the cookie of a browser."""

from __future__ import annotations

import json
from typing import Any, Final

from aiohttp import web

from adapters.checkout.assets import load_assets
from adapters.checkout.page import Shown, checkout_page, notice_page
from adapters.checkout.requests import COOKIE, Refused, texts_for
from adapters.checkout.site import Site
from adapters.checkout.texts import Texts, choose

_KEPT_SECONDS: Final = 31_536_000


class Responses:
    """`folder`: the folder of checkouts' addresses."""

    def __init__(self, site: Site, folder: str) -> None:
        self._site = site
        self._folder = folder
        self._assets = load_assets(site)
        self._static = self._assets.by_path()
        self._headers = site.headers()

    def checkout(self, shown: Shown, texts: Texts, token: str, cookie: str) -> web.Response:
        answer = self._html(checkout_page(shown, self._site, self._assets, texts), texts)
        self._set_cookie(answer, token, cookie)
        return answer

    def json(self, answer: dict[str, Any], status: int = 200) -> web.Response:
        text = json.dumps(answer, ensure_ascii=False)
        return web.Response(text=text, status=status, content_type="application/json", headers=self._headers)

    def refusal(self, request: web.BaseRequest, refused: Refused, *, as_page: bool) -> web.Response:
        texts = texts_for(request)
        message = texts[refused.text]
        if as_page:
            answer = self._html(notice_page(message, self._site, self._assets, texts), texts, refused.status)
        else:
            answer = self.json({"state": "error", "message": message}, refused.status)
        if refused.retry_seconds:
            answer.headers["Retry-After"] = str(refused.retry_seconds)
        if not request.content.at_eof():
            # The rest of the body is not read.
            answer.force_close()
        return answer

    def asset(self, request: web.BaseRequest, path: str) -> web.Response:
        asset = self._static.get(path)
        if asset is None or request.method not in ("GET", "HEAD"):
            return self._html(notice_page("", self._site, self._assets, choose([])), choose([]), 404)
        headers = {
            "Cache-Control": f"public, max-age={_KEPT_SECONDS}, immutable",
            "Content-Type": asset.content_type,
            "X-Content-Type-Options": "nosniff",
            # A drawing may hold scripts; they stay without effect.
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        }
        return web.Response(body=asset.content, headers=headers)

    def _html(self, html: str, texts: Texts, status: int = 200) -> web.Response:
        headers = {**self._headers, "Content-Language": texts.locale}
        return web.Response(text=html, status=status, content_type="text/html", charset="utf-8", headers=headers)

    def _set_cookie(self, answer: web.Response, token: str, cookie: str) -> None:
        # Each checkout has a cookie of its own: its path is the checkout's.
        parts = [f"{COOKIE}={cookie}", f"Path={self._folder}{token}", "HttpOnly"]
        if self._site.is_embedded and self._site.is_secure:
            # Browsers keep the cookie of an embedded page for each embedding site.
            parts += ["Secure", "SameSite=None", "Partitioned"]
        else:
            parts += [*(["Secure"] if self._site.is_secure else []), "SameSite=Lax"]
        answer.headers["Set-Cookie"] = "; ".join(parts)
