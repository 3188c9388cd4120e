"""Each program of docs/integrate/languages.md pays, repeats safely, and shows a refusal, over TLS."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from tests.conformance.scripted import ScriptedServer
from tests.conformance.serve import running
from tests.languages import toolchain
from tests.languages.go_stubs import CLIENT as GO_CLIENT
from tests.languages.go_stubs import need_go
from tests.languages.node_package import install_client
from tests.token_issuer import Authority

# The first test of a language installs and compiles.
pytestmark = pytest.mark.timeout(2 * toolchain.LONG_SECONDS)

PAGE: Final = toolchain.ROOT / "docs" / "integrate" / "languages.md"
FOLDER: Final = toolchain.BUILD / "page"
RUBY: Final = ("ruby", "ruby-grpc", "ruby-grpc-tools", "ruby-googleapis-common-protos-types")
PHP: Final = ("php-cli", "php-curl", "php-google-protobuf", "protobuf-compiler")
JAVA: Final = (
    "openjdk-17-jdk-headless",
    "protobuf-compiler",
    "protobuf-compiler-grpc-java-plugin",
    "libgrpc-java",
    "libprotobuf-java",
    "libnetty-java",
    "libnetty-tcnative-java",
    "libnetty-tcnative-jni",
    "libperfmark-java",
    "libguava-java",
    "libgoogle-gson-java",
    "libgeronimo-annotation-1.3-spec-java",
)
JARS: Final = (
    "grpc-netty",
    "protobuf",
    "netty-codec-http2",
    "netty-tcnative",
    "perfmark-api",
    "geronimo-annotation-1.3-spec",
    "gson",
    "guava",
)
KOTLIN: Final = ("kotlin",)
KOTLIN_LIBRARY: Final = "/usr/share/java/kotlin-stdlib.jar"
RUST: Final = (
    "cargo",
    "pkg-config",
    "protobuf-compiler",
    "librust-prost-dev",
    "librust-prost-build-dev",
    "librust-curl-dev",
)
CRATES: Final = ("prost", "prost-types", "prost-build", "curl")
MONO: Final = ("mono-mcs", "protobuf-compiler", "libcurl4")
# Programs that run for a second gain nothing from the second compiler, or from several threads for garbage.
SHORT_LIVED_JAVA: Final = {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto"}
# The commands of a page wait for a disk or a registry as much as for a processor.
AT_ONCE: Final = 3
# These begin first, and the tests of the others run meanwhile.
SLOWEST: Final = ("Rust", "Java", "Kotlin", "C#")
PAID: Final = r"((PAYMENT_STATE_)?CAPTURED|Captured)\n"


@dataclass(frozen=True, slots=True)
class Language:
    """A section of the page: how to see to its parts, the file of its program, and the command that runs it."""

    name: str
    file: str
    need: Callable[[], None]
    command: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict, compare=False)
    # The language whose folder it goes on in.
    after: str = ""
    # How its program becomes one that can be run, where the page leaves that to a command such as `go run`.
    build: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


def need_python() -> None:
    """The environment of the tests has the client."""


def need_node() -> None:
    install_client(FOLDER / "Node")


def need_go_client() -> None:
    need_go()
    place = FOLDER / "Go" / "src" / "bayar.internal"
    place.mkdir(parents=True, exist_ok=True)
    (place / "bayar").symlink_to(GO_CLIENT)


def need_java() -> None:
    toolchain.debian(
        *JAVA,
        programs=("javac", "protoc", "grpc_java_plugin"),
        files=tuple(f"/usr/share/java/{jar}.jar" for jar in JARS),
    )


def need_rust() -> None:
    registry = Path("/usr/share/cargo/registry")
    if not all(any(registry.glob(f"{crate}-[0-9]*")) for crate in CRATES):
        toolchain.debian(*RUST, programs=("cargo", "protoc"), files=("/usr/share/doc/librust-curl-dev",))
    toolchain.debian(*RUST, programs=("cargo", "protoc", "pkg-config"))


LANGUAGES: Final = (
    Language("Python", "take_payment.py", need_python, (sys.executable, "take_payment.py")),
    Language("asyncio", "take_payment.py", need_python, (sys.executable, "take_payment.py")),
    Language("Node", "take_payment.mjs", need_node, (str(toolchain.NODE), "take_payment.mjs")),
    Language(
        "TypeScript",
        "take_payment.mts",
        lambda: None,
        (str(toolchain.NODE), "take_payment.mjs"),
        {"npm_config_prefer_offline": "true", "npm_config_audit": "false"},
        after="Node",
    ),
    Language(
        "Go",
        "take_payment.go",
        need_go_client,
        ("./take_payment",),
        {
            "GO111MODULE": "off",
            "GOPATH": f"{FOLDER / 'Go'}:/usr/share/gocode",
            "GOCACHE": str(toolchain.BUILD / "gocache"),
        },
        build=("go", "build", "take_payment.go"),
    ),
    Language(
        "Ruby",
        "take_payment.rb",
        lambda: toolchain.debian(
            *RUBY,
            programs=("ruby", "grpc_tools_ruby_protoc"),
            files=("/usr/share/doc/ruby-grpc", f"/usr/share/doc/{RUBY[-1]}"),
        ),
        ("ruby", "take_payment.rb"),
    ),
    Language(
        "Java",
        "TakePayment.java",
        need_java,
        ("sh", "-c", 'exec java -Djava.library.path=lib -cp "$(cat classpath)" TakePayment'),
        SHORT_LIVED_JAVA,
    ),
    Language(
        "PHP",
        "take_payment.php",
        lambda: toolchain.debian(
            *PHP,
            programs=("php", "protoc"),
            files=("/usr/share/php/Google/Protobuf/Internal/Message.php", "/usr/share/doc/php-curl"),
        ),
        ("php", "take_payment.php"),
    ),
    Language(
        "Kotlin",
        "take_payment.kt",
        lambda: toolchain.debian(*KOTLIN, programs=("kotlinc",)),
        ("sh", "-c", f'exec java -Djava.library.path=lib -cp "$(cat classpath):{KOTLIN_LIBRARY}" Take_paymentKt'),
        SHORT_LIVED_JAVA,
        after="Java",
    ),
    Language("Rust", "src/main.rs", need_rust, ("target/debug/take_payment",), {"CARGO_PROFILE_DEV_DEBUG": "0"}),
    Language(
        "C#",
        "TakePayment.cs",
        lambda: toolchain.debian(*MONO, programs=("mcs", "mono", "protoc"), files=("/usr/share/doc/libcurl4",)),
        ("mono", "TakePayment.exe"),
    ),
)


def named(name: str) -> Language:
    return next(language for language in LANGUAGES if language.name == name)


def section(name: str) -> list[tuple[str, str]]:
    """The snippets of a section: language and text."""
    _, _, rest = PAGE.read_text("utf-8").partition(f"\n## {name}\n")
    return re.findall(r"```(\w+)\n(.*?)```", rest.partition("\n## ")[0], re.DOTALL)


class Folders:
    """A folder for each language with the program of the page, after the commands of the page; made side by side."""

    def __init__(self, languages: Iterable[Language]) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._made: dict[str, Future[Path]] = {}
        for language in sorted(languages, key=lambda each: each.name not in SLOWEST):
            self._begin(language)

    def of(self, language: Language) -> Path:
        """Waits for the folder. Fails, or skips, where its commands did."""
        return self._made[language.name].result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _begin(self, language: Language) -> None:
        if language.after:
            self._begin(named(language.after))
        if language.name not in self._made:
            self._made[language.name] = self._pool.submit(self._make, language)

    def _make(self, language: Language) -> Path:
        there = FOLDER / language.name
        shutil.rmtree(there, ignore_errors=True)
        if language.after:
            shutil.copytree(self.of(named(language.after)), there, symlinks=True)
        else:
            there.mkdir(parents=True)
            (there / "proto").symlink_to(toolchain.PROTO)
            (there / "docs").symlink_to(toolchain.ROOT / "docs")
        language.need()
        *commands, (_, program) = section(language.name)
        (there / language.file).parent.mkdir(exist_ok=True)
        (there / language.file).write_text(program, "utf-8")
        variables = {"PATH": toolchain.npm_command(there / "bin"), **language.variables}
        for _, each in commands:
            toolchain.run(["sh", "-e", "-c", each], cwd=there, seconds=toolchain.LONG_SECONDS, **variables)
        if language.build:
            toolchain.run(language.build, cwd=there, seconds=toolchain.LONG_SECONDS, **variables)
        return there


@pytest.fixture(scope="module")
def folders(request: pytest.FixtureRequest) -> Iterator[Folders]:
    """Those of the languages that are tested."""
    tested = (_language_of(item) for item in request.session.items)
    folders = Folders(dict.fromkeys(language for language in tested if language is not None))
    yield folders
    folders.close()


def _language_of(item: Any) -> Language | None:
    """The language of one of the tests of this file."""
    language = item.callspec.params.get("language") if hasattr(item, "callspec") else None
    return language if isinstance(language, Language) else None


Pay = Callable[[Language, str, str | Path, str], subprocess.CompletedProcess[str]]


@pytest.fixture
def pay(folders: Folders) -> Pay:
    """Runs the program of a language with an address, an authority's file and a key."""

    def run(language: Language, address: str, root: str | Path, key: str) -> subprocess.CompletedProcess[str]:
        told = {"BAYAR_ADDRESS": address, "BAYAR_CA": str(root), "BAYAR_API_KEY": key}
        return toolchain.attempt(language.command, cwd=folders.of(language), seconds=120, **language.variables, **told)

    return run


