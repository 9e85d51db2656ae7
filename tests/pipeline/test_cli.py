"""`sector` end to end on a few landed files: files in, releases out, and what each exit code promises.

One story, told in order: the tests share a SECTOR_HOME and follow each other.
"""

import json
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from expectations import gate
from orchestration.cli import app

pytestmark = pytest.mark.pipeline

LANDED = {
    "etf_profiles/profiles.csv": (
        "etf_code,name_en,name_zh,manager,tracked_index_code,listed_on,creation_unit,creation_calendar\n"
        "159567.SZ,HK innovative drug ETF,港股创新药ETF,Yinhua,987018.CNI,2024-01-08,1000000,domestic\n"
    ),
    "etf_bars/159567.csv": (
        "etf_code,trade_date,open,high,low,close,prev_close,volume_shares,turnover_cny\n"
        "159567.SZ,2025-04-15,1.20,1.22,1.19,1.21,1.20,1000000,1210000\n"
        "159567.SZ,2025-04-16,1.21,1.23,1.20,1.22,1.21,1000000,1220000\n"
        "159567.SZ,2025-04-17,1.22,1.25,1.21,1.24,1.22,1000000,1240000\n"
        "159567.SZ,2025-04-18,1.24,1.26,1.23,1.25,1.24,1000000,1250000\n"
    ),
    "etf_shares/159567.csv": (
        "etf_code,share_date,share_basis,shares\n"
        "159567.SZ,2025-04-15,close_of_day,100000000\n"
        "159567.SZ,2025-04-16,close_of_day,110000000\n"
        "159567.SZ,2025-04-17,close_of_day,108000000\n"
    ),
    "etf_nav/159567.csv": (
        "etf_code,nav_date,unit_nav,accumulated_nav,published_on\n"
        "159567.SZ,2025-04-15,1.2000,1.2000,\n"
        "159567.SZ,2025-04-16,1.2200,1.2200,\n"
        "159567.SZ,2025-04-17,1.2400,1.2400,\n"
    ),
    "unheard_of/x.csv": "a,b\n1,2\n",
}


class Story:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.notes: dict[str, str] = {}

    def land(self, name: str, text: str) -> None:
        path = self.home / "landing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def call(self, *arguments: str, code: int = 0) -> dict:
        result = CliRunner(env={"SECTOR_HOME": str(self.home)}).invoke(app, [*arguments, "--json"])
        assert result.exit_code == code, (result.stdout[-2000:], result.stderr[-4000:])
        return json.loads(result.stdout)

    @property
    def releases(self) -> list[str]:
        folder = self.home / "releases"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    @property
    def current(self) -> str:
        return (self.home / "current").readlink().name

    def rows(self, sql: str, file: str | None = None) -> list[tuple]:
        with duckdb.connect(file or str(self.home / "current" / "sector.duckdb"), read_only=True) as con:
            return con.execute(sql).fetchall()


@pytest.fixture(scope="module")
def story(tmp_path_factory) -> Story:
    return Story(tmp_path_factory.mktemp("story") / "home")


FLOWS = "select trade_date, net_flow_cny from marts.fct_etf_daily where net_flow_cny is not null order by trade_date"


def test_the_first_run_publishes_what_landed_and_makes_it_current(story):
    for name, text in LANDED.items():
        story.land(name, text)
    outcome = story.call("run")
    assert outcome["published"] is True
    assert outcome["checks_failed"] == []
    assert outcome["release_id"] == story.current
    assert story.releases == [story.current]
    assert Path(outcome["path"]) == story.home / "releases" / story.current / "sector.duckdb"
    assert {batch["file"] for batch in outcome["batches"]} == set(LANDED)
    assert [(str(day), float(flow)) for day, flow in story.rows(FLOWS)] == [
        ("2025-04-16", 12_200_000.0),
        ("2025-04-17", -2_480_000.0),
    ]
    assert story.rows(
        "select count(*) from meta.quarantine where table_name = 'unheard_of' or file like 'unheard_of/%'"
    )
    story.notes["first"] = outcome["release_id"]


