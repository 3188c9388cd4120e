"""The scripts of npm's braintree-web, served at the addresses that the gateway's hosts serve them at."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path

from braintree_twin.browser.files import SCRIPT
from braintree_twin.browser.local_copy import local_copy
from braintree_twin.calls import PageAnswer

_ADDRESS = re.compile(r"/web/(?P<version>[\w.-]+?)/js/(?P<name>[a-z0-9-]+?)(\.min)?\.js")


class WebPackage:
    """A folder with npm's braintree-web as npm installs it.

    The package holds one form of each script. The addresses of the shortened form lead to the same file.
    """

    def __init__(self, folder: Path) -> None:
        """Read the version. Raises ValueError for a folder that holds another package, or none."""
        try:
            described = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            described = {}
        if described.get("name") != "braintree-web":
            raise ValueError(f"{folder} is not npm's braintree-web: npm install braintree-web puts it in node_modules")
        self.version = str(described["version"])
        self._scripts = folder / "dist" / "browser"

    def page(self, path: str, local_url: str = "") -> PageAnswer | None:
        """The answer to a request for a script of this version; None for any other path.

        With the twin's address for browsers, the script is a copy that accepts this address.
        """
        asked = _ADDRESS.fullmatch(path)
        if asked is None or asked["version"] != self.version:
            return None
        file = self._scripts / f"{asked['name']}.js"
        if not file.is_file():
            return None
        text = _read(file, local_url)
        # The address contains the version, so that its content stays the same.
        return PageAnswer(text, content_type=SCRIPT, headers={"Cache-Control": "public, max-age=86400, immutable"})


@lru_cache(maxsize=64)
def _read(file: Path, local_url: str) -> str:
    text = file.read_text(encoding="utf-8")
    return local_copy(text, local_url) if local_url else text
