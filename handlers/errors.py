"""Every error as Chinese JSON: ``{"error": …}``."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from bot.desk.office import DeskError

TOO_LARGE = "发来的内容太大，请缩短后再发。"
BROKEN = "服务器出了点问题，请稍后再试。"
_WORDS = {
    404: "没有这个网址，请核对后再试。",
    405: "这个网址不支持这种请求方式。",
    413: TOO_LARGE,
}
_INVALID = "请求的内容不完整或格式不对，请刷新页面再试。"
_INVALID_CALL = "网址里的编号或参数不对，请对照 /api/v1/openapi.json 核对。"


class Refusal(Exception):  # noqa: N818  (an answer to the caller rather than a fault)
    """Ends a request with a status and a sentence for the person."""

    def __init__(self, status: int, error: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(error)
        self.status = status
        self.headers = headers or {}


def install(app: FastAPI) -> None:
    """Make ``app`` answer every failure in one shape."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(DeskError, _desk)


def _answer(status: int, error: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": error}, status, headers)


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    words = _WORDS.get(error.status_code, _INVALID)
    return _answer(error.status_code, words, dict(error.headers or {}))


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    by_program = request.url.path.startswith("/api/")
    return _answer(400, _INVALID_CALL if by_program else _INVALID)


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refusal)  # noqa: S101
    return _answer(error.status, str(error), error.headers)


async def _desk(_: Request, error: Exception) -> JSONResponse:
    return _answer(409, str(error))
