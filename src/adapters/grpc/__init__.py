"""The inbound gRPC adapter: each servicer translates a request, calls one use case and translates the result."""
