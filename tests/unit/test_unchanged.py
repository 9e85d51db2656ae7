"""Unchanged tables: what passed on the same rows is not judged again, whatever reads anything else is."""

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
import yaml

from expectations.audits import run_audits
from expectations.gate import CheckResult, run_suites
from expectations.suites import SUITES
from expectations.unchanged import days_to_judge, still_passed, tables_read
from expectations.vocabulary import Suite, between, key_checks, known, no_rows, over_all
from orchestration.paths import DBT_PROJECT, PROJECT_ROOT
from tests.support.marts import empty_build, fill
from warehouse.build import MARTS_FILE, WORK_FILE

TABLE, OTHER = "marts.dim_etf", "marts.dim_index"
SUITE = Suite(
    TABLE,
    "etf",
    ("etf_code",),
    (
        known("etf_code", "The key."),
        between("creation_unit", 1, None, "A unit."),
        no_rows(
            "index_has_its_row",
            "critical",
            "Two tables.",
            f"select e.etf_code from {{batch}} as e left join {OTHER} as i on e.tracked_index_code = i.index_code "
            "where i.index_code is null",
        ),
        no_rows("as_of", "critical", "The cut.", "select 1 from {batch}, work.control.build_parameters where false"),
    ),
)


def passed(name: str, **changes: object) -> CheckResult:
    [check] = [check for check in SUITE.checks if check.name == name]
    parts = {"check_name": name, "mart": TABLE, "severity": check.severity, "owner": "etf", "reason": check.reason}
    whole = parts | {"passed": True, "observed": "as it was", "limit": check.limit, "value": 0.0} | changes
    return CheckResult(**whole)  # type: ignore[arg-type]  # the parts are a row's


def earlier(**changes: object) -> dict[tuple[str, str], CheckResult]:
    return {(TABLE, check.name): passed(check.name, **changes) for check in SUITE.checks}


def standing(unchanged: Collection[str], **changes: object) -> set[str]:
    return {name for _, name in still_passed([SUITE], unchanged, earlier(**changes))}


def test_a_check_stands_while_all_its_tables_are_the_same() -> None:
    assert standing({TABLE, OTHER, "work.control.build_parameters"}) == {
        "etf_code_known",
        "creation_unit_in_range",
        "index_has_its_row",
    }
    assert standing({TABLE}) == {"etf_code_known", "creation_unit_in_range"}
    assert standing({OTHER}) == standing(()) == set()


@pytest.mark.parametrize(
    "changes", [{"passed": False}, {"set_aside": True}, {"value": None}, {"limit": "another"}, {"severity": "warning"}]
)
def test_only_verdicts_of_the_same_check_that_passed_on_rows_stand(changes: dict[str, object]) -> None:
    assert standing({TABLE, OTHER}, **changes) == set()


@pytest.mark.parametrize(
    ("query", "tables"),
    [
        ('select * from marts.a as x join work.raw."b" as y on x.k = y.k', {"marts.a", "work.raw.b"}),
        ("with c as (select * from marts.a) select * from c where k in (select k from meta.d)", {"marts.a", "meta.d"}),
        ("select unnest([1, 2]) from marts.a, range(3)", {"marts.a"}),
        ("select * from marts.a where d < current_date", None),
        ("select * from marts.a where t < now()", None),
        ("select * from marts.a where t < get_current_timestamp()", None),
        ("select * from elsewhere", None),
        ("select * from read_csv('elsewhere.csv')", None),
        ("select from where", None),
    ],
)
def test_tables_of_a_query(query: str, tables: set[str] | None) -> None:
    with duckdb.connect() as con:
        assert tables_read(con, query) == tables


def test_every_check_of_the_suites_says_what_it_reads() -> None:
    """One that cannot be told would be judged on every day without a word."""
    with duckdb.connect() as con:
        doubtful = [
            f"{suite.table}.{check.name}"
            for suite in SUITES
            for check in suite.checks
            if check.query is not None and tables_read(con, over_all(check.query, suite.table)) is None
        ]
    assert doubtful == []


