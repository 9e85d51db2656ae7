"""Datasets as Dagster assets: materialised in process against a provider on loopback."""

from __future__ import annotations

import datetime as dt

import dagster as dg
import pytest

from orchestration import silence
from orchestration.assets.fetch import fetch_asset, fetch_group, fetch_key, fetched_tables
from orchestration.assets.raw import landing_key, raw_assets, raw_key
from orchestration.jobs import fetch_jobs, refresh_job, timed_fetch_jobs
from orchestration.moments import MARKET_ZONE
from orchestration.providers import datasets
from orchestration.providers.akshare import clock
from orchestration.providers.delivery import Dataset
from orchestration.providers.transport import Limits, Transport
from orchestration.receipts import Receipts
from orchestration.schedules import FETCH_TIMES, fetch_schedule
from tests.support.fake_provider import Clock, FakeProvider, serving
from tests.support.recorded import akshare, exchanges, tushare
from tests.support.warehouse_home import Home

KEY = "planted-token-0123456789"
BY_KEY = {dataset.key: dataset for dataset in datasets()}
SHARES = BY_KEY["exchanges.sse_daily_shares"]
BARS = BY_KEY["tushare.fund_daily"]
DAY = {"since": "2025-04-24", "until": "2025-04-24"}
SPAN = {"since": "2025-06-16", "until": "2025-06-18", "etfs": ["510330.SH"]}


