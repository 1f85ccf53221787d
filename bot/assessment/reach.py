"""Whose figures somebody may see: some accounts, some departments, or all. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot.assessment.standings import Standings
from bot.assessment.timeline import Flags


@dataclass(frozen=True, slots=True)
class Reach:
    """Accounts (keys) and departments whose turns count; empty for all.

    A turn belongs to the department that is answerable for it, so that one that nobody has been
    given yet is in no department's figures.
    """

    accounts: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.accounts or self.departments)

    def narrowed(self, other: Reach) -> Reach:
        """What is within both. LookupError when that is nothing: an empty reach would be all."""
        return Reach(
            _both(self.accounts, other.accounts), _both(self.departments, other.departments)
        )

    def over(self, standings: Standings) -> Flags:
        """Which turns count."""
        found = np.ones(len(standings.facts), bool)
        if self.accounts:
            known = standings.facts.accounts
            mine = [number for number, (key, _) in known.items() if key in self.accounts]
            found &= np.isin(standings.turns["account_id"], mine)
        if self.departments:
            words = standings.facts.words
            mine = [number for number, word in words.items() if word in self.departments]
            found &= np.isin(standings.department, mine)
        return found


def _both(mine: tuple[str, ...], asked: tuple[str, ...]) -> tuple[str, ...]:
    if not mine or not asked:
        return mine or asked
    found = tuple(one for one in asked if one in mine)
    if not found:
        raise LookupError(asked)
    return found


EVERYWHERE = Reach()
