"""A bare gRPC server, with threads or with --aio, that answers GetPayment with one fixed payment."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

from bayar.payments.v1 import payment_service_pb2 as pb


def main() -> None:
    answer = pb.GetPaymentResponse.FromString(Path(sys.argv[1]).read_bytes())
    if "--aio" in sys.argv[2:]:
        asyncio.run(_on_a_loop(answer))
    server = grpc.server(ThreadPoolExecutor(16))
    server.add_generic_rpc_handlers((_service(lambda _request, _context: answer),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"ready 127.0.0.1:{port}", flush=True)
    threading.Event().wait()


async def _on_a_loop(answer: pb.GetPaymentResponse) -> None:
    async def give(_request: object, _context: object) -> pb.GetPaymentResponse:
        return answer

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_service(give),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"ready 127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


def _service(give: Callable[[Any, Any], Any]) -> grpc.GenericRpcHandler:
    handler = grpc.unary_unary_rpc_method_handler(
        give, pb.GetPaymentRequest.FromString, pb.GetPaymentResponse.SerializeToString
    )
    return grpc.method_handlers_generic_handler("bayar.payments.v1.PaymentService", {"GetPayment": handler})


if __name__ == "__main__":
    main()
