"""Parameters of a request and the table of Bot API methods."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from tests.botapi.model import Json, bad_request
from tests.botapi.state import State


@dataclass
class Upload:
    name: str
    mime: str
    data: bytes


@dataclass
class Params:
    """Values come as text (forms) or as JSON values; files by their field name."""

    values: Mapping[str, Any]
    files: Mapping[str, Upload] = field(default_factory=dict)

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return "" if value is None else str(value)

    def integer(self, name: str, default: int = 0) -> int:
        value = self.values.get(name)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except (TypeError, ValueError):
            raise bad_request(f"{name} must be an integer") from None

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in ("true", "1", "yes")

    def data(self, name: str) -> Any:
        """A JSON-serialised field, None when absent."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise bad_request(f"can't parse {name.replace('_', ' ')} JSON object") from None

    def readable(self) -> Json:
        """For the log of calls: JSON fields opened."""
        return {name: self._open(name) for name in self.values}

    def _open(self, name: str) -> Any:
        value = self.values[name]
        if isinstance(value, str) and value[:1] in ("{", "["):
            try:
                return json.loads(value)
            except ValueError:
                return value
        return value


Handler: TypeAlias = Callable[[State, Params], Awaitable[Any] | Any]
H = TypeVar("H", bound=Handler)
METHODS: dict[str, Handler] = {}


def method(name: str) -> Callable[[H], H]:
    """Enter a function into the table; names are not case-sensitive."""

    def enter(handler: H) -> H:
        METHODS[name.lower()] = handler
        return handler

    return enter
