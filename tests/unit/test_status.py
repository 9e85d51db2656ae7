"""How the facts of a warehouse are laid out for people."""

import datetime as dt
from io import StringIO

from rich.console import Console

from orchestration.status import kind_of, print_status


def test_reasons_that_differ_only_in_what_was_found_are_one_kind() -> None:
    first = kind_of("close: found '1.2x', expected a number; trade_date: 2025-04-26 is no session of its market")
    assert first == kind_of("close: found 'abc', expected a number; trade_date: 2024-01-06 is no session of its market")
    assert first != kind_of("open: found 'abc', expected a number; trade_date: 2024-01-06 is no session of its market")


def test_the_page_of_a_full_warehouse_fits_into_80_columns():
    console = Console(record=True, width=80, force_terminal=True, soft_wrap=True, highlight=False, file=StringIO())
    print_status(full_document(), console)
    text = console.export_text()
    assert max(len(line.rstrip()) for line in text.splitlines() if "/very/long" not in line) <= 80
    for words in (
        "fct_sector_visits_daily",
        "connect_eligibility",
        "stale family etf",
        "carried over, ",
        "3 like ",
        "late, besides",
        "The market note",
    ):
        assert words in text
    assert "connect_eligibili\n" not in text
    assert "Prices of ETFs" not in text


def full_document() -> dict:
    moment = dt.datetime(2026, 11, 23, 1, 50, tzinfo=dt.UTC)
    batch = {"rows_landed": 145_086, "rows_accepted": 145_000, "rows_quarantined": 80, "rows_repeated": 6}
    long = "a reason that takes some words to say, and some more, until it is longer than a line of a terminal"
    return {
        "home": "/very/long",
        "current": {
            "release_id": "20261123T015014-86cd2593",
            "is_sample": True,
            "as_of": moment.isoformat(),
            "built_at": moment.isoformat(),
            "age_seconds": 7200,
            "path": "/very/long/" * 10,
        },
        "run_in_progress": True,
        "unread_files": 3,
        "last_refusal": {"at": moment.isoformat(), "message": long},
        "troubles": [{"kind": "stale family", "subject": "etf", "cause": long}],
        "late": [
            {"family": "etf", "message": "Prices of ETFs up to 2025-04-23: told as a trouble already"},
            {
                "family": "note",
                "message": "The market note up to 2025-04-24: 382 sessions due since, the last 2026-11-20",
            },
        ],
        "tables": [
            {
                "table_schema": schema,
                "table_name": name,
                "rows": 14_975_000,
                "knowledge_at": moment,
                "as_of": moment,
                "carried_over": name == "fct_sector_visits_daily",
                "carried_over_because": long,
            }
            for schema, name in (("marts", "fct_funding_stage_quarterly"), ("marts", "fct_sector_visits_daily"))
        ],
        "batches": [
            {"table_name": "connect_eligibility", "file": "a.csv", "ingested_at": moment, **batch} for _ in range(9)
        ],
        "fetches": [
            {
                "dataset": "akshare.stock_hk_index_daily_sina",
                "started_at": moment.isoformat(),
                "outcome": "delivered",
                "rows": 123_456,
                "new_files": 12,
                "trouble": None,
                "message": None,
            }
        ],
        "deliveries": [{"state": "warning", "check": "row_count", "message": long}],
        "quarantine": [
            {"table_name": "etf_bars", "file": "etf_bars/a.csv", "row_number": n, "reason": f"'{n}' is no date: {long}"}
            for n in range(3)
        ],
        "checks_failed": [
            {"severity": "warning", "mart": "marts.fct_x", "check_name": "c", "observed": long, "allowed": long}
        ],
    }
