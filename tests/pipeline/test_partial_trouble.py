"""Trouble in one family: its marts are those of the release before and say so; the others are new. A shared dimension
holds everything.

The damage is a key that is gone in one row of a built mart, which no suite lets through; every other figure of the
build is told from the release before by its ``knowledge_at``, a second earlier. The last test lands a file instead.
"""

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from decimal import Decimal
from functools import partial

import duckdb
import pytest

from expectations.gate import run_gate
from expectations.suites import SUITES
from orchestration.check_report import check
from orchestration.explain import explain
from orchestration.paths import PROJECT_ROOT
from orchestration.refresh import Refresh, RefusedError, conclude, nothing_new, unchanged
from orchestration.settings import Settings
from orchestration.status import status
from warehouse.carrying import NOTE, HeldError, damaged, read_lineage
from warehouse.note import render_html, render_text
from warehouse.releases import current_release, make_current

LATER = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)

FAILING = {
    "etf": "fct_etf_flow_window",
    "index": "fct_index_membership",
    "concept": "fct_concept_daily",
    "visits": "fct_visit_event_study",
    "funding": "fct_funding_stage_quarterly",
    "sector": "fct_sector_daily",
    "note": NOTE,
}
"""Family -> the mart that is damaged: where there are several, not the one from which others are made."""

BESIDES = {
    "etf": {"fct_index_review", "fct_index_review_member", "fct_sector_daily"},
    "index": {"fct_sector_daily"},
    "visits": {"fct_sector_daily"},
    "funding": {"fct_sector_daily"},
}
"""Family -> marts of other families that are made from it, read off the models' SQL."""


@pytest.fixture(scope="module")
def home(run, tmp_path_factory):
    """A home of one release, and the build that made it a second older in every mart."""
    made, _ = run
    home = tmp_path_factory.mktemp("partial") / "home"
    shutil.copytree(made, home, symlinks=True, ignore=shutil.ignore_patterns("dagster", "landing", ".lock"))
    with duckdb.connect(str(home / "build" / "sector.duckdb")) as con:
        con.execute("drop schema meta cascade; create schema meta")
        con.execute("attach ? as before (read_only)", [str(home / "current" / "sector.duckdb")])
        for table in ("batches", "quarantine"):
            con.execute(f"create table meta.{table} as from before.meta.{table}")
        for (mart,) in con.execute(
            "select table_name from duckdb_columns() where schema_name = 'marts' and database_name = 'sector' "
            "and column_name = 'knowledge_at'"
        ).fetchall():
            con.execute(f"update marts.{mart} set knowledge_at = knowledge_at - interval 1 second")
        con.execute(f"update marts.{NOTE} set as_of = as_of + interval 1 hour")
    prepared = json.loads((home / "build" / "prepared.json").read_text())
    moment = dt.datetime.fromisoformat(prepared["as_of"]) + dt.timedelta(hours=1)
    (home / "build" / "prepared.json").write_text(json.dumps({**prepared, "as_of": moment.isoformat()}))
    with duckdb.connect(str(home / "build" / "work.duckdb")) as con:
        con.execute("update control.build_parameters set as_of = ?", [moment])
    shutil.copy(home / "build" / "sector.duckdb", home / "whole.duckdb")
    return home


@pytest.fixture
def attempt(home, monkeypatch):
    """Damage marts (a key of one row is gone), then publish; gives the run, its outcome and its exit code.

    The note's charts are drawn where asked for: a fifth of a publication's time, and no other test here looks at them.
    """
    first = current_release(home)
    began = iter(LATER + dt.timedelta(minutes=len(list((home / "releases").iterdir())) + n) for n in range(9))

    def go(*marts, past=False, drawn=False, **settings):
        if not drawn:
            monkeypatch.setattr("warehouse.note.charts._svg", lambda *_: "<svg/>")
        shutil.copy(home / "whole.duckdb", home / "build" / "sector.duckdb")
        (home / "build" / "carried.json").unlink(missing_ok=True)
        with duckdb.connect(str(home / "build" / "sector.duckdb")) as con:
            for mart in marts:
                [suite] = [suite for suite in SUITES if suite.table == f"marts.{mart}"]
                con.execute(f'update marts."{mart}" set "{suite.grain[0]}" = null where rowid = 0')
        tables = {f"marts.{mart}" for mart in marts}
        monkeypatch.setattr("expectations.gate.run_gate", partial(run_gate, tables=tables))
        prepared = json.loads((home / "build" / "prepared.json").read_text())
        prepared["began"] = next(began).isoformat()
        (home / "build" / "prepared.json").write_text(json.dumps(prepared))
        this = Refresh(Settings(home=home, **settings), as_of=LATER if past else None)
        with suppress(RefusedError):  # the outcome tells
            this.publish()
        return this, *conclude(this, this.release is not None)

    yield go
    make_current(home, first.release_id)


