"""One typed settings object; every environment variable that the project reads stands here.

The folders under ``SECTOR_HOME`` are named here too, so that no other module joins paths of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from orchestration.paths import PROJECT_ROOT

ETF_CODE = r"^\d{6}\.(SZ|SH)$"
INDEX_CODE = r"^([0-9H]\d{5}\.(CNI|CSI|SH|SZ)|[A-Z][A-Z0-9]*\.HI)$"
SECURITY_CODE = r"^(\d{6}\.(SZ|SH|BJ)|\d{5}\.HK)$"

HANG_SENG = ("HSI.HI", "HSTECH.HI")
"""The two indices whose opening the market note tells of."""

REQUESTS_PER_MINUTE = {"akshare": 10.0, "crunchbase": 120.0, "exchanges": 20.0, "tushare": 60.0}
"""How fast a provider is asked unless SECTOR_REQUESTS_PER_MINUTE says otherwise. akshare reads public pages that ban
addresses which hurry; Tushare allows 50 to 500 a minute, by points; Crunchbase allows 200; the exchanges do not say."""

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Settings(BaseSettings):
    """Read from the environment (prefix ``SECTOR_``). Values that change figures are part of a release's identity.

    Old releases: the newest ``keep_releases`` stay, all of the last ``keep_days`` do, and the last one of every day
    unless ``keep_last_of_day`` is off; the others go after the next publication (``warehouse.releases.retain``).
    ``after_release``: a command that the sensor of releases calls. ``pages_url``: where `sector ui` serves the pages of
    releases to the links of its assets.
    """

    model_config = SettingsConfigDict(env_prefix="SECTOR_", extra="ignore", frozen=True)

    home: Path = PROJECT_ROOT / "warehouse"
    note_etf: Annotated[str, Field(pattern=ETF_CODE)] = "159567.SZ"
    note_index: Annotated[str, Field(pattern=INDEX_CODE)] = "987018.CNI"
    threads: Annotated[int, Field(ge=1, le=256)] = 2
    memory_limit: Annotated[str, Field(pattern=r"^\d+(MB|GB)$")] = "4GB"
    partial_releases: bool = True

    keep_releases: Annotated[int, Field(ge=1)] = 20
    keep_days: Annotated[int, Field(ge=0)] = 30
    keep_last_of_day: bool = True

    watch_etfs: Annotated[tuple[Annotated[str, Field(pattern=ETF_CODE)], ...], NoDecode] = ()
    watch_indices: Annotated[tuple[Annotated[str, Field(pattern=INDEX_CODE)], ...], NoDecode] = ()
    watch_securities: Annotated[tuple[Annotated[str, Field(pattern=SECURITY_CODE)], ...], NoDecode] = ()
    watch_concepts: Annotated[tuple[str, ...], NoDecode] = ("CRO",)
    tushare_token: SecretStr | None = None
    crunchbase_key: SecretStr | None = None
    requests_per_minute: Annotated[dict[str, Annotated[float, Field(gt=0, le=60_000)]], NoDecode] = {}
    base_urls: Annotated[dict[str, str], NoDecode] = {}
    fetch_connect_seconds: Seconds = 10.0
    fetch_silence_seconds: Seconds = 30.0
    fetch_total_seconds: Seconds = 300.0
    fetch_attempts: Annotated[int, Field(ge=1, le=20)] = 4

    after_release: str = ""
    pages_url: str = ""

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("watch_etfs", "watch_indices", "watch_securities", "watch_concepts", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        """``a, b`` -> ``(a, b)``."""
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value

    @field_validator("requests_per_minute", "base_urls", mode="before")
    @classmethod
    def _paired(cls, value: Any) -> Any:
        """``a=1, b=2`` -> ``{a: 1, b: 2}``."""
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in filter(None, map(str.strip, value.split(",")))]
        wrong = [name for name, equals, _ in pairs if not equals]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no pair: write name=value, with commas between pairs")
        return {name.strip(): given.strip() for name, _, given in pairs}

    @property
    def watched_etfs(self) -> tuple[str, ...]:
        """ETFs that providers are asked about: the watch list, else the note's."""
        return self.watch_etfs or (self.note_etf,)

    @property
    def watched_indices(self) -> tuple[str, ...]:
        """Indices that providers are asked about: the watch list, else the note's and the Hang Seng ones."""
        return self.watch_indices or tuple(dict.fromkeys((self.note_index, *HANG_SENG)))

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that no message, log or receipt may hold."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(value.get_secret_value() for value in values if isinstance(value, SecretStr))

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
    def fetching(self) -> Path:
        """Locks of the fetches under way, and downloads until they are whole."""
        return self.home / ".fetching"

    @property
    def receipts(self) -> Path:
        """Lists that fetches are held against and no raw table takes; the receipts are in the ledger."""
        return self.home / "receipts"

    @property
    def dagster(self) -> Path:
        return self.home / "dagster"
