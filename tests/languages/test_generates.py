"""The contract compiles with old and new compilers, and with every generator that Debian, PyPI and npm carry."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FieldDescriptor

from bayar.payments.v1 import secret_pb2
from tests.languages import toolchain

# A fresh machine installs and compiles first.
pytestmark = pytest.mark.timeout(2 * toolchain.LONG_SECONDS)

NPM: Final = Path(__file__).parent / "npm"
# protoc 3.15, of 2021, knows these options of fields. Each later one would shut older compilers out.
KNOWN_TO_OLD_COMPILERS: Final = {"ctype", "packed", "jstype", "lazy", "deprecated", "weak", "uninterpreted_option"}
# Where a field's name says that it holds a secret.
TELLING_NAMES: Final = ("cvv", "nonce", "client_token", "password", "secret", "api_key")
NO_SECRETS: Final = {"GatewayDetails.cvv_response"}  # what came of comparing it: one letter


@dataclass(frozen=True, slots=True)
class Generator:
    """A generator: its option of protoc, a file that it must write, and where it comes from."""

    name: str
    options: tuple[str, ...]
    writes: str
    packages: tuple[str, ...] = ()
    program: str = ""

    def __str__(self) -> str:
        return self.name


BUILT_IN: Final = (
    Generator("cpp", (), "bayar/payments/v1/payment_service.pb.h"),
    Generator("csharp", (), "PaymentService.cs"),
    Generator("java", (), "bayar/payments/v1/CreatePaymentRequest.java"),
    Generator("kotlin", (), "bayar/payments/v1/CreatePaymentRequestKt.kt"),
    Generator("objc", (), "bayar/payments/v1/PaymentService.pbobjc.h"),
    Generator("php", (), "Bayar/Payments/V1/CreatePaymentRequest.php"),
    Generator("pyi", (), "bayar/payments/v1/payment_service_pb2.pyi"),
    Generator("python", (), "bayar/payments/v1/payment_service_pb2.py"),
    Generator("ruby", (), "bayar/payments/v1/payment_service_pb.rb"),
)
OF_DEBIAN: Final = (
    Generator("go", (), "bayar.internal/bayar/paymentsv1/payment_service.pb.go", ("protoc-gen-go",), "protoc-gen-go"),
    Generator(
        "go-grpc",
        (),
        "bayar.internal/bayar/paymentsv1/payment_service_grpc.pb.go",
        ("protoc-gen-go-grpc",),
        "protoc-gen-go-grpc",
    ),
    Generator(
        "grpc-java",
        ("--plugin=protoc-gen-grpc-java=/usr/bin/grpc_java_plugin",),
        "bayar/payments/v1/PaymentServiceGrpc.java",
        ("protobuf-compiler-grpc-java-plugin",),
        "grpc_java_plugin",
    ),
    *(
        Generator(
            f"grpc-{language}",
            (f"--plugin=protoc-gen-grpc-{language}=/usr/bin/grpc_{language}_plugin",),
            writes,
            ("protobuf-compiler-grpc",),
            f"grpc_{language}_plugin",
        )
        for language, writes in (
            ("cpp", "bayar/payments/v1/payment_service.grpc.pb.h"),
            ("php", "Bayar/Payments/V1/PaymentServiceClient.php"),
            ("python", "bayar/payments/v1/payment_service_pb2_grpc.py"),
            ("ruby", "bayar/payments/v1/payment_service_services_pb.rb"),
        )
    ),
)
OF_NPM: Final = (
    Generator(
        "ts_proto",
        ("--ts_proto_opt=outputServices=grpc-js,esModuleInterop=true",),
        "bayar/payments/v1/payment_service.ts",
        program="protoc-gen-ts_proto",
    ),
    Generator("ts", (), "bayar/payments/v1/payment_service.ts", program="protoc-gen-ts"),
    Generator("es", ("--es_opt=target=ts",), "bayar/payments/v1/payment_service_pb.ts", program="protoc-gen-es"),
)
# The newer compiler comes with these; it runs the generators of others just as well.
OF_GRPCIO_TOOLS: Final = ("pyi", "python")
COMPILERS: Final = ("debian", "grpcio-tools")


def compiler(name: str) -> list[str]:
    return [str(toolchain.debian_protoc())] if name == "debian" else toolchain.newer_protoc()


def generate(compiler: list[str], generator: Generator, there: Path) -> None:
    command = [*compiler, f"--proto_path={toolchain.PROTO}", *generator.options, f"--{generator.name}_out={there}"]
    toolchain.run([*command, *toolchain.protos()])
    assert (there / generator.writes).is_file(), sorted(str(path.relative_to(there)) for path in there.rglob("*.*"))


@pytest.mark.parametrize("generator", BUILT_IN, ids=str)
def test_protoc_of_debian_generates(generator: Generator, tmp_path: Path) -> None:
    generate(compiler("debian"), generator, tmp_path)


@pytest.mark.parametrize("generator", [one for one in BUILT_IN if one.name in OF_GRPCIO_TOOLS], ids=str)
def test_protoc_of_grpcio_tools_generates(generator: Generator, tmp_path: Path) -> None:
    generate(compiler("grpcio-tools"), generator, tmp_path)


@pytest.mark.parametrize("generator", OF_DEBIAN, ids=str)
@pytest.mark.parametrize("name", COMPILERS)
def test_a_generator_of_debian_generates(name: str, generator: Generator, tmp_path: Path) -> None:
    toolchain.debian(*generator.packages, programs=(generator.program,))
    generate(compiler(name), generator, tmp_path)


def generate_typescript(name: str, generator: Generator) -> list[Path]:
    """Where the packages are that the generated files import."""
    npm = toolchain.npm_packages(NPM, "npm")
    there = npm / "generated" / name / generator.name
    shutil.rmtree(there, ignore_errors=True)
    there.mkdir(parents=True)
    plugin = f"--plugin=protoc-gen-{generator.name}={npm / 'node_modules' / '.bin' / generator.program}"
    generate([*compiler(name), plugin], generator, there)
    return sorted(there.rglob("*.ts"))


@pytest.mark.parametrize("generator", OF_NPM, ids=str)
def test_a_generator_of_npm_generates_with_a_newer_compiler(generator: Generator) -> None:
    assert len(generate_typescript("grpcio-tools", generator)) >= len(toolchain.protos()) - 1


@pytest.mark.parametrize("generator", OF_NPM, ids=str)
def test_a_generator_of_npm_generates_typescript_that_compiles(generator: Generator) -> None:
    sources = generate_typescript("debian", generator)
    npm = toolchain.npm_packages(NPM, "npm")
    options = (
        "--noEmit",
        "--strict",
        "--skipLibCheck",
        "--target",
        "es2022",
        "--module",
        "nodenext",
        "--esModuleInterop",
    )
    toolchain.run([toolchain.NODE, npm / "node_modules/typescript/bin/tsc", *options, *sources], cwd=npm)


def test_node_loads_the_contract_with_nothing_generated() -> None:
    npm = toolchain.npm_packages(NPM, "npm")
    load = (
        "const grpc = require('@grpc/grpc-js');"
        "const loaded = grpc.loadPackageDefinition(require('@grpc/proto-loader').loadSync("
        "process.argv.slice(2), { includeDirs: [process.argv[1]] }));"
        "console.log(Object.keys(loaded.bayar.payments.v1.PaymentService.service).join());"
    )
    names = toolchain.run([toolchain.NODE, "-e", load, toolchain.PROTO, *toolchain.protos()], cwd=npm).stdout
    assert "CreatePayment" in names.split(",")


def test_buf_builds_the_contract() -> None:
    toolchain.run([toolchain.buf(), "build"])


def test_buf_generates_with_a_compiler_of_ones_own(tmp_path: Path) -> None:
    template = (
        '{"version": "v2", "plugins": [{"protoc_builtin": "java", "out": "java", '
        f'"protoc_path": "{toolchain.debian_protoc()}"}}]}}'
    )
    toolchain.run([toolchain.buf(), "generate", "--template", template, "--output", tmp_path])
    assert (tmp_path / "java/bayar/payments/v1/CreatePaymentRequest.java").is_file()


def descriptors(tmp_path: Path) -> Iterator[descriptor_pb2.FileDescriptorProto]:
    """The contract as Debian's compiler reads it, without the files of others."""
    written = tmp_path / "contract.binpb"
    options = (f"--proto_path={toolchain.PROTO}", f"--descriptor_set_out={written}")
    toolchain.run([toolchain.debian_protoc(), *options, *toolchain.protos()])
    yield from descriptor_pb2.FileDescriptorSet.FromString(written.read_bytes()).file


