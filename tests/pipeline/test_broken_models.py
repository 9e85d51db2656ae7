"""A model that dbt cannot build is trouble of its families: earlier rows stand in, and what was skipped is built on
them."""

import json
import os
import shutil
import subprocess
import sys

import duckdb
import pytest

from orchestration.paths import PROJECT_ROOT
from orchestration.refresh import Refresh
from orchestration.settings import Settings
from orchestration.transform import DbtError
from warehouse.carrying import NOTE, HeldError, borrow, buildable, damaged, read_lineage
from warehouse.releases import current_release

FUNDING = {
    "fct_funding_category_quarterly",
    "fct_funding_quarterly",
    "fct_funding_restatement",
    "fct_funding_round",
    "fct_funding_stage_quarterly",
    "fct_sector_daily",
}


@pytest.fixture(scope="module")
def lineage(run):
    home, _ = run
    return read_lineage(home / "build" / "dbt" / "manifest.json")


def descendants(lineage, model):
    found = {model}
    while more := {child for child, parents in lineage.parents.items() if parents & found} - found:
        found |= more
    return found - {model}


def test_whatever_model_fails_the_rest_can_be_built_or_everything_is_held(lineage):
    built = 0
    for model in lineage.parents:
        try:
            marts = set(damaged(lineage, {model: "broken"}))
        except HeldError:
            continue
        skipped = descendants(lineage, model)
        names = set(buildable(lineage, {model}, skipped, marts))
        assert not names & (marts | {model})
        assert names <= skipped
        for name in names:
            assert not lineage.parents[name] & ((skipped | {model}) - marts - names), (model, name)
        if NOTE in skipped:
            assert NOTE in marts | names, model
            built += 1
    assert built > 30


def test_marts_with_other_columns_are_not_borrowed(run, lineage, tmp_path):
    made, _ = run
    release = tmp_path / "sector.duckdb"
    shutil.copy(made / "current" / "sector.duckdb", release)
    release.chmod(0o644)
    with duckdb.connect(str(release)) as con:
        con.execute("alter table marts.fct_funding_round drop column announced_on")
    build = tmp_path / "build"
    build.mkdir()
    with duckdb.connect(str(build / "sector.duckdb")) as con:
        con.execute("create schema marts")
    with pytest.raises(HeldError, match="fct_funding_round has other columns"):
        borrow(build, release, lineage, ["fct_funding_quarterly", "fct_funding_round"])
    with duckdb.connect(str(build / "sector.duckdb")) as con:
        assert con.execute("select count(*) from duckdb_tables()").fetchall() == [(0,)], "all or nothing"


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    """The project's code, to be broken."""
    folder = tmp_path_factory.mktemp("code")
    for part in ("orchestration", "warehouse", "expectations", "dbt_project"):
        shutil.copytree(PROJECT_ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT_ROOT / "pyproject.toml", folder)
    return folder


def sector(code, home, *arguments):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "orchestration.cli", *arguments],
        cwd=code,
        env={**os.environ, "SECTOR_HOME": str(home), "PYTHONPATH": str(code)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_model_that_breaks_on_its_data_holds_back_no_other_family(run, code, tmp_path):
    made, _ = run
    home = tmp_path / "home"
    shutil.copytree(made, home, symlinks=True, ignore=shutil.ignore_patterns("dagster", "landing", ".lock"))
    before = current_release(home)
    model = code / "dbt_project" / "models" / "intermediate" / "funding" / "int_funding_totals.sql"
    whole = model.read_text(encoding="utf-8")
    model.write_text(f"with whole as ({whole}) select * from whole where error('no such quarter') is null\n")
    (home / "landing" / "etf_nav").mkdir(parents=True)
    (home / "landing" / "etf_nav" / "nav.csv").write_text("etf_code,nav_date,unit_nav\n159567.SZ,2025-04-24,1.265\n")

    done = sector(code, home, "run", "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    outcome = json.loads(done.stdout)
    assert outcome["published"]
    assert "dbt could not build int_funding_totals" in done.stderr
    [carried] = outcome["carried_over"]
    assert carried["family"] == "funding"
    assert carried["release_id"] == before.release_id
    assert set(carried["tables"]) == FUNDING
    assert "intermediate.int_funding_totals · model_built" in carried["reason"]
    assert "no such quarter" in carried["reason"]

    with duckdb.connect(outcome["path"], read_only=True) as con:
        con.execute("attach ? as before (read_only)", [str(made / "current" / "sector.duckdb")])
        for mart in FUNDING:
            rows = f"(from marts.{mart} except all from before.marts.{mart})"
            assert con.execute(f"select count(*) from {rows}").fetchall() == [(0,)], mart
        new = "select unit_nav from marts.fct_etf_daily where etf_code = '159567.SZ' and trade_date = date '2025-04-24'"
        assert str(con.execute(new).fetchall()[0][0]).startswith("1.265")
        claims = f"select count(*), count(distinct as_of) from marts.{NOTE}"
        assert con.execute(claims).fetchall() == [(con.sql(f"from before.marts.{NOTE}").shape[0], 2)]
        views = "select view_name from duckdb_views() where schema_name = 'desk' and database_name = '{}'"
        listed = [con.execute(views.format(name)).fetchall() for name in ("sector", "before")]
        assert sorted(listed[0]) == sorted(listed[1])
        for (view,) in listed[0]:
            con.execute(f"select count(*) from desk.{view}").fetchall()
        told = con.execute("select mart, set_aside from meta.checks where check_name = 'model_built'").fetchall()
        assert told == [("intermediate.int_funding_totals", True)]

    alone = sector(code, home, "check", "--json")
    assert alone.returncode == 0, alone.stderr + alone.stdout


def test_a_broken_dimension_holds_everything(run, tmp_path):
    made, _ = run
    home = tmp_path / "home"
    ignored = shutil.ignore_patterns("dagster", "landing", ".lock", "compiled", "run")
    shutil.copytree(made, home, symlinks=True, ignore=ignored)
    results = home / "build" / "dbt" / "run_results.json"
    told = json.loads(results.read_text(encoding="utf-8"))
    [node] = [node for node in told["results"] if node["unique_id"] == "model.sector_warehouse.dim_sector"]
    node.update(status="error", message="no such sector > in macro x")
    results.write_text(json.dumps(told), encoding="utf-8")
    words = []
    refresh = Refresh(Settings(home=home), progress=words.append)
    assert refresh.borrow() == ([], [])
    assert words == ["nothing is carried over: every family rests on dim_sector (no such sector)"]
    with pytest.raises(DbtError, match=r"dbt could not build dim_sector: no such sector$"):
        refresh.built(RuntimeError("exit code 1"))
    assert not (home / "build" / "carried.json").exists()