def newest(path, schema="marts"):
    """Newest ``knowledge_at`` of each mart that has one."""
    with duckdb.connect(str(path), read_only=True) as con:
        marts = con.execute(
            "select table_name from duckdb_columns() where schema_name = ? and column_name = 'knowledge_at' "
            "and database_name = current_database()",
            [schema],
        ).fetchall()
        return {mart: con.execute(f"select max(knowledge_at) from marts.{mart}").fetchall()[0][0] for (mart,) in marts}


def told(path, query):
    with duckdb.connect(str(path), read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        return con.execute(query).fetchall()


@pytest.mark.parametrize("family", FAILING)
def test_a_family_in_trouble_holds_back_no_other(attempt, home, family):
    before = current_release(home)
    lineage = read_lineage(home / "build" / "dbt" / "manifest.json")
    expected = set(lineage_of(lineage, family)) | BESIDES.get(family, set())
    run, outcome, code = attempt(FAILING[family])
    assert (code, outcome.published, outcome.is_current) == (0, True, True)
    assert current_release(home).carried_over == (family,)

    query = (
        "select table_name, carried_over, release_id, as_of, carried_over_because from meta.tables "
        "where table_schema = 'marts'"
    )
    made = {mart: rest for mart, *rest in told(outcome.path, query)}
    assert {mart for mart, (carried, *_) in made.items() if carried} == expected
    for mart, (carried, release, as_of, because) in made.items():
        assert (release, as_of) == (
            (before.release_id, before.as_of) if carried else (run.release.release_id, run.release.as_of)
        )
        assert f"{family}: marts.{FAILING[family]}" in because if carried else mart == NOTE or because is None

    shown = told(
        outcome.path, "select subject, status, rows_as_of from desk.q15_claims_and_freshness where carried_over"
    )
    of_tables = {subject for subject, state, _ in shown if state == "carried_over"}
    assert of_tables == expected
    assert {as_of for *_, as_of in shown} == {before.as_of}

    then, whole, now = (
        newest(home / "releases" / before.release_id / "sector.duckdb"),
        newest(home / "whole.duckdb"),
        newest(outcome.path),
    )
    for mart, known in now.items():
        if then[mart] is not None:
            assert known == (then if mart in expected else whole)[mart], mart

    mart = f"marts.{FAILING[family]}"
    assert {check["mart"] for check in outcome.checks_failed} == {mart}
    assert told(outcome.path, "select distinct mart, passed from meta.checks where set_aside") == [(mart, False)]
    again = f"select passed from meta.checks where mart = '{mart}' and check_name = 'grain_unique' and not set_aside"
    assert told(outcome.path, again) == [(True,)]
    [carried] = outcome.as_json()["carried_over"]
    assert (carried["family"], set(carried["tables"])) == (family, expected)
    assert family in outcome.message
    assert {row["table_name"] for row in status(Settings(home=home))["tables"] if row["carried_over"]} >= expected


def test_the_note_tells_the_last_good_figure_with_its_age(attempt, home):
    before = current_release(home)
    run, outcome, _ = attempt("fct_funding_quarterly", drawn=True)
    rows = told(
        outcome.path,
        f"select claim_id, source_table, as_of, status, note_date, value from marts.{NOTE} order by claim_id",
    )
    old = {claim for claim, _, as_of, *_ in rows if as_of == before.as_of}
    assert old == {claim for claim, source, *_ in rows if source == "fct_funding_quarterly"} != set()
    assert {as_of for claim, _, as_of, *_ in rows if claim not in old} == {run.release.as_of}
    assert len({day for *_, day, _ in rows}) == 1
    release = home / "releases" / before.release_id / "sector.duckdb"
    assert {(c, v) for c, *_, v in rows} == set(told(release, f"select claim_id, value from marts.{NOTE}"))
    text, page = render_text(outcome.path), render_html(outcome.path)
    for face in (text, page):
        assert f"Carried over from release {before.release_id}" in face
        assert "1 hour before this release" in face
    assert "Carried over, as of 2025-04-24 10:30:" in text
    assert "funding_yoy_usa" in text
    [source] = [line for line in text.splitlines() if line.strip().startswith("funding_yoy_usa ")]
    assert source.endswith("fct_funding_quarterly, as of 2025-04-24 10:30")


def test_the_gate_alone_compares_no_earlier_rows_with_newer_ones(attempt, home, monkeypatch):
    before = current_release(home)
    attempt(FAILING["index"])
    monkeypatch.setattr("expectations.gate.run_gate", run_gate)
    report = check(Settings(home=home))
    assert not report.refusing
    held = {
        result.mart for result in report.checks if result.observed.startswith(f"held in release {before.release_id}")
    }
    assert "marts.fct_index_membership" in held
    assert "marts.fct_etf_daily" not in held
    assert {result.mart for result in report.checks} >= {suite.table for suite in SUITES}

    (home / "build" / "sector.duckdb").unlink()
    shutil.copy(home / "whole.duckdb", home / "build" / "sector.duckdb")
    with pytest.raises(RefusedError, match="holds rows of an earlier release"):
        check(Settings(home=home))


def test_age_grows_from_release_to_release_until_the_family_is_well(attempt, home):
    first = current_release(home)
    _, outcome, _ = attempt("fct_funding_round")
    second = current_release(home)
    assert second.release_id == outcome.release_id != first.release_id
    assert "still carried over: funding" in unchanged(Settings(home=home), second).message
    _, outcome, _ = attempt("fct_funding_round")
    query = "select release_id, carried_over from meta.tables where table_name = 'fct_funding_quarterly'"
    assert told(outcome.path, query) == [(first.release_id, True)], "the release that made the rows, not the last"
    _, outcome, _ = attempt()
    assert told(outcome.path, query) == [(outcome.release_id, False)]
    assert current_release(home).carried_over == ()


def test_two_families_in_trouble_are_told_apart(attempt):
    _, outcome, code = attempt("fct_funding_round", "fct_concept_daily")
    assert code == 0
    assert [carried["family"] for carried in outcome.carried_over] == ["concept", "funding"]


@pytest.mark.parametrize(
    ("marts", "how", "reason"),
    [
        (("dim_security",), {}, "every family rests on dim_security"),
        (("fct_funding_round", "dim_date"), {}, "every family rests on dim_date"),
        (("fct_funding_round",), {"past": True}, "a build as of a moment"),
        (("fct_funding_round",), {"partial_releases": False}, "SECTOR_PARTIAL_RELEASES is off"),
        (("fct_funding_round",), {"note_index": "931250.CSI"}, "the current release was made with other settings"),
        (tuple(FAILING.values()), {}, "no family is without trouble"),
    ],
    ids=["a shared dimension", "with a family", "a past moment", "switched off", "another note", "all of them"],
)
def test_what_holds_everything(attempt, home, marts, how, reason):
    before = current_release(home)
    _, outcome, code = attempt(*marts, **how)
    assert (code, outcome.published) == (1, False)
    assert f"nothing is carried over: {reason}" in outcome.message
    assert current_release(home) == before
    assert newest(home / "build" / "sector.duckdb") == newest(home / "whole.duckdb"), "the build is as it was made"


def test_every_shared_dimension_holds_everything(home):
    lineage = read_lineage(home / "build" / "dbt" / "manifest.json")
    shared = {mart for mart in lineage.families if mart.startswith("dim_")}
    assert shared >= {"dim_date", "dim_etf", "dim_index", "dim_security", "dim_sector", "dim_concept"}
    for mart in [*shared, "batches"]:
        with pytest.raises(HeldError):
            damaged(lineage, {mart: "grain_unique"})


def test_damage_of_an_intermediate_model_is_that_of_the_families_made_from_it(home):
    lineage = read_lineage(home / "build" / "dbt" / "manifest.json")
    causes = damaged(lineage, {"int_index_sets": "unique_grain"})
    assert {cause.family for cause in causes.values()} == {"index"}


def test_what_is_made_from_a_failed_family_is_no_family_in_trouble(home):
    """Amounts in another currency also move the sector's row; that says nothing about the sector's own figures."""
    lineage = read_lineage(home / "build" / "dbt" / "manifest.json")
    causes = damaged(lineage, {"fct_sector_daily": "unit", "fct_funding_round": "unit", "fct_index_review": "key"})
    assert {mart: cause.family for mart, cause in causes.items()} == {
        **dict.fromkeys(lineage_of(lineage, "funding"), "funding"),
        **dict.fromkeys(lineage_of(lineage, "index"), "index"),
        "fct_sector_daily": "funding",
    }


def lineage_of(lineage, family):
    return [mart for mart, its in lineage.families.items() if its == family and not mart.startswith("dim_")]


def test_every_family_is_tried(home):
    lineage = read_lineage(home / "build" / "dbt" / "manifest.json")
    facts = {family for mart, family in lineage.families.items() if not mart.startswith("dim_")}
    assert facts == set(FAILING)


def test_data_tests_skip_nothing(home):
    """A test of severity error would keep dbt from building what comes after it, other families' marts among them."""
    nodes = json.loads((home / "build" / "dbt" / "manifest.json").read_text())["nodes"].values()
    assert {node["config"]["severity"].lower() for node in nodes if node["resource_type"] == "test"} == {"warn"}


def test_a_delivery_in_another_currency_is_not_published_and_the_rest_is(run, tmp_path):
    """Riyals in a column of dollars: 3.75 times every amount, a factor that no unit of the door explains."""
    made, _ = run
    home = tmp_path / "home"
    shutil.copytree(made, home, symlinks=True, ignore=shutil.ignore_patterns("dagster", "landing", ".lock"))
    before = current_release(home)
    (home / "landing" / "funding_rounds").mkdir(parents=True)
    (home / "landing" / "etf_nav").mkdir()
    duckdb.sql(
        "copy (select round_uuid, org_uuid, announced_on, investment_type, country_code, created_at, "
        "cast(raised_amount_usd * 3.75 as decimal(20, 2)) as raised_amount_usd, '2026-01-05 09:00:00' as updated_at "
        f"from (from read_parquet('{home}/raw/funding_rounds/**/*.parquet') "
        "qualify row_number() over (partition by round_uuid order by knowledge_at desc) = 1) "
        "where raised_amount_usd is not null and deleted_at is null) "
        f"to '{home}/landing/funding_rounds/riyals.csv' (header)"
    )
    (home / "landing" / "etf_nav" / "nav.csv").write_text("etf_code,nav_date,unit_nav\n159567.SZ,2025-04-24,1.265\n")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "orchestration.cli", "run", "--json"],
        cwd=PROJECT_ROOT,
        env={**os.environ, "SECTOR_HOME": str(home), "PYTHONPATH": str(PROJECT_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    outcome = json.loads(done.stdout)
    assert outcome["current"]
    assert outcome["published"]
    assert [carried["family"] for carried in outcome["carried_over"]] == ["funding"]
    assert outcome["carried_over"][0]["release_id"] == before.release_id
    assert {check["mart"] for check in outcome["checks_failed"] if check["severity"] == "critical"} <= {
        "marts.fct_funding_quarterly", "marts.fct_funding_round", "marts.fct_funding_stage_quarterly",
        "marts.fct_funding_restatement", "marts.fct_funding_category_quarterly", "marts.fct_sector_daily",
    }  # fmt: skip
    funding = "select sum(amount_usd) from marts.fct_funding_quarterly where profile = 'vc_pe_broad'"
    nav = "select unit_nav from marts.fct_etf_daily where etf_code = '159567.SZ' and trade_date = '2025-04-24'"
    old, new = home / "releases" / before.release_id / "sector.duckdb", outcome["path"]
    assert told(new, funding) == told(old, funding)
    assert (told(old, nav), told(new, nav)) == ([], [(Decimal("1.2650"),)])
    assert told(new, "select count(*) > 0 from desk.q14_funding") == [(True,)]
    settings = Settings(home=home)
    assert nothing_new(settings, dt.datetime.now(dt.UTC)) is not None, "the same again would come to the same"
    key = told(new, "select profile, segment, region, quarter_start from marts.fct_funding_quarterly "
               "where amount_usd > 0 and profile = 'vc_pe_broad' and region = 'USA' "
               "order by quarter_start desc, segment limit 1")[0]  # fmt: skip
    figure = explain(settings, current_release(home), "fct_funding_quarterly", [*map(str, key), "amount_usd"])
    assert sum(row["raised_amount_usd"] or 0 for rows in figure.inputs for row in rows.rows
               if rows.part.role.startswith("rounds of the quarter")) == figure.value, (
        "explained by what was known then"
    )  # fmt: skip
    (home / "landing" / "funding_rounds" / "mended.csv").touch()
    assert nothing_new(settings, dt.datetime.now(dt.UTC)) is None, "a mended file is news"
