"""One typed settings object; every environment variable that the project reads stands here.

A setting comes from the environment, else from ``SECTOR_HOME/sector.toml``, else it has the default below. Keys and
addresses of webhooks come from the environment alone: the file is for everybody who may read the home. The folders
under ``SECTOR_HOME`` are named here too, so that no other module joins paths of its own.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from orchestration.paths import PROJECT_ROOT

ETF_CODE = r"^\d{6}\.(SZ|SH)$"
INDEX_CODE = r"^([0-9H]\d{5}\.(CNI|CSI|SH|SZ)|[A-Z][A-Z0-9]*\.HI)$"
SECURITY_CODE = r"^(\d{6}\.(SZ|SH|BJ)|\d{5}\.HK)$"

HANG_SENG = ("HSI.HI", "HSTECH.HI")
"""The two indices whose opening the market note tells of."""

REQUESTS_PER_MINUTE = {"akshare": 10.0, "crunchbase": 120.0, "exchanges": 20.0, "tushare": 60.0}
"""How fast a provider is asked unless SECTOR_REQUESTS_PER_MINUTE says otherwise. akshare reads public pages that ban
addresses which hurry; Tushare allows 50 to 500 a minute, by points; Crunchbase allows 200; the exchanges do not say."""

SETTINGS_FILE = "sector.toml"

ENVIRONMENT_ALONE = {
    "home": "the file lies in it",
    "after_release": "it is a command, and the file lies among data",
    "pages_at": "`sector ui` says it",
}
"""Settings that are no secrets and that the file may not hold, each with the reason."""

TIME = r"^([01]\d|2[0-3]):[0-5]\d$"
"""HH:MM."""
MAIL = r"^[^\s@,<>]+@[^\s@,<>]+$"

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class SettingsFileError(ValueError):
    """``sector.toml`` cannot be used; the message names the file, the key and the cure."""


def read_file(path: Path, settings: type[BaseSettings]) -> dict[str, Any]:
    """What ``sector.toml`` sets, {} where there is none. Values are judged with those of the environment.

    Raises ``SettingsFileError`` for what is no TOML, an unknown name, and a secret.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsFileError(f"{path}: {error}: write name = value, texts in quotation marks") from None
    except OSError as error:
        raise SettingsFileError(f"{path} cannot be read: {error.strerror}: give access to it") from None
    fields = settings.model_fields
    for name in found:
        if name in ENVIRONMENT_ALONE:
            said, variable = ENVIRONMENT_ALONE[name], f"SECTOR_{name.upper()}"
            raise SettingsFileError(f"{path}: {name}: {said}; set {variable} in the environment")
        if name not in fields:
            near = difflib.get_close_matches(name, fields, 1)
            hint = f"did you mean {near[0]}?" if near else "`sector init` writes a file with all names"
            raise SettingsFileError(f"{path}: no setting is called {name}: {hint}")
        if is_secret(name):
            variable = f"SECTOR_{name.upper()}"
            raise SettingsFileError(f"{path}: {name} is a secret: take it out and set {variable} in the environment")
    return found


def is_secret(name: str) -> bool:
    """Whether a setting comes from the environment alone and is shown nowhere."""
    return "SecretStr" in str(Settings.model_fields[name].annotation)


def origin(name: str, home: Path) -> str:
    """Where the value of a setting comes from, in the words of a message."""
    variable = f"SECTOR_{name.upper()}"
    is_in_environment = any(given.upper() == variable for given in os.environ)
    return variable if is_in_environment or not (home / SETTINGS_FILE).exists() else f"{home / SETTINGS_FILE}: {name}"


def _is_address(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("https://", "http://")):
        raise ValueError("write the whole address, https://…")
    return value


SecretUrl = Annotated[SecretStr, AfterValidator(_is_address)]
"""The address of a webhook: whoever knows it can write there, so it is kept like a key."""


class Settings(BaseSettings):
    """Read from the environment (prefix ``SECTOR_``). Values that change figures are part of a release's identity.

    ``refresh_times``: when the schedule ``market_days`` refreshes on sessions, market time. By default Shenzhen's share
    counts of the last session are known (09:15), Hong Kong's bars are final (16:30) and have landed at akshare's pace,
    net asset values are out (22:00).

    Old releases: the newest ``keep_releases`` stay, all of the last ``keep_days`` do, and the last one of every day
    unless ``keep_last_of_day`` is off; the others go after the next publication (``warehouse.releases.retain``), and
    with them what Dagster knows of runs but the newest ``keep_runs``.
    ``after_release``: a command that the sensor of releases calls. ``pages_at``: where `sector ui` serves the pages of
    releases to the links of its assets.
    """

    model_config = SettingsConfigDict(env_prefix="SECTOR_", extra="ignore", frozen=True, hide_input_in_errors=True)

    home: Path = PROJECT_ROOT / "warehouse"
    note_etf: Annotated[str, Field(pattern=ETF_CODE)] = "159567.SZ"
    note_index: Annotated[str, Field(pattern=INDEX_CODE)] = "987018.CNI"
    threads: Annotated[int, Field(ge=1, le=256)] = 2
    memory_limit: Annotated[str, Field(pattern=r"^\d+(MB|GB)$")] = "4GB"
    partial_releases: bool = True

    refresh_times: Annotated[tuple[Annotated[str, Field(pattern=TIME)], ...], Field(min_length=1), NoDecode] = (
        "09:20",
        "16:50",
        "22:30",
    )
    keep_releases: Annotated[int, Field(ge=1)] = 20
    keep_days: Annotated[int, Field(ge=0)] = 30
    keep_last_of_day: bool = True
    keep_runs: Annotated[int, Field(ge=1)] = 100

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
    pages_at: str = ""

    alert_slack_url: SecretUrl | None = None
    alert_feishu_url: SecretUrl | None = None
    alert_feishu_secret: SecretStr | None = None
    alert_dingtalk_url: SecretUrl | None = None
    alert_dingtalk_secret: SecretStr | None = None
    alert_mail_to: Annotated[tuple[Annotated[str, Field(pattern=MAIL)], ...], NoDecode] = ()
    alert_mail_from: Annotated[str, Field(pattern=MAIL)] | None = None
    alert_mail_server: Annotated[str, Field(pattern=r"^[^\s:/]+:\d{1,5}$")] = "localhost:25"
    alert_mail_user: str | None = None
    alert_mail_password: SecretStr | None = None
    alert_mail_security: Literal["starttls", "tls", "none"] = "starttls"
    alert_file: Path | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What a caller gives, the environment, the file of the home that one of these names."""
        given = init_settings().get("home") or env_settings().get("home") or cls.model_fields["home"].default
        in_file = read_file(Path(given).expanduser() / SETTINGS_FILE, settings_cls)
        return init_settings, env_settings, InitSettingsSource(settings_cls, in_file)

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator(
        "refresh_times",
        "watch_etfs",
        "watch_indices",
        "watch_securities",
        "watch_concepts",
        "alert_mail_to",
        mode="before",
    )
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
    def limits(self) -> dict[str, str | int]:
        """What one DuckDB may take, by the names of its own settings."""
        return {"threads": self.threads, "memory_limit": self.memory_limit}

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
