"""A bare gRPC server that answers GetPayment with one and the same payment: a call with nothing behind it."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from bayar.payments.v1 import payment_service_pb2 as pb


def main() -> None:
    answer = pb.GetPaymentResponse.FromString(Path(sys.argv[1]).read_bytes())
    server = grpc.server(ThreadPoolExecutor(16))
    handler = grpc.unary_unary_rpc_method_handler(
        lambda _request, _context: answer, pb.GetPaymentRequest.FromString, pb.GetPaymentResponse.SerializeToString
    )
    service = grpc.method_handlers_generic_handler("bayar.payments.v1.PaymentService", {"GetPayment": handler})
    server.add_generic_rpc_handlers((service,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"ready 127.0.0.1:{port}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
