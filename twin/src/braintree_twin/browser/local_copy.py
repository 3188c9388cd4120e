"""A copy of braintree-web's scripts for a browser on the twin's own machine, whose hosts nobody can lead elsewhere.

It differs from npm's in three things: it accepts the host localhost, it accepts http, and each address of the gateway's
hosts in it is the twin's. Everything else is npm's code. Tests run the unmodified scripts.
"""

from __future__ import annotations

import re

from braintree_twin.browser.hosts import HOSTS

_KNOWN_HOSTS = '"braintree-api.com": 1,'
_HTTPS_ONLY = "/^https:/.test(url)"
_ADDRESS = re.compile(rf"https://(?:{'|'.join(map(re.escape, HOSTS))})(?::443)?(?=[/\"'])")


def local_copy(script: str, url: str) -> str:
    """The script with `url`, such as http://localhost:8444, in place of the gateway's hosts.

    Raises ValueError if the script checks hosts in another way than this version of braintree-web.
    """
    if script.count(_KNOWN_HOSTS) != script.count(_HTTPS_ONLY):
        raise ValueError("this version of braintree-web checks its hosts in another way: use another version")
    accepting = script.replace(_KNOWN_HOSTS, f'{_KNOWN_HOSTS}\n  "localhost": 1,')
    return _ADDRESS.sub(url, accepting.replace(_HTTPS_ONLY, "/^https?:/.test(url)"))
