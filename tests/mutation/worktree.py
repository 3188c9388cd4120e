"""A copy of the tree, in which mutants are applied and the fast tests run."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import hypothesis  # noqa: F401  # in memory before the fork, as pytest is
import pytest

from tests.mutation.mutants import Mutant

QUICK_TESTS = ("tests/domain", "tests/application")
"""They need no network, no database and no process: all of them run in seconds."""

_COPIED = ("src", "tests", "clients/python/src", "twin/src", "docs", "conftest.py", "pyproject.toml")
_TIMEOUT_SECONDS = 300
_EVERYTHING = ""

Coverage = Mapping[tuple[str, int], frozenset[str]]
"""The tests, as `file::function`, that run a line of a file. Lines that run at import belong to every test."""


@dataclass(frozen=True, slots=True)
class Workplace:
    root: Path

    @classmethod
    def copy_of(cls, tree: Path, root: Path) -> Workplace:
        for name in _COPIED:
            if (tree / name).is_dir():
                shutil.copytree(tree / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(tree / name, root / name)
        return cls(root)

    def passes(self, tests: list[str]) -> bool:
        """Whether the tests pass, in a fork that has pytest in memory already. Tests that hang fail."""
        child = os.fork()
        if child == 0:
            self._run_forked(tests)
        _, status = os.waitpid(child, 0)
        return status == 0

    def catches(self, mutant: Mutant, stages: Sequence[Sequence[str]]) -> bool:
        """Whether a test fails with the mutant in place. A stage of tests runs only where the one before has passed."""
        path = self.root / mutant.path
        original = path.read_text()
        path.write_text(mutant.code(self.root))
        try:
            return not all(self.passes(list(tests)) for tests in stages)
        finally:
            path.write_text(original)

    def coverage(self) -> Coverage:
        """Runs the quick tests once and notes which of them run which line. Raises RuntimeError where one fails."""
        data = self.root / "coverage.sqlite"
        config = self.root / "coverage.ini"
        config.write_text(f"[run]\ndynamic_context = test_function\nsource = src\ndata_file = {data}\n")
        command = ["-m", "coverage", "run", f"--rcfile={config}", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        ran = self._run([sys.executable, *command, *QUICK_TESTS])
        if ran.returncode:
            raise RuntimeError(f"the tests fail without any mutant:\n{ran.stdout}")
        return _read_coverage(data, self.root)

    def _run_forked(self, tests: list[str]) -> NoReturn:
        """Ends the process with 0 if the tests pass."""
        code = 1
        try:
            signal.alarm(_TIMEOUT_SECONDS)
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            os.chdir(self.root)
            sys.path[:] = [*self._paths(), str(self.root), *(path for path in sys.path if _is_installed(path))]
            for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
                del sys.modules[name]
            code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests])
        finally:
            os._exit(int(code))

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(self._paths()), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True)

    def _paths(self) -> list[str]:
        return [str(self.root / name) for name in ("src", "clients/python/src", "twin/src")]


def _is_installed(path: str) -> bool:
    """Whether the path belongs to Python and its packages, not to the tree that was copied."""
    return path.startswith((sys.prefix, sys.base_prefix))


def stages_for(mutant: Mutant, coverage: Coverage) -> list[list[str]]:
    """The tests that run the mutant's line. A line that runs at import has those of its file first, then all."""
    of_line = coverage.get((mutant.path, mutant.line), frozenset({_EVERYTHING}))
    if _EVERYTHING not in of_line:
        return [sorted(of_line)]
    of_file = {test for (path, _), tests in coverage.items() if path == mutant.path for test in tests} - {_EVERYTHING}
    return [sorted(of_file), list(QUICK_TESTS)] if of_file else [list(QUICK_TESTS)]


def _read_coverage(data: Path, root: Path) -> Coverage:
    lines: dict[tuple[str, int], set[str]] = defaultdict(set)
    with sqlite3.connect(data) as connection:
        rows = connection.execute(
            "SELECT file.path, context.context, line_bits.numbits FROM line_bits"
            " JOIN file ON file.id = line_bits.file_id JOIN context ON context.id = line_bits.context_id"
        )
        for path, context, bits in rows:
            for line in _numbers(bits):
                lines[str(Path(path).relative_to(root)), line].add(_test_of(context))
    return {place: frozenset(tests) for place, tests in lines.items()}


def _numbers(bits: bytes) -> list[int]:
    """The line numbers in a bit set of coverage's."""
    return [8 * index + bit for index, byte in enumerate(bits) for bit in range(8) if byte & (1 << bit)]


def _test_of(context: str) -> str:
    """`tests/domain/test_money.py::test_name` for coverage's `tests.domain.test_money.test_name`."""
    module, _, function = context.rpartition(".")
    return f"{module.replace('.', '/')}.py::{function}" if module else _EVERYTHING
