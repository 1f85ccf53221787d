"""Settings: complete documentation, early and clear refusals."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

from bot.config import (
    SECRETS,
    SOURCES,
    ConfigError,
    load,
    read_calendar,
    read_ranker,
    read_scorecards,
)
from bot.settings import AssessmentSettings, ClockSettings, KnowledgeSettings, Settings
from bot.sources import SourceSettings
from knowledge.ranker import models

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "config.example.toml").read_text(encoding="utf-8")
HAN = re.compile("[一-鿿]")
KEYS = [
    (section, key)
    for section, field in Settings.model_fields.items()
    if section != SOURCES
    for key in field.annotation.model_fields  # type: ignore[union-attr]
]
TOKEN = "123456:" + "a" * 35


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_example_shows_every_setting_with_default_and_explanation(section: str, key: str) -> None:
    body = EXAMPLE.split(f"[{section}]")[1].split("\n[")[0].splitlines()
    place = next(n for n, line in enumerate(body) if re.match(rf"#? ?{key}( =|：)", line))
    assert body[place - 1].startswith("# ") and HAN.search(body[place - 1])
    default = getattr(getattr(Settings(), section), key)
    if (section, key) in SECRETS or default is None:
        assert body[place].startswith("#")
    else:
        shown = tomllib.loads(body[place])[key]
        assert (tuple(shown) if isinstance(shown, list) else shown) in (default, str(default))


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_documentation_names_every_setting(section: str, key: str) -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert f"`WENBAN_{section}__{key}`".upper() in text


def test_example_loads_as_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(EXAMPLE, encoding="utf-8")
    assert load(path, {}) == Settings()


@pytest.mark.parametrize(
    ("text", "key", "remedy"),
    [
        ("[desk]\nburst = 3", "desk.burst", "核对拼写"),
        ("[desc]\na = 1", "desc", "核对拼写"),
        ("[http]\nport = 70000", "http.port", "不大于 65535"),
        ('[http]\nport = "八"', "http.port", "整数"),
        ('[web]\nenabled = "也许"', "web.enabled", "true 或 false"),
        ('[app]\nlog_level = "LOUD"', "app.log_level", "只能是"),
        ('[clock]\nbusiness_hours = ["九点到五点"]', "clock.business_hours", "09:00-12:00"),
        ('[telegram]\ntoken = "123456:abc"', "telegram.token", "WENBAN_TELEGRAM__TOKEN"),
        ("[web]\nreview_steps = 4", "web.review_steps", "不大于 3"),
        ('[knowledge]\nsemantic = "on"', "knowledge.semantic", "只能是"),
        ('[knowledge]\nsemantic = "endpoint"', "knowledge", "要填 endpoint_url"),
        ('[knowledge]\nendpoint_url = "models:80"', "knowledge.endpoint_url", "http://"),
        ('[knowledge]\nendpoint_url = "http://a:b@c"', "knowledge.endpoint_url", "ENDPOINT_KEY"),
        ('[knowledge]\nendpoint_key = "k"', "knowledge.endpoint_key", "WENBAN_KNOWLEDGE__ENDPOINT"),
        ("[http\n", "config.toml", "TOML"),
    ],
)
def test_bad_settings_name_the_key_and_the_remedy(
    tmp_path: Path, text: str, key: str, remedy: str
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load(path, {})
    assert key in str(refused.value) and remedy in str(refused.value)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[http]\nport = -1\n[desk]\nnope = 1", encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load(path, {})
    assert len(str(refused.value).splitlines()) == 2


def test_missing_file_is_an_error_only_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="找不到配置文件"):
        load(tmp_path / "nowhere.toml", {})
    monkeypatch.chdir(tmp_path)
    assert load(None, {}) == Settings()


def test_environment_overrides_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[http]\nport = 81", encoding="utf-8")
    settings = load(
        path,
        {
            "WENBAN_HTTP__PORT": "82",
            "WENBAN_DATABASE__URL": "sqlite+aiosqlite:///x.db",
            "WENBAN_CLOCK__BUSINESS_HOURS": "09:00-12:00,13:30-17:30",
            "WENBAN_TELEGRAM__TOKEN": TOKEN,
            "WENBAN_KNOWLEDGE__ENDPOINT_KEY": "key-of-the-endpoint",
            "PATH": "/bin",
        },
    )
    assert settings.http.port == 82
    assert settings.database_url == "sqlite+aiosqlite:///x.db"
    assert len(settings.clock.spans) == 2
    assert settings.telegram.enabled
    assert settings.knowledge.embedder == ("auto", "", "", "key-of-the-endpoint")
    assert TOKEN not in repr(settings) and "key-of-the-endpoint" not in repr(settings)


@pytest.mark.parametrize(
    "environ",
    [
        {"WENBAN_DATABASE_URL": "x"},
        {"WENBAN_NOWHERE__KEY": "x"},
        {"WENBAN_TELEGRAM__TOKEN": "hello"},
        {"WENBAN_TELEGRAM__TOKEN": TOKEN, "WENBAN_TELEGRAM__MODE": "webhook"},
        {"WENBAN_TELEGRAM__WEBHOOK_SECRET": "changeme"},
        {"WENBAN_JOBS__DIGEST_AT": "25:99"},
    ],
)
def test_bad_environment_is_refused(environ: dict[str, str], tmp_path: Path) -> None:
    empty = tmp_path / "config.toml"
    empty.write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"WENBAN_|：") as refused:
        load(empty, environ)
    assert HAN.search(str(refused.value))


def test_token_file_must_stand_outside_a_repository(tmp_path: Path) -> None:
    empty = tmp_path / "config.toml"
    empty.write_text("", encoding="utf-8")
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n", encoding="utf-8")
    environ = {"WENBAN_TELEGRAM__TOKEN_FILE": str(token)}
    assert load(empty, environ).telegram.token.get_secret_value() == TOKEN
    (tmp_path / ".git").mkdir()
    with pytest.raises(ConfigError, match="代码仓库"):
        load(empty, environ)


def test_calendar_file_overrides_the_official_days(tmp_path: Path) -> None:
    path = tmp_path / "calendar.toml"
    path.write_text(
        'source = "示例发〔2026〕1号"\ncomplete_years = [2027]\n[days]\n"2027-01-01" = "休"\n'
        '"2027-01-03" = "班"\n',
        encoding="utf-8",
    )
    calendar = read_calendar(ClockSettings(calendar_file=path))
    assert not calendar.is_workday(date(2027, 1, 1))
    assert calendar.is_workday(date(2027, 1, 3))
    assert not calendar.provisional(date(2027, 5, 4))
    path.write_text('source = "x"\n[days]\n"元旦" = "休"', encoding="utf-8")
    with pytest.raises(ConfigError, match="calendar_file"):
        read_calendar(ClockSettings(calendar_file=path))


def test_scorecards_are_the_shipped_ones_or_those_of_a_file(tmp_path: Path) -> None:
    assert [one.key for one in read_scorecards(AssessmentSettings())] == ["units", "people"]
    path = tmp_path / "cards.toml"
    path.write_text("scorecards = []", encoding="utf-8")
    assert read_scorecards(AssessmentSettings(scorecard_file=path)) == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "读不到"),
        (b"[[scorecards", "不是 UTF-8 编码的 TOML"),
        ("名 = 1".encode("gb18030"), "不是 UTF-8 编码的 TOML"),
        (b"[[scorecards]]\nkey = 'a'", "计分卡“a”：缺少 name"),
        (b"", "[[scorecards]]"),
    ],
)
def test_unusable_scorecards_name_the_setting_and_the_remedy(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "cards.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        read_scorecards(AssessmentSettings(scorecard_file=path))
    assert str(refused.value).startswith("assessment.scorecard_file：")
    assert said in str(refused.value)


def test_a_file_of_weights_is_read_whole_or_named_with_its_setting(tmp_path: Path) -> None:
    assert read_ranker(KnowledgeSettings()) is None
    path = tmp_path / "own.json"
    path.write_text((ROOT / "knowledge" / "data" / "ranker.json").read_text("utf-8"), "utf-8")
    assert read_ranker(KnowledgeSettings(ranker_file=str(path))) == models()
    path.write_text("{}", "utf-8")
    with pytest.raises(ConfigError, match=r"knowledge\.ranker_file：.*没有 models"):
        read_ranker(KnowledgeSettings(ranker_file=str(path)))


# ---- sources ----

SECRET = "k3Jd8sLq0ZpXw7VbN2mRt5YcUe9GhAf1"


@pytest.mark.parametrize("key", SourceSettings.model_fields)
def test_every_setting_of_a_source_is_shown_and_documented(key: str) -> None:
    body = EXAMPLE.split("# [sources.weibo]")[1].splitlines()
    place = next(n for n, line in enumerate(body) if re.match(rf"# (# )?{key}( =|：)", line))
    assert SourceSettings.model_fields[key].description == body[place - 1].removeprefix("# # ")
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert f"`WENBAN_SOURCES__名称__{key.upper()}`" in text


def test_the_example_of_a_source_loads_as_its_defaults(tmp_path: Path) -> None:
    _, _, body = EXAMPLE.partition("# [sources.weibo]")
    lines = (line.removeprefix("# ") for line in body.splitlines())
    path = tmp_path / "config.toml"
    path.write_text("[sources.weibo]" + "\n".join(lines), encoding="utf-8")
    assert load(path, {}).sources == {"weibo": SourceSettings(platform="微博")}


def _sources(tmp_path: Path, text: str, environ: dict[str, str]) -> Settings:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, environ)


def test_a_source_takes_its_secret_from_the_environment(tmp_path: Path) -> None:
    text = '[sources.weibo_gov]\nplatform = "微博"\ndelivery = "poll"'
    environ = {
        "WENBAN_SOURCES__WEIBO_GOV__SECRET": SECRET,
        "WENBAN_SOURCES__WEIBO_GOV__MAX_LENGTH": "140",
    }
    settings = _sources(tmp_path, text, environ)
    source = settings.sources["weibo_gov"]
    assert source.secret.get_secret_value() == SECRET and source.max_length == 140
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("text", "environ", "reason"),
    [
        ('[sources.weibo]\nname = "云川"', {}, "sources.weibo.platform：没有填"),
        ('[sources.weibo]\nplatform = ""', {}, "不能为空"),
        ('[sources.weibo]\nplatform = "微博"\nsecret = "x"', {}, "WENBAN_SOURCES__WEIBO__SECRET"),
        ('[sources.weibo]\nplatform = "微博"\ndelivery = "poll"', {}, "签名口令"),
        ('[sources.weibo]\nplatform = "微博"\ndelivery = "webhook"', {}, "webhook_url"),
        ('[sources.web]\nplatform = "网站"', {}, "已被程序使用"),
        ('[sources."Wei bo"]\nplatform = "微博"', {}, "只能用小写字母"),
        ('[sources.a__b]\nplatform = "微博"', {}, "只能用小写字母"),
        ('[sources.weibo]\nplatform = "微博"\nmax_length = 10', {}, "不小于 50"),
        ('[sources.weibo]\nplatform = "微博"\nlink = true', {}, "核对拼写"),
        ("", {"WENBAN_SOURCES__SECRET": SECRET}, "SOURCES__名称__设置项"),
    ],
)
def test_a_wrong_source_is_refused(
    tmp_path: Path, text: str, environ: dict[str, str], reason: str
) -> None:
    with pytest.raises(ConfigError, match=r"WENBAN_|：") as refused:
        _sources(tmp_path, text, environ)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "secret", ["short", "a" * 40, "0123456789" * 3, "changeme-" + SECRET, "12345678" * 5]
)
def test_a_weak_secret_of_a_source_is_refused(tmp_path: Path, secret: str) -> None:
    text = '[sources.weibo]\nplatform = "微博"'
    with pytest.raises(ConfigError, match="至少 32 位") as refused:
        _sources(tmp_path, text, {"WENBAN_SOURCES__WEIBO__SECRET": secret})
    assert secret not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://weibo.example/push", True),
        ("http://127.0.0.1:9000/push", True),
        ("http://localhost/push", True),
        ("http://10.2.0.8/push", True),
        ("http://[::1]/push", True),
        ("http://weibo.example/push", False),
        ("http://8.8.8.8/push", False),
        ("ftp://10.2.0.8/push", False),
        ("https://user:word@weibo.example/", False),
        ("https://", False),
        ("https://a:99999/", False),
    ],
)
def test_where_answers_may_be_pushed_to(tmp_path: Path, url: str, good: bool) -> None:
    text = f'[sources.weibo]\nplatform = "微博"\ndelivery = "webhook"\nwebhook_url = "{url}"'
    environ = {"WENBAN_SOURCES__WEIBO__SECRET": SECRET}
    if good:
        assert _sources(tmp_path, text, environ).sources["weibo"].webhook_url == url
        return
    with pytest.raises(ConfigError, match=r"sources\.weibo"):
        _sources(tmp_path, text, environ)