@pytest.fixture
def server(fake_provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> FakeProvider:
    monkeypatch.setenv("SECTOR_TUSHARE_TOKEN", KEY)
    exchanges.serve(fake_provider)
    tushare.serve(fake_provider)
    return fake_provider


def materialize(home: Home, server: FakeProvider, dataset: Dataset, config: dict) -> dg.ExecuteInProcessResult:
    hands = Clock()
    addresses = {**exchanges.addresses(server), tushare.HOST: f"{server.url}/tushare"}
    transport = Transport(addresses, Limits(attempts=2), clock=hands, sleep=hands.sleep)
    asset = fetch_asset(dataset, home.settings, retries=dg.RetryPolicy(max_retries=1, delay=0))
    return dg.materialize(
        [asset],
        resources={"transport": dg.ResourceDefinition.hardcoded_resource(transport)},
        run_config={"ops": {f"fetch_{dataset.provider}_{dataset.name}": {"config": config}}},
        raise_on_error=False,
        instance=dg.DagsterInstance.ephemeral(),
    )


def checks(result: dg.ExecuteInProcessResult) -> dict[str, tuple[bool, dg.AssetCheckSeverity]]:
    return {check.check_name: (check.passed, check.severity) for check in result.get_asset_check_evaluations()}


def failures(result: dg.ExecuteInProcessResult) -> str:
    return "\n".join(str(event.event_specific_data) for event in result.all_events if event.is_failure)


def test_a_dataset_is_fetched_with_its_receipt_as_metadata(home: Home, server: FakeProvider) -> None:
    result = materialize(home, server, SHARES, DAY)

    assert result.success
    [event] = result.asset_materializations_for_node("fetch_exchanges_sse_daily_shares")
    shown = {name: value.value for name, value in event.metadata.items()}
    assert (shown["outcome"], shown["rows"], shown["pages"], shown["new_files"]) == ("delivered", 3, 1, 1)
    assert shown["asked"]["since"] == "2025-04-24"
    assert "etf_shares/exchanges/sse_daily_shares/20250424.json" in shown["files"]
    assert "TOT_VOL" in shown["beginning"]


def test_a_check_without_history_gives_no_verdict_and_says_so(home: Home, server: FakeProvider) -> None:
    result = materialize(home, server, SHARES, DAY)
    assert set(checks(result)) == {"empty_on_session", "pages"}, "nothing is called passed that was not judged"
    [event] = result.asset_materializations_for_node("fetch_exchanges_sse_daily_shares")
    assert "row_count: unjudged: no verdict yet" in event.metadata["checks"].value


def test_lost_pages_are_an_error_that_blocks_nothing(home: Home, server: FakeProvider) -> None:
    exchanges.serve(server, sse_page=2)
    server.fault("/sse/commonQuery.do", "page_loss")
    result = materialize(home, server, SHARES, DAY)
    assert result.success
    assert checks(result)["pages"] == (False, dg.AssetCheckSeverity.ERROR)


def test_an_empty_answer_on_a_session_is_a_warning(home: Home, server: FakeProvider) -> None:
    server.fault("/sse/commonQuery.do", "throttled_empty")
    result = materialize(home, server, SHARES, DAY)
    assert result.success
    assert checks(result)["empty_on_session"] == (False, dg.AssetCheckSeverity.WARN)


def test_a_new_column_and_a_column_gone_are_said(home: Home, server: FakeProvider) -> None:
    materialize(home, server, SHARES, DAY)
    server.fault("/sse/commonQuery.do", "column_added")
    assert checks(materialize(home, server, SHARES, DAY))["columns"] == (False, dg.AssetCheckSeverity.WARN)
    server.heal()
    server.fault("/sse/commonQuery.do", "column_gone", column="ETF_TYPE")
    assert checks(materialize(home, server, SHARES, DAY))["columns"] == (False, dg.AssetCheckSeverity.ERROR)


def test_a_refusal_fails_the_asset_once_with_its_words(home: Home, server: FakeProvider) -> None:
    server.route("/tushare", tushare.refusing(2002, "抱歉，您没有接口访问权限"))
    result = materialize(home, server, BARS, SPAN)
    assert not result.success
    assert "没有接口访问权限" in failures(result)
    assert len(server.asked) == 1, "asking again does not help"


def test_a_provider_that_is_down_is_asked_again_by_dagster(home: Home, server: FakeProvider) -> None:
    server.fault("/tushare", "server_error", times=2)
    result = materialize(home, server, BARS, SPAN)
    assert result.success
    outcomes = [receipt.outcome for receipt in Receipts(home.settings.ledger).of("tushare", "fund_daily", 5)]
    assert outcomes == ["delivered", "failed"]


def test_without_a_token_the_asset_fails_with_what_to_do(
    home: Home, server: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECTOR_TUSHARE_TOKEN")
    result = materialize(home, server, BARS, SPAN)
    assert not result.success
    assert "set SECTOR_TUSHARE_TOKEN" in failures(result)
    assert server.asked == []


def test_a_planted_token_is_in_no_event(home: Home, server: FakeProvider, capfd: pytest.CaptureFixture[str]) -> None:
    results = [materialize(home, server, BARS, SPAN)]
    server.route("/tushare", tushare.refusing(40101, f"您的token不对，请确认。{KEY}"))
    results.append(materialize(home, server, BARS, SPAN))
    said = "\n".join(str(event) for result in results for event in result.all_events)
    captured = capfd.readouterr()
    assert "您的token不对" in said
    assert KEY not in said + captured.out + captured.err
    assert server.asked[0].json["token"] == KEY


# -------------------------------------------------------- what belongs where


def test_every_dataset_has_a_job_but_those_on_demand_and_none_is_part_of_the_refresh(home: Home) -> None:
    everything = datasets()
    assets = [
        *(fetch_asset(dataset, home.settings) for dataset in everything),
        *raw_assets(home.settings, fetched_tables()),
    ]
    timed = timed_fetch_jobs(everything)
    jobs = [refresh_job(), *fetch_jobs(everything), *(job for job, _ in timed)]
    nothing = dg.ResourceDefinition.none_resource()
    definitions = dg.Definitions(assets=assets, jobs=jobs, resources={"refresh": nothing, "transport": nothing})

    refreshed = definitions.resolve_job_def("refresh").asset_layer.executable_asset_keys
    assert raw_key("etf_bars") in refreshed
    assert not any(key.path[0] == "fetch" for key in refreshed)
    for provider in {dataset.provider for dataset in everything}:
        asked = definitions.resolve_job_def(fetch_group(provider)).asset_layer.executable_asset_keys
        assert asked == {fetch_key(d) for d in everything if d.provider == provider and d.scheduled}
    by_time = {
        (job.name, key)
        for job, _ in timed
        for key in definitions.resolve_job_def(job.name).asset_layer.executable_asset_keys
    }
    assert by_time == {(f"{fetch_group(d.provider)}_{time}", fetch_key(d)) for d in everything for time in d.times}
    graph = definitions.resolve_asset_graph()
    assert graph.get(raw_key("etf_bars")).parent_keys == {landing_key("etf_bars")}
    assert fetch_key(BARS) in graph.get(landing_key("etf_bars")).parent_keys, "raw tables show where they come from"
    assert not graph.get(landing_key("etf_bars")).is_executable, "and wait for nobody"


def test_datasets_are_described_and_named_once(home: Home) -> None:
    everything = datasets()
    assert len({dataset.key for dataset in everything}) == len(everything)
    tables = {raw_key(table) for table in fetched_tables()}
    assert tables <= {asset.key for asset in raw_assets(home.settings)}
    assert all(dataset.description and dataset.client_version() for dataset in everything)
    assert set(silence.DESCRIPTIONS) == set(silence.CHECKS)


@pytest.mark.parametrize(
    ("day", "asks"),
    [
        ("2025-04-26", {"daily", "weekly"}),
        ("2025-04-24", {*FETCH_TIMES}),
        ("2025-04-18", {"daily", "weekly", "before_open", "after_close", "evening"}),
        ("2025-10-02", {"daily", "weekly", "after_hk_close", "evening"}),
    ],
    ids=["Saturday", "session", "Hong Kong closed", "Shenzhen closed"],
)
def test_schedules_are_off_and_follow_the_sessions_of_their_market(day: str, asks: set[str]) -> None:
    moment = dt.datetime.fromisoformat(f"{day}T06:00:00+00:00")
    timed = timed_fetch_jobs(datasets())
    assert {time for _, time in timed} == {*FETCH_TIMES}
    for job, time in timed:
        schedule = fetch_schedule(job, time)
        assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
        assert schedule.execution_timezone == "Asia/Shanghai"
        tick = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=moment))
        assert bool(tick.run_requests) == (time in asks), job.name


