"""Conformance cases: read from YAML, and checked against the schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml
from jsonschema import Draft202012Validator

from tests.conformance.matching import Case

HERE: Final = Path(__file__).parent


def load_cases(folder: Path = HERE / "suite") -> list[Case]:
    """Every case of every file. Raises ValueError for a file that the schema refuses, or a name that occurs twice."""
    cases = [case for path in sorted(folder.glob("*.yaml")) for case in _cases_of(path)]
    ids = [case.id for case in cases]
    if twice := {each for each in ids if ids.count(each) > 1}:
        raise ValueError(f"These names occur twice: {', '.join(sorted(twice))}")
    return cases


def _cases_of(path: Path) -> Iterator[Case]:
    content = yaml.safe_load(path.read_text("utf-8"))
    validator = Draft202012Validator(json.loads((HERE / "schema.json").read_text("utf-8")))
    for error in validator.iter_errors(content):
        raise ValueError(f"{path.name}: {error.json_path}: {error.message}")
    for case in content["cases"]:
        if (content["server"] == "scripted") != ("script" in case):
            raise ValueError(f"{path.name}: {case['name']}: a script belongs to the scripted server, and only there.")
        yield Case(path.stem, content["server"], case)
