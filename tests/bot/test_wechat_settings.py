"""[wechat]: what is missing or malformed is said before the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import ConfigError, load
from bot.wechat_settings import WechatSettings
from tests.wechatapi import AES_KEY, APP_ID, SECRET, TOKEN

WHOLE = {
    "WENBAN_WECHAT__APP_ID": APP_ID,
    "WENBAN_WECHAT__APP_SECRET": SECRET,
    "WENBAN_WECHAT__TOKEN": TOKEN,
    "WENBAN_WECHAT__AES_KEY": AES_KEY,
}


def wechat(tmp_path: Path, **changed: str) -> WechatSettings:
    empty = tmp_path / "config.toml"
    empty.touch()
    names = {f"WENBAN_WECHAT__{name}".upper(): value for name, value in changed.items()}
    return load(empty, {**WHOLE, **names}).wechat


def test_the_secrets_come_from_the_environment_and_are_not_shown(tmp_path: Path) -> None:
    settings = wechat(tmp_path, articles="2247483660_1,2247483660_2")
    assert settings.enabled
    assert settings.articles == ("2247483660_1", "2247483660_2")
    assert not any(secret in repr(settings) for secret in (SECRET, TOKEN, AES_KEY))
    assert not wechat(tmp_path, app_id="").enabled


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("app_id", "wx123", "不像 AppID"),
        ("app_secret", "short", "不像 AppSecret"),
        ("app_secret", "", "WENBAN_WECHAT__APP_SECRET"),
        ("token", "weixin", "随机串"),
        ("token", "a" * 20, "随机串"),
        ("token", "有汉字的令牌有汉字的令牌有汉字的", "随机串"),
        ("token", "", "WENBAN_WECHAT__TOKEN"),
        ("aes_key", AES_KEY[:-1], "43 位"),
        ("aes_key", "", "WENBAN_WECHAT__AES_KEY"),
        ("api_url", "api.weixin.qq.com", "http://"),
        ("articles", "2247483660", "第几篇"),
        ("mode", "both", "只能是"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, value: str, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        wechat(tmp_path, **{name: value})
    assert "wechat" in str(refused.value) and words in str(refused.value)


def test_the_plain_mode_needs_no_key(tmp_path: Path) -> None:
    assert wechat(tmp_path, mode="plain", aes_key="").enabled


@pytest.mark.parametrize("key", ["app_secret", "token", "aes_key"])
def test_secrets_in_the_file_are_refused(tmp_path: Path, key: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'[wechat]\n{key} = "x"', encoding="utf-8")
    with pytest.raises(ConfigError, match=f"WENBAN_WECHAT__{key.upper()}"):
        load(path, {})
