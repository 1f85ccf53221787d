"""One browser's session as the pages use it: who acts, checked again before every action."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from fastapi import Request
from nicegui import Client, ui

from bot.desk import Desk, DeskError
from bot.desk.signin import Seat, SignedOutError, Signin
from handlers.console.errands import Errands
from handlers.console.pulse import Pulse
from storage.models import Staff

PATIENCE = 20.0
"""Seconds that a page may take to build on a busy machine."""


class HasVisit(Protocol):
    visit: Visit


T = TypeVar("T")
S = TypeVar("S", bound=HasVisit)
P = ParamSpec("P")


@dataclass(slots=True)
class Visit:
    """``seat`` is who opened the page; rights are looked up again by :meth:`ask`.

    ``client`` is the page itself: what is said belongs there, whatever element was pressed.
    """

    desk: Desk
    signin: Signin
    pulse: Pulse
    errands: Errands
    token: str
    seat: Seat
    client: Client | None = None
    _looks: dict[str, int] = field(default_factory=dict)

    async def ask(self, call: Callable[[Staff], Awaitable[T]], *, acting: bool = True) -> T | None:
        """Do something as the person signed in; None when it was refused, which they are told.

        What the page does by itself is not ``acting``: the session of an idle person ends.
        """

        async def work() -> T:
            return await call(await self.signin.working(self.token, acting=acting))

        try:
            return await self.errands.run(work())
        except SignedOutError:
            self.leave()
        except DeskError as error:
            self.tell(str(error), bad=True)
        return None

    async def latest(
        self, place: str, call: Callable[[Staff], Awaitable[T]], *, acting: bool = True
    ) -> T | None:
        """As :meth:`ask`, for what a place of the page shows; None also when it was asked again.

        Two looks that overlap may come back in either order; what was asked last is shown.
        """
        turn = self._looks[place] = self._looks.get(place, 0) + 1
        found = await self.ask(call, acting=acting)
        return found if turn == self._looks[place] else None

    def tell(self, text: str, *, bad: bool = False, seconds: int = 3) -> None:
        """Say a sentence at the bottom of the page; screen readers read it out."""
        with self.page:
            ui.notify(
                text,
                position="bottom",
                color="negative" if bad else "primary",
                timeout=1000 * (6 if bad else seconds),
                group=False,
            )

    def leave(self) -> None:
        """Lead to the sign-in page; the browser puts the place of the console before it."""
        with self.page:
            ui.navigate.to("/login")

    @property
    def page(self) -> Client:
        assert self.client is not None  # noqa: S101  (set when the page is built)
        return self.client

    async def alive(self) -> bool:
        """Whether the session still stands; the person did nothing."""
        return await self.errands.run(self.signin.who(self.token, acting=False)) is not None

    async def show(self, case_id: int | None) -> None:
        """Let colleagues see what is on this screen."""
        await self.errands.run(self.desk.inbox.beat(self.seat.session_id, case_id))


def visit_of(request: Request, client: Client) -> Visit:
    """What the gate let pass, with the page it is for."""
    visit: Visit = request.state.visit
    visit.client = client
    return visit


def on_page(
    method: Callable[Concatenate[S, P], Awaitable[T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """A handler that may outlive the button it was called by: it acts for the page."""

    @wraps(method)
    async def acting(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with self.visit.page:
            return await method(self, *args, **kwargs)

    return acting
