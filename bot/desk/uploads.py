"""Files that staff upload at the console: held within limits, read under names that do no harm."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Collection
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from bot.desk.office import DeskError
from knowledge.tables import KnowledgeFileError

MAX_BYTES = 20_000_000
MAX_UNPACKED = 200_000_000
T = TypeVar("T")


def check_size(name: str, content: bytes) -> None:
    """Raises DeskError for what is empty, too large, or would be once it is unpacked."""
    if len(content) > MAX_BYTES:
        raise DeskError(f"文件超过 {MAX_BYTES // 1_000_000} MB，请拆成几个文件分别导入。")
    if not content:
        raise DeskError("文件是空的。")
    if not name.lower().endswith(".xlsx"):
        return
    try:
        with zipfile.ZipFile(BytesIO(content)) as book:
            unpacked = sum(one.file_size for one in book.infolist())
    except zipfile.BadZipFile:
        raise DeskError("无法打开这个 xlsx，请用 Excel 或 WPS 另存后再试。") from None
    if unpacked > MAX_UNPACKED:
        raise DeskError("这个 xlsx 展开后太大，请另存为 csv，或拆成几个文件。")


def read_upload(
    name: str, content: bytes, formats: Collection[str], read: Callable[[Path], T]
) -> T:
    """The file by its own reader. Raises DeskError for what the reader cannot use."""
    suffix = Path(name.replace("\\", "/")).suffix.lower()
    if suffix not in formats:
        raise DeskError(f"不支持这种文件，只收 {'、'.join(one[1:] for one in formats)}。")
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"上传的文件{suffix}"
            path.write_bytes(content)
            return read(path)
    except KnowledgeFileError as error:
        raise DeskError(str(error)) from None
