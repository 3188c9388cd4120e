"""The mutants themselves, and that a sample far below the goal fails."""

from __future__ import annotations

from pathlib import Path

from cosmic_ray.mutating import mutate_code

from tests.mutation.__main__ import TREE, chance_of_at_most, known_as_equivalent
from tests.mutation.mutants import mutants_of
from tests.mutation.operators import DeleteStatement

SOURCE = '''\
"""Text."""

def take(amount: int | None, at_most: int = 3) -> int | None:
    """Text."""
    if amount is None:
        raise ValueError("none")
    return amount

def end(amount: Never) -> None:
    assert_never(amount)
'''


def test_a_statement_with_an_effect_is_deleted() -> None:
    for example in DeleteStatement.examples():
        assert (
            mutate_code(example.pre_mutation_code, DeleteStatement(), example.occurrence) == example.post_mutation_code
        )


def test_text_annotations_and_what_is_never_called_are_no_mutants(tmp_path: Path) -> None:
    (tmp_path / "taking.py").write_text(SOURCE)
    assert {mutant.name(tmp_path) for mutant in mutants_of(tmp_path, ["taking.py"])} == {
        "taking.py: -def take(amount: int | None, at_most: int = 3) -> int | None:"
        " +def take(amount: int | None, at_most: int = 4) -> int | None:",
        "taking.py: -def take(amount: int | None, at_most: int = 3) -> int | None:"
        " +def take(amount: int | None, at_most: int = 2) -> int | None:",
        "taking.py: -if amount is None: +if not amount is None:",
        "taking.py: -if amount is None: +if amount is not None:",
        'taking.py: -raise ValueError("none") +pass',
    }


def test_a_sample_fails_only_where_chance_does_not_explain_it() -> None:
    assert chance_of_at_most(38, 40) > 0.5
    assert chance_of_at_most(36, 40) > 0.01
    assert chance_of_at_most(33, 40) < 0.01


def test_every_mutant_named_as_equivalent_exists() -> None:
    named = known_as_equivalent()
    files = sorted({name.partition(":")[0] for name in named})
    assert named <= {mutant.name(TREE) for mutant in mutants_of(TREE, files)}