@pytest.fixture(scope="module")
def service() -> Iterator[dict[str, str]]:
    with running([]) as told:
        yield told


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ScriptedServer, Path]]:
    authority = Authority(tmp_path_factory.mktemp("scripted"))
    root = authority.write_own()
    server = ScriptedServer(*authority.issue("server"))
    yield server, root
    server.close()


EACH: Final = pytest.mark.parametrize("language", LANGUAGES, ids=str)


@EACH
def test_the_program_pays(pay: Pay, language: Language, service: dict[str, str]) -> None:
    done = pay(language, service["service"], service["root_certificates"], service["api_key"])
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"pay_\w{26} " + PAID, done.stdout)


@EACH
def test_the_program_sends_the_same_request_again(
    pay: Pay, language: Language, scripted: tuple[ScriptedServer, Path]
) -> None:
    server, root = scripted
    payment = {"payment_id": "pay_1", "state": "PAYMENT_STATE_CAPTURED"}
    script: list[dict[str, Any]] = [{"error": {"code": "UNAVAILABLE", "message": "Socket closed"}}] * 2
    server.begin([*script, {"answer": {"payment": payment}}])
    done = pay(language, server.address, root, "key")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch("pay_1 " + PAID, done.stdout)
    received = {"calls": ["CreatePayment"] * 3, "same_request": True, "request_id_is_uuid": True}
    assert server.problems(received) == []


