"""What the sections of the settings are made of."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

WEAK_SECRETS = {"changeme", "change-me", "secret", "password", "admin", "123456", "token", "test"}


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AccountSettings(Section):
    """政务账号 data shared by the sections of all channels."""

    name: str = Field(default="云川市政务服务（示例）", description="账号名称，群众看得到")
    sponsor: str = Field(default="", description="主办单位")
    supervisor: str = Field(default="", description="主管单位")
    responsible: str = Field(default="", description="责任人")
    description: str = Field(default="", description="账号简介：办什么事，用来找出功能相同的账号")
    review_steps: int = Field(
        default=1, ge=1, le=3, description="发布前要几步审核（1–3），各步不得是同一人"
    )
