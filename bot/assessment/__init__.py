"""Assessment (考核): what turns say about how citizens were answered. Pure.

Definitions are those of the rulebook. Unanswered cases past their due time count against 及时率,
response percentiles treat unanswered cases as censored (Kaplan–Meier), and whatever was done to
cases that could make a figure look better is counted beside it. A figure without data is None.
"""

from __future__ import annotations

from bot.assessment.figures import Figures
from bot.assessment.model import BASES, DIMENSIONS, Assessment
from bot.assessment.reach import EVERYWHERE, Reach

__all__ = ["BASES", "DIMENSIONS", "EVERYWHERE", "Assessment", "Figures", "Reach"]
