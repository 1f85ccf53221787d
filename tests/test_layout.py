"""The house rules that a machine can check."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "handlers", "knowledge", "storage")
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
MAX_LINES = 400
MAX_FUNCTION = 50


def test_imports_go_one_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == 0, capsys.readouterr().out


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_stay_small(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= MAX_LINES
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            generated = "migrations/versions" in str(path)
            assert length <= MAX_FUNCTION or generated, f"{node.name}: {length} lines"


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("bot.desk", {"aiogram", "fastapi", "nicegui", "uvicorn"}),
        (
            "bot.cli",
            {"aiogram", "argon2", "fastapi", "nicegui", "sqlalchemy", "jieba", "numpy", "opencc"},
        ),
        ("knowledge.catalog", {"jieba", "numpy", "opencc", "sqlalchemy"}),
        ("handlers.api", {"aiogram", "nicegui"}),
    ],
)
def test_what_an_import_must_not_load(module: str, heavy: set[str]) -> None:
    code = f"import sys, {module}; print('\\n'.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert heavy & set(loaded) == set()
