"""The page's own static files. Each address holds a digest of its content, so that browsers keep it for long."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from importlib import resources
from string import Template
from typing import Final

from adapters.checkout.site import Site

FOLDER: Final = "/assets/"


@dataclass(frozen=True, slots=True)
class Asset:
    path: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Assets:
    script: Asset
    style: Asset
    logo: Asset | None = None

    def by_path(self) -> dict[str, Asset]:
        found = [self.script, self.style, *([self.logo] if self.logo is not None else [])]
        return {one.path: one for one in found}


def load_assets(site: Site) -> Assets:
    style = Template(_read("checkout.css")).substitute(color=site.color, color_dark=site.color_dark)
    return Assets(
        _asset("checkout", "js", "text/javascript; charset=utf-8", _read("checkout.js").encode()),
        _asset("checkout", "css", "text/css; charset=utf-8", style.encode()),
        _asset("logo", "image", site.logo_type, site.logo) if site.logo else None,
    )


def _asset(name: str, ending: str, content_type: str, content: bytes) -> Asset:
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Asset(f"{FOLDER}{name}.{digest}.{ending}", content_type, content)


def _read(name: str) -> str:
    return resources.files("adapters.checkout").joinpath("static", name).read_text("utf-8")
