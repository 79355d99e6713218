"""What one Python takes and another does not, and nobody sees who has the first."""

from __future__ import annotations

import ast
import builtins
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import devsup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(devsup.__file__).parent
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp)


def names(nodes: Iterable[ast.AST]) -> set[str]:
    """The variables in there."""
    found = (each for node in nodes for each in ast.walk(node))
    return {each.id for each in found if isinstance(each, ast.Name)}


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Those of a module itself, also under a condition."""
    for node in body:
        yield node
        if isinstance(node, ast.If):
            yield from statements([*node.body, *node.orelse])


def defined(module: ast.Module) -> set[str]:
    """What the module itself defines and imports, or has from Python."""
    found = {*dir(builtins)}
    for node in statements(module.body):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= names(node.targets)
        elif isinstance(node, ast.AnnAssign):
            found |= names([node.target])
    return found


@pytest.mark.parametrize(
    "path", sorted(ROOT.rglob("*.py")), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_no_comprehension_has_a_variable_called_like_something_of_its_module(path: Path) -> None:
    """Before 3.12.4 another comprehension beside it does not find that (python/cpython#118513)."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(module):
        if isinstance(node, COMPREHENSIONS):
            assert not names(each.target for each in node.generators) & defined(module)
