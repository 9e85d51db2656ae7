"""The decision that there is nothing to do (R15), what a run came to, what dbt's results mean."""

import datetime as dt
import json
from types import SimpleNamespace

import pytest

from expectations.gate import CheckResult, report_of
from orchestration import fingerprint, refresh, transform
from orchestration.ingest import BatchReport, TableReport
from orchestration.receipts import FetchedFile, Receipt, Receipts
from orchestration.refresh import Refresh, RefusedError, conclude, last_refusal, nothing_new
from orchestration.settings import Settings
from warehouse.releases import ReleaseRecord

NOW = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
LONG_AGO = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path)


def release(settings, **changes):
    facts = {
        "release_id": "20260301T120000-00000000",
        "built_at": LONG_AGO,
        "as_of": LONG_AGO,
        "code_version": fingerprint.code_version(),
        "settings_fingerprint": fingerprint.settings_fingerprint(settings),
        "input_batch_ids": (),
        "is_sample": False,
        "duckdb_version": "2.0.0",
        "dbt_version": "1.11.16",
    }
    return ReleaseRecord(**{**facts, **changes})


@pytest.fixture
def world(monkeypatch, settings):
    """A current release, nothing unread, nothing known since: each test changes one of these."""
    this = SimpleNamespace(current=release(settings), unread={}, knows=False, asked=[])

    def knows_since(_, ingested_after, as_of_after, as_of_until):
        this.asked.append((ingested_after, as_of_after, as_of_until))
        return iter(["etf_bars"] if this.knows else [])

    monkeypatch.setattr("warehouse.releases.current_release", lambda home: this.current)
    monkeypatch.setattr("orchestration.ingest.unread", lambda settings: this.unread)
    monkeypatch.setattr("orchestration.ingest.Ledger.knows_since", knows_since)
    return this


def test_nothing_new_is_the_current_release(world, settings):
    assert nothing_new(settings, NOW) is world.current
    assert world.asked == [(LONG_AGO, LONG_AGO, NOW)]


def test_the_first_run_always_builds_even_on_nothing(world, settings):
    world.current = None
    assert nothing_new(settings, NOW) is None


def test_a_current_release_that_is_gone_is_built_anew(settings):
    settings.releases.mkdir()
    settings.current.symlink_to("releases/20260301T120000-00000000")
    assert refresh.current_or_lost(settings) is None
    assert nothing_new(settings, NOW) is None


def test_old_releases_that_cannot_be_removed_fail_no_run(settings, monkeypatch):
    def broken(*_):
        raise PermissionError(13, "Permission denied", "/data")

    monkeypatch.setattr("warehouse.releases.retain", broken)
    said = []
    Refresh(settings, progress=said.append, began=NOW)._retain(set())
    [line] = said
    assert line.startswith("warning: old releases could not be removed: /data is not writable for you")


def test_results_of_no_dbt_are_no_build(settings):
    """A run that was killed before dbt ended leaves build files that nobody may publish."""
    with pytest.raises(RefusedError, match="whole job"):
        Refresh(settings, began=NOW).built(None)


def test_an_unread_file_is_news(world, settings):
    world.unread = {"etf_bars": ["a file"]}
    assert nothing_new(settings, NOW) is None


def test_a_row_that_became_known_is_news(world, settings):
    world.knows = True
    assert nothing_new(settings, NOW) is None


def test_changed_code_is_news(world, settings):
    world.current = release(settings, code_version="another")
    assert nothing_new(settings, NOW) is None


def test_changed_settings_are_news_if_they_colour_figures(world, settings):
    other = Settings(home=settings.home, note_etf="510300.SH")
    assert nothing_new(other, NOW) is None
    faster = Settings(home=settings.home, threads=8, memory_limit="8GB")
    assert nothing_new(faster, NOW) is world.current


def test_a_moment_that_was_asked_for_is_always_built(world, settings):
    assert not Refresh(settings, began=NOW).has_news()
    assert Refresh(settings, as_of=LONG_AGO, began=NOW).has_news()
    assert Refresh(settings, force=True, began=NOW).has_news()


def test_the_code_version_changes_with_a_model_and_not_with_data(tmp_path, monkeypatch):
    project = tmp_path / "project"
    for name in ("orchestration/a.py", "expectations/b.py", "warehouse/c.py", "dbt_project/models/d.sql"):
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    monkeypatch.setattr(fingerprint, "PROJECT_ROOT", project)
    monkeypatch.setattr(
        fingerprint, "CODE_FOLDERS", tuple(project / n for n in ("orchestration", "expectations", "dbt_project"))
    )
    before = fingerprint.code_version()
    for name in (
        "warehouse/landing/etf_bars/x.csv",
        "dbt_project/target/manifest.json",
        "orchestration/__pycache__/a.py",
    ):
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("data")
    assert fingerprint.code_version() == before
    (project / "dbt_project/models/d.sql").write_text("select 2")
    assert fingerprint.code_version() != before


def failing(severity):
    return CheckResult("flow_sums", "marts.fct_etf_daily", severity, "etf", "because", False, "3", "0", 3, [])


def gated(settings, monkeypatch, *checks):
    monkeypatch.setattr("expectations.gate.run_gate", lambda build, **_: report_of(checks))
    run = Refresh(settings, began=NOW)
    run.audit()
    return run


def test_a_refused_run_ends_with_1_and_is_remembered_until_a_build_passes(settings, monkeypatch):
    run = gated(settings, monkeypatch, failing("critical"), failing("warning"))
    with pytest.raises(RefusedError):
        run.publish()
    outcome, code = conclude(run, succeeded=False)
    assert code == 1
    assert [check["check_name"] for check in outcome.as_json()["checks_failed"]] == ["flow_sums"]
    assert outcome.warnings == 1
    assert "flow_sums" in outcome.message
    assert not outcome.published
    assert last_refusal(settings)["checks"][0]["mart"] == "marts.fct_etf_daily"


