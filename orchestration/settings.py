"""One typed settings object; every environment variable that the project reads stands here.

The folders under ``SECTOR_HOME`` are named here too, so that no other module joins paths of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from orchestration.paths import PROJECT_ROOT


class Settings(BaseSettings):
    """Read from the environment (prefix ``SECTOR_``). Values that change figures are part of a release's identity."""

    model_config = SettingsConfigDict(env_prefix="SECTOR_", extra="ignore", frozen=True)

    home: Path = PROJECT_ROOT / "warehouse"
    note_etf: Annotated[str, Field(pattern=r"^\d{6}\.(SZ|SH)$")] = "159567.SZ"
    note_index: Annotated[str, Field(pattern=r"^([0-9H]\d{5}\.(CNI|CSI|SH|SZ)|[A-Z][A-Z0-9]*\.HI)$")] = "987018.CNI"
    threads: Annotated[int, Field(ge=1, le=256)] = 2
    memory_limit: Annotated[str, Field(pattern=r"^\d+(MB|GB)$")] = "4GB"

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def landing(self) -> Path:
        return self.home / "landing"

    @property
    def dialects(self) -> Path:
        """Dialects that this home declares beside the shipped ones."""
        return self.home / "dialects"

    @property
    def raw(self) -> Path:
        return self.home / "raw"

    @property
    def quarantine(self) -> Path:
        return self.home / "quarantine"

    @property
    def build(self) -> Path:
        return self.home / "build"

    @property
    def releases(self) -> Path:
        return self.home / "releases"

    @property
    def current(self) -> Path:
        return self.home / "current"

    @property
    def ledger(self) -> Path:
        return self.home / "ledger.sqlite"

    @property
    def lock(self) -> Path:
        return self.home / ".lock"

    @property
    def dagster(self) -> Path:
        return self.home / "dagster"
