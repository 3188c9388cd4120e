"""Takes the version checks out of generated stubs: `python portable.py FOLDER`.

protoc has its code refuse every protobuf and grpcio older than itself. The code itself runs on all of them, which
`make test-python-client` tries with the oldest and the newest that the client supports.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

_CHECKS = (
    re.compile(r"^from google\.protobuf import runtime_version as _runtime_version\n", re.MULTILINE),
    re.compile(r"^_runtime_version\.ValidateProtobufRuntimeVersion\(\n(?:    .*\n)+\)\n", re.MULTILINE),
    re.compile(r"^import warnings\n", re.MULTILINE),
    re.compile(r"^GRPC_GENERATED_VERSION = (?:.*\n)+?if _version_not_supported:\n(?:    .*\n)+", re.MULTILINE),
)


def main(folder: Path) -> None:
    for path in folder.rglob("*_pb2*.py"):
        text = path.read_text("utf-8")
        for check in _CHECKS:
            text = check.sub("", text)
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
