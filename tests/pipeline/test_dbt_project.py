"""The dbt project as a whole over raw tables without a row: every model builds, every unit test of a model holds."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.calendars import trading_calendar
from orchestration.contracts import CONTRACTS
from orchestration.paths import DBT_PROJECT
from tests.support.marts import AS_OF
from warehouse.build import MARTS_FILE, BuildParameters, prepare

pytestmark = pytest.mark.pipeline

SPEAK_WITHOUT_DATA = {"dim_date", "dim_index", "dim_sector", "rpt_market_note"}
"""Marts that hold reference lists beside what landed, and the note, which says of every figure that it is missing."""


def test_every_model_builds_on_nothing_and_every_unit_test_holds(tmp_path):
    prepare(tmp_path, CONTRACTS, {}, trading_calendar(), BuildParameters(AS_OF, "159567.SZ", "987018.CNI"))
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("dbt")), "build"),
            *("--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)),
            *("--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")),
        ],
        env={**os.environ, "SECTOR_BUILD_DIR": str(tmp_path), "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " WARN=0 " in done.stdout, "a failed data test is a warning to dbt, so that the models after it are built"
    with duckdb.connect(str(tmp_path / MARTS_FILE), read_only=True) as con:
        marts = [
            name
            for (name,) in con.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        ]
        filled = {name for name in marts if con.execute(f"select exists (from marts.{name})").fetchone() == (True,)}
        views = [
            name
            for (name,) in con.execute("select view_name from duckdb_views() where schema_name = 'desk'").fetchall()
        ]
        answered = {name for name in views if con.execute(f"select exists (from desk.{name})").fetchone() == (True,)}
    assert marts
    assert filled <= SPEAK_WITHOUT_DATA
    assert len(views) == 16, "fifteen questions, visits by sector and by company"
    assert answered == {"q15_claims_and_freshness"}, "it lists what is missing"
