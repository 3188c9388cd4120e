"""Translation between protobuf messages and the application's plain values."""