def test_a_changed_second_table_is_judged_again(tmp_path: Path) -> None:
    """The tempting shortcut looks at the suite's own table: the fund is the same, its index has gone."""
    empty_build(tmp_path)
    fill(tmp_path, "dim_etf", [{"etf_code": "159567.SZ", "tracked_index_code": "987018.CNI", "creation_unit": 1}])
    taken = {check.check_name: check for check in run_suites(tmp_path, [SUITE], unchanged={TABLE}, earlier=earlier())}
    assert list(taken) == [check.name for check in SUITE.checks]
    assert taken["etf_code_known"].observed == "as it was"
    assert not taken["index_has_its_row"].passed
    assert taken["as_of"].observed == "0 rows"


def test_an_unchanged_audit_with_nothing_to_report_keeps_its_result(tmp_path: Path) -> None:
    empty_build(tmp_path)
    with duckdb.connect(str(tmp_path / WORK_FILE)) as con:
        con.execute("create table intermediate.int_audit_etf_x (check_name varchar, subject varchar, detail varchar)")
    [clean] = run_audits(tmp_path)
    with duckdb.connect(str(tmp_path / WORK_FILE)) as con:
        con.execute("insert into intermediate.int_audit_etf_x values ('odd', 'a fund', 'why')")
    before = {(clean.mart, clean.check_name): clean}
    assert [found.passed for found in run_audits(tmp_path, (), before)] == [False]
    assert [found.passed for found in run_audits(tmp_path, {"work.intermediate.int_audit_etf_x"}, before)] == [True]


