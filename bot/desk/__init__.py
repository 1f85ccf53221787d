"""The domain service: every door calls it, and it knows no door."""

from __future__ import annotations

from collections.abc import Mapping

from bot.channels.base import Channel
from bot.desk.administering import Administering
from bot.desk.answering import Answering
from bot.desk.auditing import Auditing
from bot.desk.bulk import Bulk
from bot.desk.bundles import Bundles
from bot.desk.callback import Callback
from bot.desk.catalogue import Catalogue
from bot.desk.category import Recategorising
from bot.desk.citizens import Citizens
from bot.desk.crowds import Crowds
from bot.desk.dispatch import Dispatch
from bot.desk.duties import Duties
from bot.desk.editing import Editing
from bot.desk.entrances import Entrances
from bot.desk.exclusion import Exclusion
from bot.desk.exports import Exports
from bot.desk.extension import Extension
from bot.desk.files import Files
from bot.desk.handing import Handing
from bot.desk.importing import Importing
from bot.desk.inbox import Inbox
from bot.desk.ingesting import Ingesting
from bot.desk.intake import Intake, Receipt
from bot.desk.learning import Learning
from bot.desk.library import Library
from bot.desk.merging import Merging
from bot.desk.office import DeskError, Inbound, Office, Rules
from bot.desk.people import People
from bot.desk.phrases import Phrases
from bot.desk.review import Review
from bot.desk.satisfaction import Satisfaction
from bot.desk.screening import Screening
from bot.desk.suggesting import Suggesting
from bot.desk.supervision import Supervision
from bot.desk.supplement import Supplement
from bot.desk.tasks import Tasks
from bot.desk.transfer import Transfer
from bot.desk.upkeep import Upkeep
from bot.desk.workbench import Workbench
from storage.terms import TaskKind


class Desk:
    """One desk: receive → triage → match → draft → review → deliver → resolve."""

    def __init__(self, office: Office, channels: Mapping[str, Channel]) -> None:
        self.office = office
        self.intake = Intake(office)
        self.answering = Answering(office)
        self.callback = Callback(office)
        self.citizens = Citizens(office, self.answering)
        self.satisfaction = Satisfaction(office, self.callback)
        self.review = Review(office)
        self.exclusion = Exclusion(office)
        self.merging = Merging(office)
        self.extension = Extension(office)
        self.transfer = Transfer(office)
        self.supplement = Supplement(office)
        self.recategorising = Recategorising(office, self.answering)
        self.tasks = Tasks(
            office,
            {
                TaskKind.EXTENSION: self.extension,
                TaskKind.EXCLUSION: self.exclusion,
                TaskKind.TRANSFER: self.transfer,
                TaskKind.CALLBACK: self.callback,
            },
        )
        self.learning = Learning(office)
        self.suggesting = Suggesting(office)
        self.inbox = Inbox(office)
        self.catalogue = Catalogue(office)
        self.editing = Editing(office)
        self.upkeep = Upkeep(office)
        self.entrances = Entrances(office)
        self.bundles = Bundles(office)
        self.files = Files(office)
        self.importing = Importing(office)
        self.exports = Exports(office)
        self.workbench = Workbench(office)
        self.bulk = Bulk(office, self.review, self.workbench)
        self.crowds = Crowds(office, self.bulk)
        self.phrases = Phrases(office)
        self.people = People(office)
        self.supervision = Supervision(office)
        self.auditing = Auditing(office)
        self.screening = Screening(office)
        self.administering = Administering(office, channels)
        self.dispatch = Dispatch(office, channels)
        self.handing = Handing(office, self.dispatch)
        self.ingesting = Ingesting(office, self.intake)
        self.duties = Duties(office, self.answering, self.learning)


__all__ = ["Desk", "DeskError", "Inbound", "Library", "Office", "Receipt", "Rules"]