def test_market_data_is_asked_for_when_it_is_final_and_slow_lists_once_a_day() -> None:
    """Final: Shenzhen's bars at 15:30, Hong Kong's at 16:30, Shenzhen's share counts at 09:15."""
    minutes = {}
    for time, when in FETCH_TIMES.items():
        minute, hour, *_ = map(int, when.cron.replace("*", "0").split())
        minutes[time] = hour * 60 + minute
    final = {"etf_bars": 15 * 60 + 30, "security_bars": 16 * 60 + 30, "fx_rates": 20 * 60}
    for dataset in datasets():
        if dataset.provider == "akshare":
            for table in final.keys() & set(dataset.tables):
                assert all(minutes[time] >= final[table] for time in dataset.times), dataset.key
            if set(dataset.tables) & {"broker_visits", "index_weights", "sector_members", "concept_members"}:
                assert len(dataset.times) == 1, dataset.key
    assert BY_KEY["akshare.fund_scale_daily_szse"].times == ("before_open",)
    assert minutes["before_open"] >= 9 * 60 + 15
    assert BY_KEY["akshare.stock_industry_clf_hist_sw"].times == ("weekly",)


# --------------------------------------------------- nobody asked by surprise


def skipped(result: dg.ExecuteInProcessResult, dataset: Dataset) -> str:
    assert result.success
    assert not result.get_asset_materialization_events()
    [seen] = [e.asset_observation_data.asset_observation for e in result.all_events if e.is_asset_observation]
    assert seen.asset_key == fetch_key(dataset)
    return str(seen.metadata["skipped"].value)


def test_a_dataset_with_nothing_to_ask_about_skips_itself_and_says_why(home: Home, server: FakeProvider) -> None:
    """No weights have been read yet: Hong Kong's securities are not known. The schedule must not turn red for that."""
    for key, words in (
        ("akshare.stock_hk_hist", "or land index_weights so that their members are known"),
        ("akshare.stock_zh_index_hist_csindex", "knows none of 987018.CNI"),
    ):
        assert words in skipped(materialize(home, server, BY_KEY[key], {}), BY_KEY[key])
    assert server.asked == []


def test_what_is_asked_by_name_fails_instead(home: Home, server: FakeProvider) -> None:
    result = materialize(
        home, server, BY_KEY["akshare.stock_zh_index_hist_csindex"], {"indices": ["987018.CNI"], **DAY}
    )
    assert not result.success
    assert "knows none of 987018.CNI" in failures(result)


def test_a_run_that_makes_other_assets_too_asks_nobody(home: Home, server: FakeProvider) -> None:
    @dg.asset(key=["raw", "etf_shares"])
    def other() -> None:
        """Stands for the warehouse."""

    hands = Clock()
    transport = Transport(exchanges.addresses(server), Limits(), clock=hands, sleep=hands.sleep)
    everything = [fetch_asset(SHARES, home.settings), other]
    resources = {"transport": dg.ResourceDefinition.hardcoded_resource(transport)}
    instance = dg.DagsterInstance.ephemeral()
    result = dg.materialize(everything, resources=resources, instance=instance)
    assert result.success
    assert [event.asset_key for event in result.get_asset_materialization_events()] == [other.key]
    assert server.asked == []
    alone = dg.materialize(everything, resources=resources, instance=instance, selection=[fetch_key(SHARES)])
    assert [event.asset_key for event in alone.get_asset_materialization_events()] == [fetch_key(SHARES)]


def test_a_control_total_is_a_check_of_its_own(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four institutions came of the eighteen that Eastmoney's summary counts."""
    dataset = BY_KEY["akshare.stock_jgdy_detail_em"]
    span = {"since": "2025-04-21", "until": "2025-04-24"}
    monkeypatch.setattr(clock, "now", lambda: dt.datetime(2025, 4, 24, 21, tzinfo=MARKET_ZONE))
    with serving() as server:
        akshare.install(server)
        [counted] = akshare.survey_counts(akshare.surveys())
        akshare.serve_surveys(server, akshare.surveys(), [counted | {"SUM": 18}])
        hands = Clock()
        limits = Limits(requests_per_minute={"akshare": 600_000}, attempts=1)
        result = dg.materialize(
            [fetch_asset(dataset, home.settings)],
            resources={
                "transport": dg.ResourceDefinition.hardcoded_resource(
                    Transport(akshare.base_urls(server), limits, hands, hands.sleep)
                )
            },
            run_config={"ops": {"fetch_akshare_stock_jgdy_detail_em": {"config": span}}},
            instance=dg.DagsterInstance.ephemeral(),
        )
    assert result.success
    shown = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert not shown["control_total"].passed
    assert shown["control_total"].severity is dg.AssetCheckSeverity.ERROR
    assert "detail delivered 4 of 18 institutions for 300347" in str(shown["control_total"].description)
