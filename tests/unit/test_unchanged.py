"""Unchanged tables: what passed on the same rows is not judged again, whatever reads anything else is."""

import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import duckdb
import pytest

from expectations.audits import run_audits
from expectations.gate import CheckResult, run_suites
from expectations.suites import SUITES
from expectations.unchanged import still_passed, tables_read
from expectations.vocabulary import Suite, between, known, no_rows
from orchestration.paths import PROJECT_ROOT
from tests.support.marts import empty_build, fill
from warehouse.build import WORK_FILE

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
            if check.query is not None and tables_read(con, check.query.replace("{batch}", suite.table)) is None
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
