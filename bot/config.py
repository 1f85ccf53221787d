"""The settings as config.toml and the environment give them, checked whole before the start."""

from __future__ import annotations

import contextlib
import os
import secrets
import tomllib
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from bot.clock import Calendar
from bot.settings import AssessmentSettings, ClockSettings, KnowledgeSettings, Settings
from bot.sources import SourceSettings

if TYPE_CHECKING:
    from bot.assessment.scorecard import Scorecard
    from knowledge.bundles import Bundle
    from knowledge.ranker import Weights

PREFIX = "WENBAN_"
SOURCES = "sources"
SECRETS = {
    ("telegram", "token"),
    ("telegram", "webhook_secret"),
    ("wechat", "app_secret"),
    ("wechat", "token"),
    ("wechat", "aes_key"),
    ("knowledge", "endpoint_key"),
    ("console", "secret"),
}


class ConfigError(ValueError):
    """The configuration cannot be used; the text names each key, the reason and the remedy."""


def load(path: Path | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from a TOML file (None: config.toml if it is there) and ``WENBAN_SECTION__KEY``.

    Raises ConfigError with every problem found.
    """
    data = _read(path)
    _refuse_secrets(data)
    _apply_environment(data, environ)
    _read_token_file(data)
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(problem) for problem in error.errors())) from None


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        path = Path("config.toml")
        if not path.exists():
            return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"找不到配置文件 {path}，请核对路径，或从 config.example.toml 复制一份"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"配置文件 {path} 读不了：{error}。请存为 UTF-8 编码的 TOML") from None


def _refuse_secrets(data: Mapping[str, Any]) -> None:
    for section, key in SECRETS:
        _refuse_secret(data.get(section), section, key)
    sources = data.get(SOURCES)
    for name, table in sources.items() if isinstance(sources, Mapping) else ():
        _refuse_secret(table, f"{SOURCES}.{name}", "secret")


def _refuse_secret(table: Any, section: str, key: str) -> None:
    if isinstance(table, Mapping) and table.get(key):
        name = f"{PREFIX}{section.replace('.', '__')}__{key}".upper()
        raise ConfigError(
            f"{section}.{key}：口令不能写在配置文件里，请删去这一行，改用环境变量 {name}"
        )


def _apply_environment(data: dict[str, Any], environ: Mapping[str, str]) -> None:
    for name, value in environ.items():
        if not name.startswith(PREFIX):
            continue
        section, mark, key = name.removeprefix(PREFIX).lower().partition("__")
        if not mark:
            raise ConfigError(
                f"环境变量 {name}：应写成 {PREFIX}节__设置项，节与设置项间是两条下划线"
            )
        table = data.setdefault(section, {})
        if section == SOURCES:
            source, mark, key = key.partition("__")
            if not mark:
                raise ConfigError(f"环境变量 {name}：应写成 {PREFIX}SOURCES__名称__设置项")
            table = table.setdefault(source, {})
        table[key] = _from_environment(section, key, value)


def _from_environment(section: str, key: str, value: str) -> Any:
    field = Settings.model_fields.get(section)
    model = SourceSettings if section == SOURCES else field.annotation if field else None
    kind = model.model_fields.get(key) if model else None
    if kind is not None and "dict" in str(kind.annotation):
        pairs = (part.partition("=") for part in value.split(";") if part.strip())
        return {name.strip(): _listed(items) for name, _, items in pairs}
    if kind is not None and "tuple" in str(kind.annotation):
        return _listed(value)
    if kind is not None and "None" in str(kind.annotation):
        return value or None
    return value


def _listed(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _read_token_file(data: dict[str, Any]) -> None:
    table = data.get("telegram")
    if not isinstance(table, dict) or not table.get("token_file") or table.get("token"):
        return
    path = Path(str(table["token_file"])).resolve()
    if any((parent / ".git").exists() for parent in path.parents):
        raise ConfigError(f"telegram.token_file：{path.name} 在代码仓库内，请移到仓库之外")
    try:
        table["token"] = path.read_text(encoding="utf-8").strip()
    except OSError:
        raise ConfigError(f"telegram.token_file：读不到 {path}，请核对路径和权限") from None


def session_secret(settings: Settings) -> str:
    """The console's secret: the configured one, else one made once and kept for the owner only.

    Raises ConfigError when it cannot be kept.
    """
    given = settings.console.secret.get_secret_value()
    if given:
        return given
    path = settings.app.data_dir / "console.secret"
    try:
        if not path.exists():
            _make_secret(path)
        kept = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"console.secret：{path} 读写不了，请核对权限") from None
    if len(kept) < 32:
        raise ConfigError(f"console.secret：{path} 的内容不完整，请删除它，重启会重新生成")
    return kept


def _make_secret(path: Path) -> None:
    """Processes that start together end up with the same one, and never see half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(48))
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(own)
    own.unlink()


