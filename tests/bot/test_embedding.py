"""Colours that can be read, and origins that are exactly one website."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.config import ConfigError, load
from bot.embedding import AA, NIGHT, NO_HTTPS, check_color, check_origin, contrast, lightened, mixed
from bot.settings import WebSettings

COLORS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_contrast_is_that_of_the_guideline() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#1f4e79", "#1f4e79") == 1


@given(COLORS, COLORS)
def test_contrast_is_the_same_both_ways(one: str, other: str) -> None:
    assert contrast(one, other) == contrast(other, one)
    assert 1 <= contrast(one, other) <= 21.01


@given(COLORS)
def test_an_accepted_colour_can_be_read_by_day_and_by_night(color: str) -> None:
    try:
        accepted = check_color(color)
    except ValueError:
        return
    assert contrast(accepted, "#ffffff") >= AA
    assert contrast(mixed(accepted, "#000000", 0.35), "#eef2f6") >= AA
    assert contrast(lightened(accepted, NIGHT), NIGHT) >= AA


@pytest.mark.parametrize("color", ["red", "#1f4e7", "#1F4E7G", "1f4e79", "#fff", "", "#1f4e79;}"])
def test_what_is_no_colour_is_refused(color: str) -> None:
    with pytest.raises(ValueError, match="六位十六进制"):
        check_color(color)


@pytest.mark.parametrize("color", ["#ffcc00", "#7fb2e5", "#ffffff"])
def test_a_colour_too_light_to_read_is_refused(color: str) -> None:
    with pytest.raises(ValidationError, match="太浅"):
        WebSettings(color=color)


def test_colours_and_origins_are_written_one_way() -> None:
    settings = WebSettings(color=" #A61E1E ", embed_origins=("https://WWW.Example.gov.cn/",))
    assert settings.color == "#a61e1e"
    assert settings.embed_origins == ("https://www.example.gov.cn",)
    assert check_origin("https://a.gov.cn:8443") == "https://a.gov.cn:8443"


def test_frames_of_other_websites_need_https(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[web]\nembed_origins = ["https://a.gov.cn"]\n', encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load(path, {})
    assert str(refused.value) == NO_HTTPS
    good = load(path, {"WENBAN_HTTP__PUBLIC_URL": "https://wenban.a.gov.cn"})
    assert good.web.embed_origins == ("https://a.gov.cn",)
    several = {"WENBAN_WEB__EMBED_ORIGINS": "https://a.gov.cn,https://b.gov.cn"}
    several["WENBAN_HTTP__PUBLIC_URL"] = "https://wenban.a.gov.cn"
    assert len(load(path, several).web.embed_origins) == 2


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "*",
        "https://*",
        "https://*.gov.cn",
        "http://a.gov.cn",
        "https://a.gov.cn/page",
        "https://a.gov.cn; script-src *",
        "https://a.gov.cn https://b.cn",
        "https://user@a.gov.cn",
        "https://a.gov.cn:99999",
        "https://",
    ],
)
def test_what_is_not_exactly_one_website_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="要写成 https://"):
        check_origin(origin)
