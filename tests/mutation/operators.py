"""Mutation operators: the subset of cosmic-ray's that yields code of the right types, and deletion of statements.

A mutant that raises TypeError wherever it runs proves nothing about a test. It is left out, so that it does not raise
the share of caught mutants.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import cosmic_ray.plugins
from cosmic_ray.operators.operator import Argument, Example, Operator
from parso import load_grammar  # type: ignore[attr-defined]  # not exported by name
from parso.python.tree import PythonNode
from parso.tree import NodeOrLeaf

Position: TypeAlias = tuple[tuple[int, int], tuple[int, int]]

PROVIDER = "bayar"

CHOSEN = frozenset(
    {
        "bayar/DeleteStatement",
        "core/AddNot",
        "core/NumberReplacer",
        "core/RemoveDecorator",
        "core/ReplaceAndWithOr",
        "core/ReplaceBinaryOperator_Add_Sub",
        "core/ReplaceBinaryOperator_BitAnd_BitOr",
        "core/ReplaceBinaryOperator_BitOr_BitAnd",
        "core/ReplaceBinaryOperator_Div_Mul",
        "core/ReplaceBinaryOperator_FloorDiv_Mul",
        "core/ReplaceBinaryOperator_Mod_FloorDiv",
        "core/ReplaceBinaryOperator_Mul_Add",
        "core/ReplaceBinaryOperator_Pow_Mul",
        "core/ReplaceBinaryOperator_Sub_Add",
        "core/ReplaceBreakWithContinue",
        "core/ReplaceComparisonOperator_Eq_NotEq",
        "core/ReplaceComparisonOperator_GtE_Gt",
        "core/ReplaceComparisonOperator_GtE_Lt",
        "core/ReplaceComparisonOperator_Gt_GtE",
        "core/ReplaceComparisonOperator_Gt_LtE",
        "core/ReplaceComparisonOperator_IsNot_Is",
        "core/ReplaceComparisonOperator_Is_IsNot",
        "core/ReplaceComparisonOperator_LtE_Gt",
        "core/ReplaceComparisonOperator_LtE_Lt",
        "core/ReplaceComparisonOperator_Lt_GtE",
        "core/ReplaceComparisonOperator_Lt_LtE",
        "core/ReplaceComparisonOperator_NotEq_Eq",
        "core/ReplaceContinueWithBreak",
        "core/ReplaceFalseWithTrue",
        "core/ReplaceOrWithAnd",
        "core/ReplaceTrueWithFalse",
        "core/ReplaceUnaryOperator_Delete_Not",
        "core/ReplaceUnaryOperator_USub_UAdd",
        "core/ZeroIterationForLoop",
    }
)


class DeleteStatement(Operator):  # type: ignore[misc]  # cosmic-ray has no types
    """Replaces a statement that has an effect by `pass`: a call, a raise, an assignment to an attribute or an item."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Position]:
        if node.type == "simple_stmt" and _has_effect(node.children[0]):  # type: ignore[attr-defined]
            statement = node.children[0]  # type: ignore[attr-defined]
            yield statement.start_pos, statement.end_pos

    def mutate(self, node: PythonNode, index: int) -> PythonNode:
        statement = node.children[0]
        replacement = load_grammar().parse("pass").children[0]
        replacement.prefix = statement.get_first_leaf().prefix
        node.children[0] = replacement
        return node

    @classmethod
    def arguments(cls) -> Sequence[Argument]:
        return ()

    @classmethod
    def examples(cls) -> Iterable[Example]:
        return (
            Example("raise ValueError(1)\n", "pass\n"),
            Example("x = 1\nx.begin()\n", "x = 1\npass\n"),
            Example("a.b = 1\n", "pass\n"),
            Example("a[b] = 1\n", "pass\n"),
            Example("a += 1\n", "pass\n"),
        )


def _has_effect(statement: NodeOrLeaf) -> bool:
    if statement.type == "raise_stmt":
        return True
    if statement.type == "atom_expr":
        # A call; `...` and strings are none. Type checkers prove that `assert_never` is never called.
        name, *_, end = (child.get_code().strip() for child in statement.children)  # type: ignore[attr-defined]
        return bool(end.endswith(")")) and name != "assert_never"
    if statement.type == "expr_stmt":
        target, operator = statement.children[:2]  # type: ignore[attr-defined]
        return target.type == "atom_expr" or operator.get_code().strip() in {"+=", "-=", "|="}
    return False


class _Provider:
    """Makes our own operators known to cosmic-ray."""

    def __iter__(self) -> Iterator[str]:
        return iter(("DeleteStatement",))

    def __getitem__(self, name: str) -> type[Operator]:
        return {"DeleteStatement": DeleteStatement}[name]


def register() -> None:
    cosmic_ray.plugins.OPERATOR_PROVIDERS[PROVIDER] = _Provider()


def annotation_lines(source: str) -> list[Position]:
    """Where annotations stand: no test can tell them apart."""
    annotations = (
        annotation
        for node in ast.walk(ast.parse(source))
        for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if annotation is not None
    )
    return [((one.lineno, one.col_offset), (one.end_lineno, one.end_col_offset)) for one in annotations]
