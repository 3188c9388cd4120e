"""The mutants of a source tree, each with a name that outlives changes elsewhere in its file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cosmic_ray.plugins
from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.mutating import mutate_code

from tests.mutation.operators import CHOSEN, Position, annotation_lines, register

register()


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change to one file. `path` is relative to the tree's root; lines count from 1."""

    path: str
    operator: str
    occurrence: int
    line: int

    def code(self, root: Path) -> str:
        """The whole file with the change in it."""
        operator = cosmic_ray.plugins.get_operator(self.operator)()
        mutated = mutate_code((root / self.path).read_text(), operator, self.occurrence)
        if mutated is None:
            raise LookupError(f"{self} is not there any more")
        return str(mutated)

    def diff(self, root: Path) -> list[str]:
        """The lines that differ, as `-before` and `+after`, without their indentation."""
        before, after = (root / self.path).read_text().splitlines(), self.code(root).splitlines()
        lines = list(difflib.unified_diff(before, after, lineterm="", n=0))[3:]
        return [re.sub(r"^([-+])\s+", r"\1", line) for line in lines]

    def name(self, root: Path) -> str:
        """The file and the change: what the list of equivalent mutants goes by."""
        return f"{self.path}: " + " ".join(self.diff(root))


def mutants_of(root: Path, folders: list[str]) -> list[Mutant]:
    """All mutants of all modules below the folders, in a stable order."""
    return [
        mutant
        for folder in folders
        for path in sorted((root / folder).rglob("*.py") if (root / folder).is_dir() else [root / folder])
        for mutant in _of_file(root, path)
    ]


def _of_file(root: Path, path: Path) -> Iterator[Mutant]:
    source = path.read_text()
    annotations = annotation_lines(source)
    lines = source.splitlines()
    tree = get_ast_from_path(path)
    for name in sorted(CHOSEN):
        operator = cosmic_ray.plugins.get_operator(name)()
        positions = (position for node in ast_nodes(tree) for position in operator.mutation_positions(node))
        for occurrence, (start, end) in enumerate(positions):
            if not _within((start, end), annotations) and not _is_for_types_only(lines[start[0] - 1], start[1]):
                yield Mutant(str(path.relative_to(root)), name, occurrence, start[0])


def _is_for_types_only(line: str, column: int) -> bool:
    """Whether it is the flag of a dataclass by which only a type checker refuses calls."""
    return line[:column].rstrip().endswith("kw_only=")


def _within(position: Position, outer: list[Position]) -> bool:
    return any(start <= position[0] and position[1] <= end for start, end in outer)