def test_a_warning_refuses_nothing(settings, monkeypatch):
    run = gated(settings, monkeypatch, failing("warning"))
    assert run.refusals == []
    assert last_refusal(settings) is None


def test_what_was_silent_by_the_moment_of_the_build_is_a_warning_of_the_release(settings, monkeypatch):
    settings.home.mkdir(parents=True, exist_ok=True)
    receipts = Receipts(settings.ledger)
    began, day = NOW - dt.timedelta(hours=1), NOW.date() - dt.timedelta(days=7)
    lost = FetchedFile("etf_bars", "", False, "", 0, 9, "bars", total=10)
    receipts.begin(Receipt("1", "tushare", "fund_daily", began, None, {}, day, day, "1", "running"))
    receipts.add("1", 1, lost, None)
    receipts.end("1", began, "delivered", None, None)
    [warning] = gated(settings, monkeypatch).report.warnings
    assert (warning.check_name, warning.mart) == ("delivery_pages", "raw.etf_bars")
    assert "9 of 10 records" in warning.reason
    monkeypatch.setattr("expectations.gate.run_gate", lambda build, **_: report_of([]))
    earlier = Refresh(settings, as_of=NOW - dt.timedelta(hours=2), began=NOW)
    assert earlier.audit().warnings == []


def dbt_results(settings, *rows):
    folder = transform.target_folder(settings)
    folder.mkdir(parents=True)
    results = [{"unique_id": i, "status": s, "message": m, "failures": f} for i, s, m, f in rows]
    (folder / "run_results.json").write_text(json.dumps({"results": results}))


def test_a_broken_model_is_no_refusal(settings):
    dbt_results(settings, ("model.sector_warehouse.fct_etf_daily", "error", "Binder Error: no column\n  x", None))
    run = Refresh(settings, began=NOW)
    with pytest.raises(transform.DbtError, match="fct_etf_daily: Binder Error: no column x"):
        run.built(None)
    outcome, code = conclude(run, succeeded=False)
    assert code == 2
    assert "fct_etf_daily" in outcome.message
    assert outcome.checks_failed == []


def test_a_failed_data_test_refuses_like_the_gate(settings, monkeypatch):
    """dbt is told to call it a warning, or it would skip the models after it; to a release it is critical."""
    test = "test.sector_warehouse.unique_grain_fct_etf_daily.abc"
    model = "model.sector_warehouse.fct_etf_daily"
    dbt_results(settings, (model, "success", "OK", None), (test, "warn", "Got 2 results", 2))
    nodes = {
        model: {
            "resource_type": "model",
            "name": "fct_etf_daily",
            "schema": "marts",
            "fqn": ["p", "marts", "etf", "fct_etf_daily"],
        },
        test: {"resource_type": "test", "attached_node": model},
    }
    (transform.target_folder(settings) / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    monkeypatch.setattr("expectations.gate.run_gate", lambda build, **_: report_of([]))
    run = Refresh(settings, began=NOW)
    run.built(None)
    with pytest.raises(RefusedError, match="unique_grain_fct_etf_daily"):
        run.publish()
    outcome, code = conclude(run, succeeded=False)
    assert code == 1
    [check] = outcome.checks_failed
    assert (check["mart"], check["owner"], check["unexpected_rows"]) == ("marts.fct_etf_daily", "etf", 2)
    assert "nothing is carried over: no release is current yet" in outcome.message


def test_dbt_that_dies_without_results_is_broken_not_passed(settings):
    run = Refresh(settings, began=NOW)
    with pytest.raises(transform.DbtError, match="ended early"):
        run.built(RuntimeError("killed"))


def test_a_failed_stage_is_named(settings, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("orchestration.ingest.ingest_table", full)
    run = Refresh(settings, began=NOW)
    with pytest.raises(OSError, match="No space"):
        run.ingest("etf_bars")
    outcome, code = conclude(run, succeeded=False)
    assert code == 2
    assert "landing/etf_bars" in outcome.message
    assert "disk is full" in outcome.message


def test_progress_tells_counts_and_names_refused_files(settings, monkeypatch):
    batch = BatchReport("b", "etf_bars", "etf_bars/x.csv", "0" * 64, None, 0, 0, 0, 0, NOW, refused_whole="no header")
    good = BatchReport("c", "etf_bars", "etf_bars/y.csv", "1" * 64, "canonical", 10, 7, 1, 2, NOW)
    monkeypatch.setattr("orchestration.ingest.ingest_table", lambda *_: TableReport("etf_bars", [batch, good]))
    said = []
    Refresh(settings, progress=said.append, began=NOW).ingest("etf_bars")
    assert said == [
        "etf_bars: 2 files, 7 rows accepted, 2 repeated, 1 refused",
        "  refused etf_bars/x.csv: no header",
    ]


def test_a_build_that_nobody_prepared_is_not_published(settings):
    with pytest.raises(RefusedError, match="whole job"):
        refresh.prepared(settings)


def test_results_of_the_outcome_are_plain_json(settings):
    batch = BatchReport("c", "etf_bars", "etf_bars/y.csv", "1" * 64, "canonical", 10, 7, 1, 2, NOW)
    outcome = refresh.unchanged(settings, release(settings), refresh.batch_rows([TableReport("etf_bars", [batch])]))
    document = json.loads(json.dumps(outcome.as_json(), default=str))
    assert set(document) >= {"release_id", "as_of", "published", "path", "batches", "checks_failed"}
    assert document["published"] is False
    assert document["batches"][0]["rows_quarantined"] == 1
    assert document["path"].endswith("releases/20260301T120000-00000000/sector.duckdb")
