"""Generates the stubs and remedies of clients/go with Debian's packages: `python -m tests.languages.go_stubs`."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

import pytest
from google.protobuf import descriptor_pb2

from tests.languages import toolchain
from tests.languages.go_services import services_file

CLIENT: Final = toolchain.ROOT / "clients" / "go"
STUBS: Final = "paymentsv1"
GENERATED: Final = ("remedies.go", "services.go")
GENERATORS: Final = ("protoc-gen-go", "protoc-gen-go-grpc")
# grpc-go of Debian works with either version of golang/protobuf, and current generated code with the newer one only.
PACKAGES: Final = (
    "golang-go",
    "golang-google-grpc-dev",
    "golang-google-genproto-dev",
    "golang-google-protobuf-dev",
    "golang-github-golang-protobuf-1-5-dev",
    *GENERATORS,
)
FILES: Final = (
    "/usr/share/gocode/src/google.golang.org/grpc/version.go",
    "/usr/share/gocode/src/google.golang.org/protobuf/proto/proto.go",
    "/usr/share/gocode/src/github.com/golang/protobuf/ptypes/duration/duration.pb.go",
    "/usr/share/doc/golang-github-golang-protobuf-1-5-dev",
)
_ROW: Final = re.compile(r"^\| [A-Z_]+ \| ([A-Z_, ]+) \| (.+) \|$", re.MULTILINE)


def need_go() -> None:
    """Sees to Go and its packages, or skips."""
    toolchain.debian(*PACKAGES, programs=("go", *GENERATORS), files=FILES)


def generate(there: Path) -> None:
    """Writes the stubs and remedies.go below a folder."""
    need_go()
    options = [f"--proto_path={toolchain.PROTO}", f"--go_out={there}", f"--go-grpc_out={there}"]
    toolchain.run([toolchain.debian_protoc(), *options, *toolchain.protos()])
    (there / "bayar.internal" / "bayar" / STUBS).rename(there / STUBS)
    shutil.rmtree(there / "bayar.internal")
    (there / "remedies.go").write_text(remedies(), "utf-8")
    (there / "services.go").write_text(services_file(contract(there)), "utf-8")
    toolchain.run(["gofmt", "-w", there / "remedies.go", there / "services.go"])


def contract(there: Path) -> descriptor_pb2.FileDescriptorSet:
    """The contract with its comments."""
    written = there / "contract.binpb"
    options = (f"--proto_path={toolchain.PROTO}", "--include_source_info", f"--descriptor_set_out={written}")
    toolchain.run([toolchain.debian_protoc(), *options, *toolchain.protos()])
    return descriptor_pb2.FileDescriptorSet.FromString(written.read_bytes())


def remedies() -> str:
    """The table of the page on errors, as constants and a map of Go."""
    page = (toolchain.ROOT / "docs" / "integrate" / "errors.md").read_text("utf-8")
    lines = ["// Code generated from docs/integrate/errors.md. DO NOT EDIT.", "", "package bayar", ""]
    rows = [(reason, _plain(remedy)) for reasons, remedy in _ROW.findall(page) for reason in reasons.split(", ")]
    lines += ["// The reasons for which the service refuses a call, which Error.Reason holds.", "const ("]
    for reason, remedy in rows:
        lines += [f"\t// {_constant(reason)}: {remedy}", f"\t{_constant(reason)} = {json.dumps(reason)}"]
    lines += [")", "", "// remedies are the remedy for each reason, one sentence.", "var remedies = map[string]string{"]
    lines += [f"\t{_constant(reason)}: {json.dumps(remedy)}," for reason, remedy in rows]
    return "\n".join([*lines, "}", ""])


def _constant(reason: str) -> str:
    """ReasonPaymentNotFound for PAYMENT_NOT_FOUND, with initialisms as Go writes them."""
    words = (word if word in {"ID"} else word.capitalize() for word in reason.split("_"))
    return f"Reason{''.join(words)}"


def _plain(markdown: str) -> str:
    without = re.sub(r"\s*\(\[[^\]]*\]\([^)]*\)\)", "", markdown)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", without).replace("`", "")
    return f"{text[:1].upper()}{text[1:]}."


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        try:
            generate(Path(name))
        except pytest.skip.Exception as missing:
            sys.exit(str(missing))
        shutil.rmtree(CLIENT / STUBS, ignore_errors=True)
        shutil.copytree(Path(name) / STUBS, CLIENT / STUBS)
        for file in GENERATED:
            shutil.copy(Path(name) / file, CLIENT / file)


if __name__ == "__main__":
    main()
