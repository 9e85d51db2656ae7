"""The Dagster layer: what is there, what waits for what, what blocks what. No dbt call, no gate: their places are
taken by a mart of one line and a report made by hand."""

import datetime as dt
import json
import os
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import dagster as dg
import pytest

from expectations.gate import CheckResult, report_of
from expectations.suites import SUITES
from orchestration import schedules
from orchestration.assets.build import BATCHES, CALENDAR, PARAMETERS, build_inputs
from orchestration.assets.raw import accounting, raw_assets, raw_key
from orchestration.assets.release import NOTE, RELEASE, release_assets
from orchestration.checks import PAST, REST, gate_checks, result_of
from orchestration.contracts import CONTRACTS
from orchestration.ingest import TableReport
from orchestration.jobs import REFRESH, refresh_job
from orchestration.locking import BusyError
from orchestration.partitions import MARKET_TABLES
from orchestration.paths import PROJECT_ROOT
from orchestration.providers import PROVIDERS, datasets
from orchestration.refresh import RefusedError
from orchestration.resources import refresh_resource
from orchestration.settings import Settings

FLOW = dg.AssetKey(["marts", "fct_etf_daily"])


def check(passed, severity="critical", mart="marts.fct_etf_daily", name="grain_unique"):
    return CheckResult(
        name, mart, severity, "etf", "because", passed, "3", "0", 3, [{"etf_code": "159567.SZ"}], value=3.0
    )


def whole_suite(*given):
    """A result for every check of the mart's suite: those given, passed ones in the others' place."""
    [suite] = [suite for suite in SUITES if suite.table == "marts.fct_etf_daily"]
    named = {result.check_name for result in given if result.mart == suite.table}
    return [*given, *(check(True, name=declared.name) for declared in suite.checks if declared.name not in named)]


class FakeRefresh:
    """Answers like a ``Refresh`` and writes down what was asked of it."""

    def __init__(self, news=True, checks=()):
        self.asked, self.news, self.report = [], news, report_of(whole_suite(*checks))
        self.as_of, self.make_current = dt.datetime(2025, 4, 24, 2, 30, tzinfo=dt.UTC), True
        self.began = self.as_of
        self.settings = SimpleNamespace(releases=PROJECT_ROOT)

    def ingest(self, table):
        self.asked.append(table)
        return TableReport(table)

    def ingest_strays(self):
        return TableReport("_unknown")

    def has_news(self):
        return self.news

    def prepare(self):
        self.asked.append("prepare")
        return 3, 1

    def audit(self):
        if "audit" not in self.asked:
            self.asked.append("audit")
        return self.report

    def publish(self):
        if not self.report.passed:
            raise RefusedError("refused")
        self.asked.append("publish")
        return SimpleNamespace(release_id="20260101T000000-00000000", as_of=self.as_of, carried_over=())

    def row_counts(self):
        return [("fct_etf_daily", 12)]

    def note(self):
        return "159567.SZ +3.72%"


def run_job(fake):
    @dg.asset(key=FLOW, deps=[PARAMETERS, raw_key("etf_shares")])
    def mart():
        fake.asked.append("dbt")

    settings = Settings(home=PROJECT_ROOT / "nowhere")
    definitions = dg.Definitions(
        assets=[*raw_assets(settings), build_inputs, mart, *release_assets([FLOW], settings)],
        asset_checks=[gate_checks([FLOW], BATCHES)],
        jobs=[refresh_job()],
        resources={"refresh": dg.ResourceDefinition.hardcoded_resource(fake)},
    )
    fake.instance = dg.DagsterInstance.ephemeral()
    return definitions.resolve_job_def(REFRESH).execute_in_process(raise_on_error=False, instance=fake.instance)


def run_tags(fake):
    [run] = fake.instance.get_runs()
    return run.tags


def made(result):
    return {event.asset_key for event in result.get_asset_materialization_events()}


def test_a_run_goes_from_every_raw_table_to_the_note():
    fake = FakeRefresh(checks=[check(True)])
    result = run_job(fake)
    assert result.success
    assert set(fake.asked[: len(CONTRACTS)]) == set(CONTRACTS)
    assert fake.asked[len(CONTRACTS) :] == ["prepare", "dbt", "audit", "publish"]
    assert {raw_key(table) for table in CONTRACTS} | {PARAMETERS, CALENDAR, BATCHES, FLOW, RELEASE, NOTE} <= made(
        result
    )


