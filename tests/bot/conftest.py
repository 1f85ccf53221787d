"""The command line on a fresh database."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.cli import main
from tests.cli import Run


@pytest.fixture
def wenban(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run a command in an empty folder on a fresh database: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WENBAN_DATABASE__URL", database_url)
    monkeypatch.setenv("WENBAN_APP__DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("WENBAN_KNOWLEDGE__SEMANTIC", "off")

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, printed.out, printed.err

    return run