def test_status_tells_the_same_as_meta(story):
    status = story.call("status")
    assert status["current"]["release_id"] == story.current
    assert status["current"]["age_seconds"] >= 0
    assert status["checks_failed"] == [] or {c["severity"] for c in status["checks_failed"]} == {"warning"}
    rows = {f"{t['table_schema']}.{t['table_name']}": t["rows"] for t in status["tables"]}
    assert rows["marts.fct_etf_daily"] == 4
    in_meta = story.rows("select file, rows_landed, rows_accepted, rows_quarantined, rows_repeated from meta.batches")
    counts = ("rows_landed", "rows_accepted", "rows_quarantined", "rows_repeated")
    assert {(b["file"], *(b[name] for name in counts)) for b in status["batches"]} == set(in_meta)
    refused = [line for line in status["quarantine"] if line["file"] == "unheard_of/x.csv"]
    assert [line["row_number"] for line in refused] == [None]
    assert len(status["quarantine"]) == len(story.rows("select * from meta.quarantine"))


def test_a_run_without_news_makes_nothing_and_succeeds(story):
    outcome = story.call("run")
    assert outcome["published"] is False
    assert outcome["release_id"] == story.current
    assert "nothing new" in outcome["message"]
    assert len(story.releases) == 1


def test_a_file_of_repeats_is_accounted_for_and_makes_no_release(story):
    story.land("etf_bars/again.csv", LANDED["etf_bars/159567.csv"])
    outcome = story.call("run")
    assert outcome["published"] is False
    assert [(b["file"], b["rows_repeated"]) for b in outcome["batches"]] == [("etf_bars/again.csv", 4)]
    assert len(story.releases) == 1
    assert any(batch["file"] == "etf_bars/again.csv" for batch in story.call("status")["batches"])


def test_a_run_as_of_a_moment_knows_no_more_and_is_kept_aside(story):
    """Shares of 04-17 are known on 04-18 at 09:15, NAV of 04-16 on that day at 22:00."""
    outcome = story.call("run", "--as-of", "2025-04-17")
    assert outcome["published"] is True
    assert outcome["current"] is False
    assert outcome["as_of"] == "2025-04-17T23:59:59.999999+08:00"
    assert story.current == story.notes["first"]
    assert len(story.releases) == 2
    assert [str(day) for day, _ in story.rows(FLOWS, outcome["path"])] == ["2025-04-16"]
    story.notes["past"] = outcome["release_id"]


def test_note_as_of_takes_the_release_that_is_there(story):
    note = story.call("note", "--as-of", "2025-04-17 23:59:59.999999")
    assert note["release_id"] == story.notes["past"]
    assert len(story.releases) == 2
    assert note["text"]
    assert story.call("note")["release_id"] == story.notes["first"]


def test_a_refused_build_leaves_everything_as_it_was(story, monkeypatch):
    """The check is added to the real gate, on a shared dimension: nothing can be carried over."""
    real = gate.run_gate
    refusing = gate.CheckResult(
        "flow_sums", "marts.dim_etf", "critical", "etf", "sums must agree", False, "3 rows", "0 rows", 3,
        [{"etf_code": "159567.SZ", "window_sessions": 5}],
    )  # fmt: skip
    story.land("etf_nav/later.csv", "etf_code,nav_date,unit_nav\n159567.SZ,2025-04-18,1.2500\n")
    with monkeypatch.context() as patched:
        patched.setattr(
            gate, "run_gate", lambda build, **options: gate.report_of([*real(build, **options).checks, refusing])
        )
        outcome = story.call("run", code=1)
    assert outcome["published"] is False
    assert outcome["release_id"] is None
    assert [check["check_name"] for check in outcome["checks_failed"]] == ["flow_sums"]
    for part in ("marts.dim_etf", "flow_sums", "3", "159567.SZ", "every family rests on dim_etf"):
        assert part in outcome["message"]
    assert story.current == story.notes["first"]
    assert len(story.releases) == 2
    assert "flow_sums" in story.call("status")["last_refusal"]["message"]


