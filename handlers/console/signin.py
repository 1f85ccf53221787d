"""Signing in, the first set-up, passwords and one-time codes: forms that need no script."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse

from bot.desk.office import DeskError
from bot.desk.signin import Seat, SignedOutError, Signin
from handlers.console.forms import STATIC, Field, Form, page, qr
from handlers.console.gate import COOKIE, step_of
from handlers.errors import Refusal
from handlers.origin import address, foreign
from storage.sessions import Stage

_LONGEST_FORM = 4096
_PASSWORD = "password"  # noqa: S105
_CODE = "one-time-code"
_NEW = "10 位以上，要有字母、数字、符号中的两种；不能有登录名。"
_FILES = {"signin.css": "text/css", "icon.svg": "image/svg+xml"}


def signin_router(signin: Signin, public_url: str) -> APIRouter:
    """Every page under /console that can be reached without being signed in."""
    doors = _Doors(signin, public_url)
    router = APIRouter()
    for name in ("login", "setup", "code", "password", "codes"):
        router.add_api_route(f"/console/{name}", getattr(doors, name), methods=["GET", "POST"])
    router.add_api_route("/console/logout", doors.logout, methods=["POST"])
    router.add_api_route("/console/signin/{name}", _static, methods=["GET"])
    router.add_api_route("/console", _home, methods=["GET"])
    return router


class _Doors:
    """One method a page: GET shows its form, POST takes the step and leads to the next."""

    def __init__(self, signin: Signin, public_url: str) -> None:
        self._signin = signin
        self._public_url = public_url

    async def login(self, request: Request) -> Response:
        form = Form(
            "登录",
            "用管理员给您的登录名和密码。",
            "/console/login",
            (
                Field("login", "登录名", fill="username"),
                Field(_PASSWORD, "密码", _PASSWORD, "current-password"),
            ),
            "登录",
        )
        if request.method == "GET" and await self._signin.needs_setup():
            form = replace(form, hint="还没有管理员。请用程序启动时显示的设置链接。")

        async def step(given: dict[str, str]) -> str:
            origin = address(request)
            return await self._signin.sign_in(given["login"], given[_PASSWORD], origin)

        return await self._serve(request, form, step)

    async def setup(self, request: Request) -> Response:
        if not await self._signin.needs_setup():
            return RedirectResponse("/console/login", 303)
        key = request.query_params.get("key", "")
        form = Form(
            "首次设置",
            "建立第一个管理员。设置完成后这个链接就失效。",
            "/console/setup",
            (
                Field("login", "登录名（字母、数字）", fill="username"),
                Field("name", "姓名", fill="name"),
                Field(_PASSWORD, f"密码（{_NEW}）", _PASSWORD, "new-password"),
                Field("again", "再输一遍密码", _PASSWORD, "new-password"),
                Field(
                    "key", "设置口令（见程序启动时的输出）", "hidden" if key else "text", value=key
                ),
            ),
            "建立管理员",
        )

        async def step(given: dict[str, str]) -> str:
            _same(given)
            return await self._signin.set_up(
                given["key"], given["login"], given["name"], given[_PASSWORD]
            )

        return await self._serve(request, form, step)

    async def code(self, request: Request) -> Response:
        form = Form(
            "动态口令",
            "打开手机上的验证器，输入“问办”下的 6 位数字。",
            "/console/code",
            (Field("code", "动态口令", fill=_CODE),),
            "继续",
            leave=True,
        )

        async def step(given: dict[str, str]) -> str:
            return await self._signin.confirm(_token(request), given["code"])

        return await self._serve(request, form, step, Stage.CODE)

    async def password(self, request: Request) -> Response:
        form = Form(
            "设置自己的密码",
            _NEW,
            "/console/password",
            (
                Field("old", "现在的密码", _PASSWORD, "current-password"),
                Field(_PASSWORD, "新密码", _PASSWORD, "new-password"),
                Field("again", "再输一遍新密码", _PASSWORD, "new-password"),
            ),
            "保存",
            leave=True,
        )

        async def step(given: dict[str, str]) -> str:
            _same(given)
            return await self._signin.change_password(
                _token(request), given["old"], given[_PASSWORD]
            )

        return await self._serve(request, form, step, Stage.PASSWORD, Stage.OPEN)

    async def codes(self, request: Request) -> Response:
        seat = await self._signin.who(_token(request))
        if seat is None or seat.stage not in (Stage.ENROL, Stage.OPEN):
            return _lead(seat)
        try:
            target = await self._signin.offer_codes(_token(request))
        except DeskError:
            return RedirectResponse("/console/", 303)
        secret = parse_qs(urlsplit(target).query)["secret"][0]
        form = Form(
            "开通动态口令",
            "用手机上的验证器扫一扫（或手工输入下面的字母数字），再填它显示的 6 位数字。",
            "/console/codes",
            (Field("code", "动态口令", fill=_CODE),),
            "开通",
            leave=True,
            extra=qr(target, secret),
        )

        async def step(given: dict[str, str]) -> str:
            return await self._signin.accept_codes(_token(request), given["code"])

        return await self._serve(request, form, step, Stage.ENROL, Stage.OPEN)

    async def logout(self, request: Request) -> Response:
        given = await self._given(request)
        self._check_form(request, given)
        await self._signin.sign_out(_token(request))
        response = RedirectResponse("/console/login", 303)
        response.delete_cookie(COOKIE, path="/console", httponly=True, samesite="lax")
        return response

    async def _serve(
        self,
        request: Request,
        form: Form,
        step: Callable[[dict[str, str]], Awaitable[str]],
        *stages: Stage,
    ) -> Response:
        """Show the form, or take its step; ``stages`` are the sessions it is for."""
        if stages:
            seat = await self._signin.who(_token(request))
            if seat is None or seat.stage not in stages:
                return _lead(seat)
            form = replace(form, token=self._signin.form_token(_token(request)))
        if request.method == "GET":
            return _html(form)
        given = await self._given(request)
        if stages:
            self._check_form(request, given)
        try:
            token = await step({one.name: given.get(one.name, "") for one in form.fields})
        except SignedOutError:
            return RedirectResponse("/console/login", 303)
        except DeskError as error:
            return _html(_filled(form, given), str(error), 400)
        return await self._seated(token)

    async def _given(self, request: Request) -> dict[str, str]:
        if foreign(request, self._public_url):
            raise Refusal(403, "请从工作台的页面发送。")
        body = await request.body()
        if len(body) > _LONGEST_FORM:
            raise Refusal(413, "内容太长，请核对后再试。")
        fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
        return {name: values[0].replace("\x00", "") for name, values in fields.items()}

    def _check_form(self, request: Request, given: dict[str, str]) -> None:
        right = self._signin.form_token(_token(request))
        if not hmac.compare_digest(given.get("form", "").encode(), right.encode()):
            raise Refusal(403, "页面已过期，请刷新后再试。")

    async def _seated(self, token: str) -> Response:
        seat = await self._signin.who(token)
        response = RedirectResponse(step_of(seat.stage) if seat else "/console/login", 303)
        response.set_cookie(
            COOKIE,
            token,
            max_age=int(self._signin.rules.longest.total_seconds()),
            path="/console",
            httponly=True,
            samesite="lax",
            secure=self._public_url.startswith("https://"),
        )
        return response


async def _static(name: str) -> Response:
    if name not in _FILES:
        raise Refusal(404, "没有这个文件，请刷新页面。")
    path = await asyncio.to_thread((STATIC / name).resolve)
    return FileResponse(path, media_type=_FILES[name])


async def _home() -> Response:
    return RedirectResponse("/console/", 303)


def _html(form: Form, error: str = "", status: int = 200) -> HTMLResponse:
    return HTMLResponse(page(form, error), status, headers={"cache-control": "no-store"})


def _filled(form: Form, given: dict[str, str]) -> Form:
    """What was typed stays, except passwords and codes."""
    keep = {one.name for one in form.fields if one.kind != _PASSWORD and one.fill != _CODE}
    fields = tuple(
        replace(one, value=given.get(one.name, "")) if one.name in keep else one
        for one in form.fields
    )
    return replace(form, fields=fields)


def _lead(seat: Seat | None) -> Response:
    return RedirectResponse(step_of(seat.stage) if seat else "/console/login", 303)


def _token(request: Request) -> str:
    return request.cookies.get(COOKIE, "")


def _same(given: dict[str, str]) -> None:
    if given[_PASSWORD] != given["again"]:
        raise DeskError("两遍密码不一样，请重新输入。")
