"""The sign-in pages as HTML: plain forms that work before the console itself is loaded."""

from __future__ import annotations

import io
from dataclasses import dataclass
from html import escape
from pathlib import Path

import segno

STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class Field:
    """One input; ``kind`` is text, password or hidden, ``fill`` what a browser may fill in."""

    name: str
    label: str
    kind: str = "text"
    fill: str = "off"
    value: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """One page with one form; ``extra`` is markup made here, everything else is text."""

    title: str
    hint: str
    action: str
    fields: tuple[Field, ...]
    button: str
    token: str = ""
    leave: bool = False
    extra: str = ""


def page(form: Form, error: str = "") -> str:
    """The whole page."""
    fields = "".join(_input(one, first=not number) for number, one in enumerate(form.fields))
    hidden = f'<input type="hidden" name="form" value="{escape(form.token)}">'
    alarm = f'<p class="bad" role="alert">{escape(error)}</p>' if error else ""
    leave = ""
    if form.leave:
        leave = (
            f'<form method="post" action="/console/logout">{hidden}'
            '<button class="plain">换个账号登录</button></form>'
        )
    return _whole(
        form.title,
        form.hint,
        f'{alarm}{form.extra}<form method="post" action="{escape(form.action)}">{hidden}{fields}'
        f"<button>{escape(form.button)}</button></form>{leave}",
    )


def message(title: str, hint: str) -> str:
    """A page that says one thing and leads back to work."""
    return _whole(title, hint, '<p><a href="/console/">回到待办</a></p>')


def _whole(title: str, hint: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{escape(title)} · 问办</title>
<link rel="icon" href="/console/signin/icon.svg">
<link rel="stylesheet" href="/console/signin/signin.css">
</head>
<body>
<main>
<div class="mark">问办工作台</div>
<h1>{escape(title)}</h1>
<p>{escape(hint)}</p>
{body}
</main>
</body>
</html>
"""


def qr(address: str, secret: str) -> str:
    """The authenticator's code as a picture made here, with the secret to type by hand."""
    picture = io.BytesIO()
    segno.make(address, error="m").save(
        picture, kind="svg", xmldecl=False, svgns=True, border=1, svgclass="code", lineclass=None
    )
    return f'{picture.getvalue().decode()}<p class="secret">{escape(secret)}</p>'


def _input(one: Field, *, first: bool) -> str:
    if one.kind == "hidden":
        return f'<input type="hidden" name="{one.name}" value="{escape(one.value)}">'
    focus = " autofocus" if first else ""
    number = ' inputmode="numeric" maxlength="8"' if one.fill == "one-time-code" else ""
    return (
        f'<label for="{one.name}">{escape(one.label)}</label>'
        f'<input id="{one.name}" name="{one.name}" type="{one.kind}" required'
        f' autocomplete="{one.fill}" value="{escape(one.value)}"{number}{focus}>'
    )