def test_after_a_refusal_the_next_run_builds_what_was_read_then_and_old_releases_go(story, monkeypatch):
    for name, value in (("KEEP_RELEASES", "1"), ("KEEP_DAYS", "0"), ("KEEP_LAST_OF_DAY", "false")):
        monkeypatch.setenv(f"SECTOR_{name}", value)
    outcome = story.call("run")
    # the one that was current until now stays, for whoever is about to open it
    assert set(story.releases) == {outcome["release_id"], story.notes["first"]}
    assert outcome["published"] is True
    assert outcome["batches"] == [], "the file was read by the refused run"
    assert story.current == outcome["release_id"] != story.notes["first"]
    assert story.rows("select unit_nav from marts.fct_etf_daily where trade_date = date '2025-04-18'")[0][0] is not None
    assert story.call("status")["last_refusal"] is None


def test_rollback_makes_an_earlier_release_current(story):
    listed = story.call("releases")["releases"]
    assert [row["release_id"] for row in listed] == sorted(story.releases, reverse=True)
    assert [row["release_id"] for row in listed if row["current"]] == [story.current]
    story.call("rollback", story.notes["first"])
    assert story.current == story.notes["first"]
    error = story.call("rollback", "20200101T000000-00000000", code=2)["error"]
    assert story.notes["first"] in error
    assert story.current == story.notes["first"]


def test_two_releases_are_compared_by_key(story):
    """The first release did not know the net asset value of the last day; rows and claims go by their keys."""
    listed = story.call("releases")["releases"]
    newest = listed[0]["release_id"]
    document = story.call("releases", "--diff", story.notes["first"], newest)
    marts = {mart["mart"]: mart for mart in document["marts"]}
    assert document["old"]["release_id"] == story.notes["first"]
    navs = [change for change in marts["fct_etf_daily"]["changes"] if change["column"] == "unit_nav"]
    assert navs == [
        {
            "key": {"etf_code": "159567.SZ", "trade_date": "2025-04-18"},
            "column": "unit_nav",
            "old": None,
            "new": "1.2500",
        }
    ]
    assert marts["dim_date"]["same"] is True
    [alone] = story.call("releases", "--diff", newest, "current", "--mart", "fct_etf_daily")["marts"]
    assert alone["rows_old"] == alone["rows_new"] == 4
    unknown = story.call("releases", "--diff", newest, newest, "--mart", "fct_nothing", code=2)
    assert "no mart fct_nothing" in unknown["error"]
    assert "kept:" in story.call("releases", "--diff", newest, "20200101T000000-00000000", code=2)["error"]
    assert "--mart belongs to --diff" in story.call("releases", "--mart", "fct_etf_daily", code=2)["error"]
    assert "three calls" in story.call("releases", "--pin", newest, "--unpin", newest, code=2)["error"]


def test_a_release_is_pinned_and_left_to_retention_again(story):
    assert story.call("releases", "--pin", story.notes["first"])["pinned"] is True
    listed = {row["release_id"]: row for row in story.call("releases")["releases"]}
    assert [name for name, row in listed.items() if row["pinned"]] == [story.notes["first"]]
    assert all(row["bytes"] > 1_000_000 and row["age_seconds"] >= 0 for row in listed.values())
    assert story.call("releases", "--unpin", story.notes["first"])["pinned"] is False
    assert not any(row["pinned"] for row in story.call("releases")["releases"])


def test_a_current_release_that_is_gone_is_named_with_its_cure(story):
    away = story.home / "releases" / story.current
    away.rename(story.home / "away")
    [finding] = [check for check in story.call("doctor", code=2)["checks"] if check["check"] == "current"]
    assert finding["state"] == "wrong"
    assert away.name in finding["detail"]
    kept = story.call("releases")["releases"]
    assert not any(row["current"] for row in kept)
    assert f"sector rollback {kept[0]['release_id']}" in finding["cure"]
    story.call("rollback", kept[0]["release_id"])
    assert story.call("status")["current"]["release_id"] == kept[0]["release_id"]
    (story.home / "away").rename(away)


def test_every_run_is_in_the_instance_that_the_ui_shows(story):
    import dagster as dg

    with dg.DagsterInstance.from_config(str(story.home / "dagster")) as instance:
        runs = instance.get_runs()
    assert {run.job_name for run in runs} == {"refresh"}
    assert [run.status.value for run in runs].count("FAILURE") == 1
    assert len(runs) == 5, "the run without news started no job"


def test_doctor_is_content(story):
    document = story.call("doctor")
    assert document["healthy"], document
