"""Measures the gateway's own latency: sequential sales over one connection, without parsing the answers.

Prints one line of JSON: the durations in seconds, sorted.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import time

from urllib3 import HTTPSConnectionPool

_SALE = (
    "<transaction><type>sale</type><amount>10.00</amount><order_id>{order_id}</order_id>"
    "<merchant_account_id>twin_usd</merchant_account_id><credit_card><number>4111111111111111</number>"
    "<expiration_date>12/2030</expiration_date><cvv>123</cvv></credit_card>"
    "<options><submit_for_settlement type='boolean'>true</submit_for_settlement></options></transaction>"
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, required=True)
    arguments = parser.parse_args()
    host, _, port = os.environ["BAYAR_BRAINTREE_URL"].removeprefix("https://").partition(":")
    keys = f"{os.environ['BAYAR_BRAINTREE_PUBLIC_KEY']}:{os.environ['BAYAR_BRAINTREE_PRIVATE_KEY']}"
    headers = {
        "Authorization": f"Basic {base64.b64encode(keys.encode()).decode()}",
        "Content-Type": "application/xml",
        "Accept-Encoding": "gzip",
        "X-ApiVersion": "6",
    }
    path = f"/merchants/{os.environ['BAYAR_BRAINTREE_MERCHANT_ID']}/transactions"
    pool = HTTPSConnectionPool(host, int(port), maxsize=1, ca_certs=os.environ["BAYAR_BRAINTREE_CA_FILE"])
    taken: list[float] = []
    end = time.monotonic() + arguments.seconds
    while (started := time.monotonic()) < end:
        body = _SALE.format(order_id=f"bare-{os.getpid()}-{time.time_ns()}")
        answer = pool.request("POST", path, body=body.encode(), headers=headers)
        if answer.status != 201:
            raise SystemExit(f"a sale failed: {answer.status} {answer.data[:300]!r}")
        taken.append(time.monotonic() - started)
    print(json.dumps(sorted(taken[1:])))


if __name__ == "__main__":
    main()
