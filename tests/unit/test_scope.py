"""What a build has to make: from what has changed, and from the build that lies there."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from orchestration.scope import (
    CALENDAR,
    DATE,
    MOMENT,
    Standing,
    forget_standing,
    inputs,
    moments_read,
    outdated,
    read_standing,
    write_standing,
)
from orchestration.settings import Settings
from warehouse.build import MARTS_FILE, WORK_FILE

NOON = dt.datetime(2026, 3, 2, 4, 0, tzinfo=dt.UTC)  # at the market
STANDING = Standing("20260302T040000-00000000", NOON, NOON, "code", "settings")


def model(*parents: str, view: bool = False, **meta: str) -> dict[str, object]:
    """A node of a manifest; a parent is a model's name, or ``schema.table`` of a source."""
    unique = [f"source.p.{name}" if "." in name else f"model.p.{name}" for name in parents]
    return {
        "resource_type": "model",
        "depends_on": {"nodes": unique},
        "config": {"materialized": "view" if view else "table", "meta": meta},
    }


MANIFEST = {
    "nodes": {
        f"model.p.{name}": node
        for name, node in {
            "stg_bars": model("raw.bars", "control.build_parameters", view=True),
            "stg_rates": model("raw.rates", "control.build_parameters", view=True),
            "stg_calendar": model("control.trading_calendar", view=True),
            "int_returns": model("stg_bars"),
            "int_sessions": model("stg_bars", "stg_calendar"),
            "int_moment": model("control.build_parameters"),
            "int_month": model("control.build_parameters", reads_as_of="date"),
            "fct_daily": model("int_returns", "stg_rates"),
            "q_desk": model("fct_daily", view=True),
        }.items()
    }
    | {"test.p.something": {"resource_type": "test", "depends_on": {"nodes": ["model.p.fct_daily"]}}}
}


def names(found: frozenset[str]) -> set[str]:
    return {unique_id.rsplit(".", 1)[-1] for unique_id in found}


def test_a_model_is_made_from_tables_through_any_views() -> None:
    made_from = inputs(MANIFEST)
    assert made_from["model.p.int_returns"] == {"bars"}
    assert made_from["model.p.int_sessions"] == {"bars", CALENDAR}
    assert made_from["model.p.fct_daily"] == {"model.p.int_returns", "rates"}
    # staging reads the moment to cut raw rows, and what has become known tells of those
    assert MOMENT not in made_from["model.p.int_returns"]
    assert made_from["model.p.int_moment"] == {MOMENT}
    assert made_from["model.p.int_month"] == {DATE}


def test_what_is_below_a_change_is_outdated_and_nothing_else() -> None:
    made_from = inputs(MANIFEST)
    assert names(outdated(made_from, {"rates"})) == {"stg_rates", "fct_daily", "q_desk"}
    assert names(outdated(made_from, {CALENDAR})) == {"stg_calendar", "int_sessions"}
    assert names(outdated(made_from, {"bars"})) == {"stg_bars", "int_returns", "int_sessions", "fct_daily", "q_desk"}
    assert outdated(made_from, {"visits"}) == frozenset()


def test_the_date_of_a_build_is_that_of_the_market() -> None:
    before_midnight = dt.datetime(2026, 3, 2, 15, 59, tzinfo=dt.UTC)
    assert moments_read(NOON, before_midnight) == {MOMENT: dt.date.min}
    assert moments_read(NOON, before_midnight + dt.timedelta(minutes=1)) == {
        MOMENT: dt.date.min,
        DATE: dt.date(2026, 3, 2),
    }


@pytest.mark.parametrize(
    ("as_of", "code", "settings", "may"),
    [
        (NOON, "code", "settings", True),
        (NOON + dt.timedelta(days=1), "code", "settings", True),
        (NOON - dt.timedelta(seconds=1), "code", "settings", False),
        (NOON, "other code", "settings", False),
        (NOON, "code", "other settings", False),
    ],
)
def test_a_build_is_gone_on_from_forwards_and_by_the_same_rules(
    as_of: dt.datetime, code: str, settings: str, may: bool
) -> None:
    assert STANDING.may_go_on(as_of, code, settings) is may


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home")
    settings.build.mkdir(parents=True)
    for name in (WORK_FILE, MARTS_FILE):
        (settings.build / name).touch()
    return settings


def test_a_standing_build_is_found_again_until_it_is_forgotten(settings: Settings) -> None:
    assert read_standing(settings) is None
    write_standing(settings, STANDING)
    assert read_standing(settings) == STANDING
    forget_standing(settings)
    assert read_standing(settings) is None
    forget_standing(settings)


def test_a_build_without_its_files_or_under_another_path_stands_no_more(settings: Settings, tmp_path: Path) -> None:
    write_standing(settings, STANDING)
    settings.home.rename(tmp_path / "moved")
    assert read_standing(Settings(home=tmp_path / "moved")) is None
    (tmp_path / "moved").rename(settings.home)
    assert read_standing(settings) == STANDING
    (settings.build / MARTS_FILE).unlink()
    assert read_standing(settings) is None
