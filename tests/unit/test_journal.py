"""The journal of a run on the command line: Dagster's own files, which Dagster's own storage reads afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from orchestration.instance import dagster_home, forget_runs
from orchestration.journal import KeptOpenEventLog, open_instance
from orchestration.settings import Settings


@dg.asset
def thing() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"rows": 3})


@dg.asset_check(asset=thing)
def thing_is_right() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def test_dagsters_own_storage_reads_the_run(tmp_path: Path) -> None:
    home = dagster_home(Settings(home=tmp_path))
    with open_instance(home) as instance:
        assert isinstance(instance.event_log_storage, KeptOpenEventLog)
        result = dg.materialize([thing, thing_is_right], instance=instance)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert not isinstance(instance.event_log_storage, KeptOpenEventLog)
        run = instance.get_run_by_id(result.run_id)
        assert run is not None
        assert run.is_success
        told = [
            entry.get_dagster_event().event_type_value
            for entry in instance.all_logs(result.run_id)
            if entry.is_dagster_event
        ]
        assert {"ASSET_MATERIALIZATION", "ASSET_CHECK_EVALUATION", "PIPELINE_SUCCESS"} <= set(told)
        latest = instance.get_latest_materialization_event(thing.key)
        assert latest is not None
        assert latest.run_id == result.run_id


def test_no_event_waits_for_the_disk_and_no_file_stays_open(tmp_path: Path) -> None:
    home = dagster_home(Settings(home=tmp_path))
    with open_instance(home) as instance:
        storage = instance.event_log_storage
        assert isinstance(storage, KeptOpenEventLog)
        with storage.index_connection() as connection:
            assert connection.exec_driver_sql("pragma synchronous").scalar() == 1
        with storage.index_connection() as again:
            assert again is connection
    assert not list((home / "history" / "runs").glob("*-wal"))


@pytest.mark.parametrize("opened", [open_instance, lambda home: dg.DagsterInstance.from_config(str(home))])
def test_old_runs_are_forgotten_with_all_that_they_wrote(tmp_path: Path, opened: Callable) -> None:
    home = dagster_home(Settings(home=tmp_path))
    with opened(home) as instance:
        runs = [dg.materialize([thing, thing_is_right], instance=instance).run_id for _ in range(4)]
        assert forget_runs(instance, 3) == 1
        assert forget_runs(instance, 2) == 1
        assert forget_runs(instance, 2) == 0
    left = {path.stem for path in (home / "history" / "runs").glob("*-*.db")}
    assert left == set(runs[2:])
    assert not [path for path in home.rglob("*") if any(run in path.name for run in runs[:2])]
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert {run.run_id for run in instance.get_runs()} == set(runs[2:])
        assert not instance.all_logs(runs[0])
        latest = instance.get_latest_materialization_event(thing.key)
        assert latest is not None
        assert latest.run_id == runs[3]


@pytest.mark.parametrize("opened", [open_instance, lambda home: dg.DagsterInstance.from_config(str(home))])
def test_checks_of_forgotten_runs_go_but_the_latest_of_each(tmp_path: Path, opened: Callable) -> None:
    """Without this the index of all runs grows by every check of every run, for good."""

    @dg.asset_check(asset=thing)
    def asked_once() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    home = dagster_home(Settings(home=tmp_path))
    with opened(home) as instance:
        first = dg.materialize([thing, thing_is_right, asked_once], instance=instance).run_id
        runs = [dg.materialize([thing, thing_is_right], instance=instance).run_id for _ in range(3)]
        assert forget_runs(instance, 2) == 2
    with sqlite3.connect(home / "history" / "runs" / "index.db") as index:
        left = index.execute("select check_name, run_id from asset_check_executions order by id").fetchall()
    assert left == [("asked_once", first), *(("thing_is_right", run) for run in runs[-2:])]
