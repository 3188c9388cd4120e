"""The snippet of the twin's page on browsers runs as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.browser.shop import CHROMIUM, braintree_web
from tests.languages.toolchain import ROOT, debian

PAGE = ROOT / "twin" / "docs" / "browser.md"


def test_the_documented_snippet_makes_a_nonce() -> None:
    debian("chromium", files=(CHROMIUM,))
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    # The folder that has node_modules.
    folder = braintree_web().parents[3]
    run = subprocess.run(
        [sys.executable, "-c", snippet], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.stdout.startswith("tokencc_"), run.stderr