def fields(messages: list[descriptor_pb2.DescriptorProto]) -> Iterator[tuple[str, descriptor_pb2.FieldDescriptorProto]]:
    for message in messages:
        yield from ((f"{message.name}.{field.name}", field) for field in message.field)
        yield from fields(list(message.nested_type))


def test_fields_have_no_option_that_older_compilers_do_not_know(tmp_path: Path) -> None:
    newer = [
        f"{name}: {option.name}"
        for file in descriptors(tmp_path)
        for name, field in fields(list(file.message_type))
        for option, _ in field.options.ListFields()
        if not option.is_extension and option.name not in KNOWN_TO_OLD_COMPILERS
    ]
    assert newer == []


def test_a_field_with_the_name_of_a_secret_is_marked(tmp_path: Path) -> None:
    marked = {
        name: bool(field.options.Extensions[secret_pb2.secret])
        for file in descriptors(tmp_path)
        for name, field in fields(list(file.message_type))
        if field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)
    }
    telling = {name for name in marked if any(part in name.partition(".")[2] for part in TELLING_NAMES)} - NO_SECRETS
    assert {name for name in telling if not marked[name]} == set()
    assert {name for name, is_marked in marked.items() if is_marked} >= telling | {"Card.number"}


def test_every_file_names_the_package_of_each_language(tmp_path: Path) -> None:
    for file in descriptors(tmp_path):
        options = file.options
        words = Path(file.name).stem.split("_")
        assert options.go_package == "bayar.internal/bayar/paymentsv1;paymentsv1", file.name
        assert (options.java_package, options.java_multiple_files) == ("bayar.payments.v1", True), file.name
        assert options.java_outer_classname == "".join(word.capitalize() for word in words) + "Proto"
        assert options.csharp_namespace == "Bayar.Payments.V1", file.name
        assert options.php_namespace == "Bayar\\Payments\\V1", file.name
        assert options.php_metadata_namespace == "Bayar\\Payments\\V1\\Metadata", file.name
        assert options.ruby_package == "Bayar::Payments::V1", file.name
        assert options.objc_class_prefix == "BYR", file.name
