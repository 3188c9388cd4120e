"""Ends with 0 while /readyz answers 200, else with 1. The image has no curl."""

import os
import sys
import urllib.error
import urllib.request


def main() -> int:
    port = os.environ.get("BAYAR_HTTP_ADDRESS", "127.0.0.1:8080").rpartition(":")[2]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/readyz", timeout=4) as answer:
            sys.stdout.write(answer.read(200).decode(errors="replace"))
    except urllib.error.HTTPError as refused:
        sys.stdout.write(f"{refused.code} {refused.read(200).decode(errors='replace')}")
        return 1
    except OSError as error:
        sys.stdout.write(f"no answer: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