def test_without_news_everything_after_raw_is_skipped_and_the_run_succeeds():
    fake = FakeRefresh(news=False)
    result = run_job(fake)
    assert result.success
    assert not {"prepare", "dbt", "audit", "publish"} & set(fake.asked)
    assert raw_key("etf_bars") in made(result)
    assert RELEASE not in made(result)
    assert not any(name.startswith("sector/outcome") for name in run_tags(fake))


def test_a_refusing_check_blocks_the_release_and_fails_the_run():
    fake = FakeRefresh(checks=[check(False)])
    result = run_job(fake)
    assert not result.success
    assert "publish" not in fake.asked
    assert FLOW in made(result), "the build stays, to be looked at"
    assert RELEASE not in made(result)
    assert run_tags(fake)["sector/outcome"] == "refused"
    [failed] = [event for event in result.all_events if event.is_step_failure]
    assert failed.event_specific_data.user_failure_data.description == "refused", "the reason, and no trace of ours"


def test_a_release_tells_its_figures_to_be_drawn_and_marks_its_run():
    fake = FakeRefresh(checks=[check(True), check(False, "warning", name="rows_not_lost")])
    result = run_job(fake)
    [release] = result.asset_materializations_for_node("release")
    figures = {name: value.value for name, value in release.metadata.items() if isinstance(value.value, (int, float))}
    assert figures["rows"] == 12
    assert (figures["warnings"], figures["families_carried_over"]) == (1, 0)
    assert {"checks", "seconds_since_the_run_began"} <= set(figures)
    tags = run_tags(fake)
    assert (tags["sector/outcome"], tags["sector/release"]) == ("published", "20260101T000000-00000000")
    [rows] = [event.asset_observation_data.asset_observation for event in result.get_asset_observation_events()]
    assert (rows.asset_key, rows.metadata["dagster/row_count"].value) == (FLOW, 12)


def test_a_refusing_check_that_names_no_mart_blocks_as_well():
    fake = FakeRefresh(checks=[check(True), check(False, mart="meta.batches")])
    assert not run_job(fake).success
    assert "publish" not in fake.asked