def test_gx_is_not_imported_where_everything_stands() -> None:
    code = (
        "import sys; from pathlib import Path; from expectations.gate import run_suites; "
        "from tests.unit.test_unchanged import SUITE, TABLE, OTHER, earlier; from dataclasses import replace; "
        "suite = replace(SUITE, checks=SUITE.checks[:3]); "
        "assert len(run_suites(Path('nowhere'), [suite], unchanged={TABLE, OTHER}, earlier=earlier())) == 3; "
        "print('great_expectations' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


DAYS, COUNTS = "marts.fct_etf_daily", "marts.dim_date"
DAILY = Suite(
    DAYS,
    "etf",
    ("etf_code", "trade_date"),
    (
        *key_checks(("etf_code", "trade_date")),
        between("change_ratio", -0.31, 0.31, "Limits.", "warning"),
        no_rows(
            "close_moves",
            "warning",
            "Looks at the row before.",
            "select etf_code, trade_date, close from (select *, lag(close) over (partition by etf_code "
            "order by trade_date) as before from {batch}) as days where close = before",
            reach=3,
        ),
        no_rows(
            "is_a_session",
            "critical",
            "Reads another table of those days.",
            "select b.etf_code, b.trade_date from {batch} as b left join "
            f"(select * from {COUNTS} where date >= {{since}}) as d on b.trade_date = d.date where d.date is null",
            reach=0,
        ),
        no_rows("any_row", "critical", "Looks at everything.", "select 1 from {batch} where close is null"),
    ),
)


def daily_results(changed: dict[str, dt.date], **changes: object) -> dict[str, dt.date]:
    before = {
        (DAYS, check.name): CheckResult(
            **(
                {"check_name": check.name, "mart": DAYS, "severity": check.severity, "owner": "etf", "reason": ""}
                | {"passed": True, "observed": "", "limit": check.limit, "value": 0.0}
                | changes
            )  # type: ignore[arg-type]  # the parts are a row's
        )
        for check in DAILY.checks
    }
    return days_to_judge(DAILY, {"marts.dim_index"}, changed, before)


def test_checks_that_hang_on_few_days_are_judged_from_the_first_changed_one() -> None:
    first, other = dt.date(2025, 4, 23), dt.date(2025, 4, 21)
    own = {"grain_unique", "etf_code_known", "trade_date_known", "change_ratio_in_range", "close_moves"}
    assert daily_results({DAYS: first, COUNTS: other}) == {**dict.fromkeys(own, first), "is_a_session": other}
    # a table of which nobody can say from when on it is another one
    assert daily_results({DAYS: first}) == dict.fromkeys(own, first)
    assert daily_results({COUNTS: other}) == {}
    assert daily_results({DAYS: first}, passed=False) == daily_results({DAYS: first}, value=None) == {}


@pytest.mark.parametrize("broken", [None, "close", "change", "session", "key"])
def test_late_rows_are_judged_as_the_whole_table_is(broken: str | None, tmp_path: Path) -> None:
    """The rows of before are not looked at again; a row that breaks a rule since is found with all that do."""
    days = [dt.date(2025, 4, day) for day in (17, 18, 21, 22, 23)]
    empty_build(tmp_path)
    if broken == "session":
        with duckdb.connect(str(tmp_path / MARTS_FILE)) as con:
            con.execute(f"delete from {COUNTS} where date = ?", [days[-1]])
    rows = [
        {"etf_code": "159567.SZ", "trade_date": day, "close": f"1.{place}", "change_ratio": 0.01}
        for place, day in enumerate(days)
    ]
    if broken == "close":
        rows[-1]["close"] = rows[-2]["close"]
    if broken == "change":
        rows[-1]["change_ratio"] = 0.5
    if broken == "key":
        rows.append(dict(rows[-1]))
    fill(tmp_path, "fct_etf_daily", rows)
    whole = run_suites(tmp_path, [DAILY])
    before = {(DAYS, check.check_name): replace(check, passed=True, value=0.0, sample=[]) for check in whole}
    changed = {DAYS: days[-1], COUNTS: days[-1]}
    late = run_suites(tmp_path, [DAILY], earlier=before, changed=changed)

    def told(found: list[CheckResult]) -> list[CheckResult]:
        return [replace(check, seconds=0.0) for check in found]

    assert told(late) == told(whole)
    assert sum(not check.passed for check in late) == (broken is not None) + (broken == "key")
    # the tempting shortcut takes today's rows for all there are: what broke earlier shows as soon as a late row does
    with duckdb.connect(str(tmp_path / MARTS_FILE)) as con:
        con.execute("update marts.fct_etf_daily set change_ratio = 0.6 where trade_date = ?", [days[0]])
    [change] = [c for c in run_suites(tmp_path, [DAILY], earlier=before, changed=changed) if "range" in c.check_name]
    assert change.unexpected_rows == (2 if broken == "change" else 0)


def test_the_day_of_a_suite_is_the_day_by_which_its_model_tells_changes() -> None:
    """Else late rows would be cut by another column than the one that says which of them changed."""
    for suite in SUITES:
        if suite.day is None or all(check.reach is None for check in suite.checks):
            continue
        [page] = DBT_PROJECT.glob(f"models/**/{suite.table.removeprefix('marts.')}.yml")
        [model] = yaml.safe_load(page.read_text("utf-8"))["models"]
        assert model["config"]["meta"].get("day") in (suite.day, None), suite.table


def test_a_query_that_looks_back_tells_the_day_of_its_rows() -> None:
    """Rows before the first changed day are read and not judged: they are told apart by that column."""
    for suite in SUITES:
        for check in suite.checks:
            if check.reach and check.query is not None:
                with duckdb.connect() as con:
                    [(text,)] = con.execute(
                        "select json_serialize_sql(?)", [over_all(check.query, suite.table)]
                    ).fetchall()
                chosen = json.loads(text)["statements"][0]["node"]["select_list"]
                named = {part["alias"] or part.get("column_names", [""])[-1] for part in chosen}
                assert suite.day in named, f"{suite.table}.{check.name}"
