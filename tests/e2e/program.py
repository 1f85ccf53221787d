"""What a forked process runs: the command line, with its own environment, folder and output."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def serve(environment: dict[str, str], folder: Path, arguments: list[str], output: Path) -> None:
    """Become the program; never returns."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for stream, target in ((nothing, 0), (written, 1), (written, 2)):
        os.dup2(stream, target)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", buffering=1, closefd=False)
    # Imported here: the modules are loaded in the process this one was forked from.
    from bot.cli import main

    main(arguments)