_WORKS = {"班": True, "休": False}
_REASONS = {
    "missing": "没有填，请补上",
    "string_too_short": "不能为空",
    "string_too_long": "太长，最多 {max_length} 个字符",
    "extra_forbidden": "没有这个设置项，请核对拼写（全部设置项见 config.example.toml）",
    "int_parsing": "要填整数",
    "int_type": "要填整数",
    "float_parsing": "要填数字",
    "float_type": "要填数字",
    "bool_parsing": "要填 true 或 false",
    "bool_type": "要填 true 或 false",
    "string_type": "要填文字，用双引号括起来",
    "model_type": "要写成一节，例如 [desk]",
    "tuple_type": '要填列表，例如 ["甲", "乙"]',
    "greater_than": "太小，要大于 {gt}",
    "greater_than_equal": "太小，要不小于 {ge}",
    "less_than_equal": "太大，要不大于 {le}",
    "less_than": "太大，要小于 {lt}",
    "literal_error": "只能是 {expected}",
    "value_error": "{error}",
}


def _explain(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    reason = _REASONS.get(problem["type"], "值不对，请参照 config.example.toml")
    told = reason.format(**problem.get("ctx", {}))
    return f"{key}：{told}" if key else told


def read_ranker(knowledge: KnowledgeSettings) -> dict[str, Weights] | None:
    """The office's own weights, None for the shipped ones. Raises ConfigError."""
    if not knowledge.ranker_file:
        return None
    from knowledge.weights import WeightsError, read_weights

    try:
        return read_weights(Path(knowledge.ranker_file))
    except WeightsError as error:
        raise ConfigError(f"knowledge.ranker_file：{error}") from None


def read_bundles(knowledge: KnowledgeSettings) -> tuple[Bundle, ...]:
    """The office's 一件事, or the shipped ones. Raises ConfigError for an unusable file."""
    if not knowledge.bundles_file:
        return ()
    from knowledge import bundles

    shipped = knowledge.bundles_file == "sample"
    path = Path(str(files("knowledge") / "data" / "bundles.toml"))
    path = path if shipped else Path(knowledge.bundles_file)
    try:
        return bundles.read_bundles(path)
    except bundles.BundleError as error:
        raise ConfigError(f"knowledge.bundles_file：{path} {error}") from None
    except OSError:
        raise ConfigError(f"knowledge.bundles_file：读不到 {path}，请核对路径和权限") from None


def read_calendar(clock: ClockSettings) -> Calendar:
    """The working calendar with its override file. Raises ConfigError for an unusable file.

    The file holds ``source`` (文号), ``complete_years`` and a table ``days`` from date to
    "班" or "休".
    """
    path = clock.calendar_file
    if path is None:
        return Calendar(spans=clock.spans, departments=clock.departments)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        days = {date.fromisoformat(day): _WORKS[word] for day, word in table["days"].items()}
        years = frozenset(int(year) for year in table.get("complete_years", []))
        source = str(table["source"]).strip()
        if not source:
            raise ValueError("source 是空的")
        return Calendar(clock.spans, days, source, years, clock.departments)
    except OSError:
        raise ConfigError(f"clock.calendar_file：读不到 {path}，请核对路径和权限") from None
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"clock.calendar_file：{path} 有误（{error}）。"
            '要有 source = "文号"，以及 [days] 下的 "2027-01-01" = "休" 或 "班"'
        ) from None


def read_scorecards(assessment: AssessmentSettings) -> tuple[Scorecard, ...]:
    """The configured scorecards, or the shipped ones. Raises ConfigError for an unusable file."""
    from bot.assessment.scorecard import ScorecardError, parse_scorecards

    path = assessment.scorecard_file
    source = files("bot") / "data" / "scorecards.toml" if path is None else path
    try:
        return parse_scorecards(tomllib.loads(source.read_text(encoding="utf-8")))
    except ScorecardError as error:
        raise ConfigError(f"assessment.scorecard_file：{error}") from None
    except OSError:
        raise ConfigError(f"assessment.scorecard_file：读不到 {path}，请核对路径和权限") from None
    except ValueError as error:
        raise ConfigError(
            f"assessment.scorecard_file：{path} 不是 UTF-8 编码的 TOML（{error}）"
        ) from None