@EACH
def test_the_program_shows_a_refusal(pay: Pay, language: Language, service: dict[str, str]) -> None:
    done = pay(language, service["service"], service["root_certificates"], "bayar_key_nobody")
    assert (done.returncode, done.stdout) == (1, "")
    assert "API key" in done.stderr or "credential" in done.stderr.lower(), done.stderr


@EACH
def test_the_program_trusts_no_other_authority(
    pay: Pay, language: Language, service: dict[str, str], scripted: tuple[ScriptedServer, Path]
) -> None:
    _, stranger = scripted
    done = pay(language, service["service"], stranger, service["api_key"])
    assert (done.returncode, done.stdout) == (1, "")


def test_the_commands_for_the_other_languages_generate(tmp_path: Path) -> None:
    toolchain.debian("protobuf-compiler", programs=("protoc",))
    (tmp_path / "proto").symlink_to(toolchain.PROTO)
    ((_, commands),) = section("Others")
    toolchain.run(["sh", "-e", "-c", commands], cwd=tmp_path)
    for name in ("bayar/payments/v1/CreatePaymentRequestKt.kt", "bayar/payments/v1/payment_service.pb.h"):
        assert (tmp_path / "stubs" / name).is_file()


def test_the_page_names_the_packages_that_the_tests_install() -> None:
    text = re.sub(r"\s+", " ", PAGE.read_text("utf-8"))
    for packages in (RUBY, JAVA, PHP, KOTLIN, RUST, MONO):
        assert f"apt install {' '.join(packages)}`" in text
