"""提相似问: a wording for an entry, the citizen's own or another, put before those who decide."""

from __future__ import annotations

from handlers.console.pages.parts import choose
from handlers.console.visit import Visit
from knowledge.catalog import Entry
from knowledge.proposals import similar_wording


async def suggest(visit: Visit, entry: Entry, asked: str = "") -> None:
    """Ask how citizens put the question; ``asked`` is how one did, offered without who they are."""
    wording = similar_wording(asked)
    offered = {wording: wording} if wording else {}
    title = f"群众还会怎样问“{entry.question}”？"
    found = await choose(title, offered, words="别的问法")
    if found:
        text, desk = found.removeprefix("="), visit.desk.suggesting
        said = await visit.ask(lambda s: desk.propose(s, entry.id, text))
        if said:
            visit.tell(said)
