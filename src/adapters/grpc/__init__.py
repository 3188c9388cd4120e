"""The inbound side: gRPC servicers that translate, call one use case, and translate back."""
