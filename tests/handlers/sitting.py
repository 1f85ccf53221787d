"""NiceGUI's simulated user before the real console: signed in, behind the real gate and server."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nicegui import ElementFilter, events, ui
from nicegui.functions.download import download
from nicegui.functions.navigate import Navigate
from nicegui.functions.notify import notify
from nicegui.helpers import event_type_to_camel_case
from nicegui.testing import User

from handlers.console.gate import COOKIE
from tests.website import Website

_PATIENT = 60
_BOX = re.compile(r".*\.(\w[\w-]*) textarea'\)\.value")


class Sitting:
    """A person before one page: what they read, press and write, without a browser."""

    def __init__(self, user: User) -> None:
        self.user = user
        user.javascript_rules[_BOX] = lambda found: self.box(found[1]).value
        user.javascript_rules[re.compile(r"Object\.fromEntries")] = lambda _: {}

    async def open(self, path: str) -> None:
        await self.user.open(f"/console{path}")

    async def sees(self, *texts: str) -> None:
        for text in texts:
            await self.user.should_see(text, retries=_PATIENT)

    async def sees_no(self, *texts: str) -> None:
        for text in texts:
            await self.user.should_not_see(text, retries=_PATIENT)

    async def is_told(self, text: str) -> None:
        """A sentence appears at the bottom of the page."""
        await self.sees(text)

    async def press(self, title: str, place: int = 0) -> None:
        """The button or row with this word in it."""
        await self.sees(title)
        with self.user:
            shown = [one for one in ElementFilter(content=title) if _pressed(one) is not None]
        pressed = _pressed(shown[place])
        assert pressed is not None
        self._tell(pressed, "click", None)

    def key(self, key: str) -> None:
        """A key that the page listens to."""
        assert self.user.client is not None
        self._tell(self.user.client.layout, "console-key", key)

    def box(self, mark: str) -> ui.textarea:
        """The text field with this class."""
        with self.user:
            found = [one for one in ElementFilter(kind=ui.textarea) if mark in one.classes]
        return found[-1]

    def write(self, label: str, text: str, *, enter: bool = False) -> None:
        """Into the field with this label or name."""
        with self.user:
            fields = [*ElementFilter(kind=ui.input), *ElementFilter(kind=ui.textarea)]
        field = next(
            one
            for known in ("label", "aria-label", "placeholder")
            for one in fields
            if one.props.get(known, "").startswith(label)
        )
        with self.user:
            field.value = text
        if enter:
            self._tell(field, "keydown.enter", None)

    def _tell(self, element: ui.element, kind: str, args: object) -> None:
        assert self.user.client is not None
        named = event_type_to_camel_case(kind)
        heard = [one for one in element._event_listeners.values() if one.type == named]
        assert heard, f"nobody listens to {kind}"
        told = events.GenericEventArguments(sender=element, client=self.user.client, args=args)
        with self.user:
            for one in heard:
                events.handle_event(one.handler, told)


def _pressed(element: ui.element) -> ui.element | None:
    """What of an element and those around it hears a click."""
    around: ui.element | None = element
    while around is not None:
        if any(one.type == "click" for one in around._event_listeners.values()):
            return around
        around = around.parent_slot.parent if around.parent_slot else None
    return None


@asynccontextmanager
async def sitting(website: Website, token: str) -> AsyncIterator[Sitting]:
    """The person of this session, until the block ends."""
    browser = website.browser(accept="text/html")
    browser.cookies.set(COOKIE, token, path="/console")
    try:
        yield Sitting(User(browser))
    finally:
        ui.navigate, ui.notify, ui.download = Navigate(), notify, download
