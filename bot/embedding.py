"""What the citizens' page needs to look like an account and to stand on its website."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

AA = 4.5
"""The contrast of text that WCAG 2.2 asks for (1.4.3)."""
GROUND = "#f3f1ed"
"""The page's light ground, the darkest that coloured text stands on by day."""
NIGHT = "#22262b"
"""The lightest ground that coloured text stands on by night."""
NO_HTTPS = (
    "web.embed_origins：嵌入别的网站要用 https，请把 http.public_url 设为 https:// 开头的对外网址"
)
_HEX = re.compile(r"#[0-9a-f]{6}")


def contrast(one: str, other: str) -> float:
    """Between two colours #rrggbb, from 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def mixed(color: str, other: str, share: float) -> str:
    """A colour with this share of another one."""
    parts = zip(_parts(color), _parts(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in parts)


def lightened(color: str, ground: str) -> str:
    """The colour with just as much white as text on this ground needs."""
    for step in range(20):
        found = mixed(color, "#ffffff", step / 20)
        if contrast(found, ground) >= AA:
            return found
    return "#ffffff"


def _parts(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _luminance(color: str) -> float:
    linear = [
        part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4
        for part in _parts(color)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def check_color(value: str) -> str:
    """A colour that can be read on the page, in small letters; ValueError in Chinese otherwise."""
    value = value.strip().lower()
    if not _HEX.fullmatch(value):
        raise ValueError("要写成 # 加六位十六进制，例如 #1f4e79")
    found = contrast(value, GROUND)
    if found < AA:
        raise ValueError(
            f"太浅，与页面底色的对比度只有 {found:.1f}，要不低于 {AA}，请选深一点的颜色"
        )
    return value


def check_origin(value: str) -> str:
    """A website's origin, exactly; ValueError in Chinese otherwise."""
    value = value.strip().lower().rstrip("/")
    try:
        parts = urlsplit(value)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        parts, port, host = urlsplit(""), None, ""
    plain = f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")
    if parts.scheme != "https" or not re.fullmatch(r"[a-z0-9.-]+", host) or value != plain:
        raise ValueError(
            f"“{value}”要写成 https://网站域名，不带路径，例如 https://www.example.gov.cn"
        )
    return value


Color = Annotated[str, AfterValidator(check_color)]
Origin = Annotated[str, AfterValidator(check_origin)]