def test_a_check_that_was_set_aside_is_red_and_the_release_is_out():
    refused, carried = replace(check(False), set_aside=True), check(True)
    result = run_job(FakeRefresh(checks=[refused, carried]))
    assert result.success
    assert RELEASE in made(result)
    [shown] = [e for e in result.get_asset_check_evaluations() if e.check_name == "grain_unique"]
    assert (shown.passed, shown.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "REFUSED, carried over" in shown.metadata["results"].value


def test_a_warning_is_shown_and_blocks_nothing():
    fake = FakeRefresh(checks=[check(False, "warning")])
    result = run_job(fake)
    assert result.success
    assert "publish" in fake.asked
    shown = {(e.asset_key, e.passed, e.severity) for e in result.get_asset_check_evaluations()}
    assert (FLOW, False, dg.AssetCheckSeverity.WARN) in shown


def test_each_check_of_a_suite_is_an_asset_check_and_the_rest_has_its_place():
    past = check(False, "warning", name="rows_not_lost")
    audit = check(False, "warning", "intermediate.int_audit_etf_flows", "undeclared_split")
    result = run_job(FakeRefresh(checks=[past, audit]))
    shown = {(e.asset_key, e.check_name): e for e in result.get_asset_check_evaluations()}
    [suite] = [suite for suite in SUITES if suite.table == "marts.fct_etf_daily"]
    assert set(shown) == {(FLOW, name) for name in [*(c.name for c in suite.checks), PAST]} | {(BATCHES, REST)}
    assert {place for place, evaluation in shown.items() if not evaluation.passed} == {(FLOW, PAST), (BATCHES, REST)}
    assert shown[FLOW, "ohlc_order"].metadata["observed"].value == "3"


def test_a_declared_check_that_did_not_run_fails_the_run():
    fake = FakeRefresh()
    fake.report = report_of(fake.report.checks[1:])
    assert not run_job(fake).success


def test_a_verdict_names_figure_limit_and_rows():
    verdict = result_of(FLOW, "grain_unique", [check(False)])
    assert verdict.severity is dg.AssetCheckSeverity.ERROR
    assert [verdict.metadata[name].value for name in ("observed", "allowed", "value")] == ["3", "0", 3.0]
    assert "159567.SZ" in verdict.metadata["sample"].value
    several = result_of(FLOW, PAST, [check(True), check(False)])
    text = several.metadata["results"].value
    assert text.splitlines()[2].startswith("| grain_unique | REFUSED | 3 | 0 | 3 |")


def test_raw_assets_tell_key_grain_and_columns():
    assets = {asset.key: asset for asset in raw_assets(Settings(home=PROJECT_ROOT / "nowhere"))}
    bars = assets[raw_key("etf_bars")]
    metadata = bars.metadata_by_key[raw_key("etf_bars")]
    assert metadata["key"] == "etf_code, trade_date"
    names = [column.name for column in metadata["dagster/column_schema"].columns]
    assert names == CONTRACTS["etf_bars"].arrow_schema().names
    assert set(accounting(TableReport("etf_bars"))) >= {"rows_landed", "rows_accepted", "rows_quarantined"}


@pytest.mark.parametrize(
    ("date", "is_session"),
    [
        (dt.date(2025, 4, 24), True),
        (dt.date(2025, 4, 26), False),
        (dt.date(2025, 4, 18), True),
        (dt.date(2025, 10, 1), False),
        (dt.date(2025, 10, 2), True),
    ],
    ids=["session", "Saturday", "Shenzhen open, Hong Kong closed", "both closed", "Hong Kong open, Shenzhen closed"],
)
def test_the_schedule_skips_days_on_which_nothing_happens(date, is_session):
    reason = schedules.reason_to_skip(date)
    assert (reason is None) == is_session
    assert is_session or date.isoformat() in reason


def test_the_schedule_says_why_it_skips():
    schedule = schedules.market_schedule(refresh_job(), ("09:05", "16:50"))
    assert schedule.cron_schedule == ["5 9 * * *", "50 16 * * *"]
    saturday = dg.build_schedule_context(scheduled_execution_time=dt.datetime(2025, 4, 26, 8, 40, tzinfo=dt.UTC))
    assert "no session" in schedule.evaluate_tick(saturday).skip_message
    thursday = dg.build_schedule_context(scheduled_execution_time=dt.datetime(2025, 4, 24, 8, 40, tzinfo=dt.UTC))
    assert len(schedule.evaluate_tick(thursday).run_requests) == 1
    assert schedule.execution_timezone == "Asia/Shanghai"


def test_a_run_of_the_ui_beside_another_run_fails_and_says_who_is_first(home, monkeypatch):
    @dg.op(required_resource_keys={"refresh"})
    def look(context):
        return context.resources.refresh.as_of

    @dg.job(resource_defs={"refresh": refresh_resource(home.settings)})
    def alone():
        look()

    def taken(path):
        raise BusyError("another run is in progress (process 42)")

    assert alone.execute_in_process(raise_on_error=False).success
    monkeypatch.setattr("orchestration.resources.run_lock", taken)
    result = alone.execute_in_process(raise_on_error=False)
    assert not result.success
    assert any("process 42" in str(event.event_specific_data) for event in result.all_events)


def test_the_run_of_the_ui_takes_a_moment_from_its_configuration(home):
    seen = []

    @dg.op(required_resource_keys={"refresh"})
    def look(context):
        seen.append((context.resources.refresh.as_of.isoformat(), context.resources.refresh.make_current))

    @dg.job(resource_defs={"refresh": refresh_resource(home.settings)})
    def alone():
        look()

    for config in ({"as_of": "2025-04-24"}, {"as_of": "2025-04-24 10:30", "make_current": True}):
        assert alone.execute_in_process(run_config={"resources": {"refresh": {"config": config}}}).success
    assert seen == [("2025-04-24T23:59:59.999999+08:00", False), ("2025-04-24T10:30:00+08:00", True)]


@pytest.fixture(scope="module")
def location(tmp_path_factory):
    """The real code location on an empty SECTOR_HOME, loaded in a process of its own."""
    home = tmp_path_factory.mktemp("home")
    script = """
import json, sys
from orchestration.definitions import build_defs
defs = build_defs()
graph = defs.resolve_asset_graph()
job = defs.resolve_job_def("refresh")
key = lambda k: "/".join(k.path)
print(json.dumps({
    "parents": {key(k): sorted(key(p) for p in graph.get(k).parent_keys) for k in graph.get_all_asset_keys()},
    "groups": {key(k): graph.get(k).group_name for k in graph.materializable_asset_keys},
    "described": [key(k) for k in graph.materializable_asset_keys if graph.get(k).description],
    "owners": {key(k): list(graph.get(k).owners) for k in graph.materializable_asset_keys},
    "links": {key(k): graph.get(k).metadata.get("docs") and graph.get(k).metadata["docs"].value
              for k in graph.materializable_asset_keys},
    "partitioned": {key(k): graph.get(k).partitions_def.get_partition_keys()[:4]
                    for k in graph.materializable_asset_keys if graph.get(k).partitions_def},
    "single": [key(k) for k in graph.materializable_asset_keys
               if graph.get(k).backfill_policy and graph.get(k).backfill_policy.max_partitions_per_run is None],
    "refreshed": sorted({key(k) for k in job.asset_layer.executable_asset_keys}),
    "refreshed_checks": sorted({f"{key(c.asset_key)} {c.name}" for c in job.asset_layer.asset_graph.asset_check_keys}),
    "loaded": sorted(name for name in ("great_expectations", "pandas", "exchange_calendars") if name in sys.modules),
    "executor": job.executor_def.name,
    "gate": sorted({key(c.asset_key) for c in graph.asset_check_keys if c.name in ("gate", "grain_unique")}),
    "schedules": [s.name for s in defs.schedules], "sensors": [s.name for s in defs.sensors],
}))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT), "SECTOR_HOME": str(home), "DO_NOT_TRACK": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_every_model_hangs_on_the_raw_assets_and_the_release_on_every_mart(location):
    parents = location["parents"]
    marts = {key for key in parents if key.startswith("marts/")}
    assert marts <= set(parents["release"])
    assert set(location["gate"]) == {*marts, "meta/batches"}
    for table in CONTRACTS:
        assert f"raw/{table}" in parents["control/build_parameters"]
    assert "raw/etf_bars" in parents["staging/stg_etf_bars"]
    assert parents["market_note"] == ["release"]


def test_every_asset_is_described_and_grouped(location):
    undescribed = set(location["groups"]) - set(location["described"])
    assert not undescribed
    assert set(location["groups"].values()) == {
        "raw", "sessions", "control", "staging", "intermediate", "reference", "marts", "desk", "release",
        *(f"fetch_{provider}" for provider in PROVIDERS),
    }  # fmt: skip


def test_one_process_runs_all_steps(location):
    """The multiprocess executor starts an interpreter per step: seconds each, and the run lock would be taken twice."""
    assert location["executor"] == "in_process"
    fetching = {f"fetch_{dataset.provider}_{time}" for dataset in datasets() for time in dataset.times}
    assert {name.rsplit("_", 1)[0] for name in fetching} >= {f"fetch_{provider}" for provider in ("tushare", "akshare")}
    assert set(location["schedules"]) == {"market_days", *fetching}
    assert location["sensors"] == ["new_files", "new_release", "late_families", "sessions_read"]


def test_every_asset_has_the_team_of_a_family_and_models_their_page(location):
    families = {"etf", "index", "concept", "visits", "funding", "sector", "note", "security", "core", "release"}
    assert all(len(owners) == 1 for owners in location["owners"].values())
    assert {owner for owners in location["owners"].values() for owner in owners} == {f"team:{f}" for f in families}
    assert location["owners"]["marts/fct_etf_daily"] == location["owners"]["raw/etf_nav"] == ["team:etf"]
    built = [key for key in location["links"] if key.split("/")[0] in ("staging", "intermediate", "marts", "desk")]
    assert all(location["links"][key].endswith("docs.html") for key in built)


def test_sessions_are_partitions_of_their_own_assets_and_no_part_of_the_refresh(location):
    assert set(location["partitioned"]) == {f"sessions/{table}" for table in MARKET_TABLES} == set(location["single"])
    assert location["partitioned"]["sessions/etf_bars"] == ["2014-11-17", "2014-11-18", "2014-11-19", "2014-11-20"]
    assert not any(key.startswith(("sessions/", "fetch/")) for key in location["refreshed"])
    assert "raw/etf_bars" in location["refreshed"]
    assert "marts/fct_etf_daily grain_unique" in location["refreshed_checks"]
    assert "marts/fct_etf_daily in_time" not in location["refreshed_checks"], "a refused run would leave it broken"
