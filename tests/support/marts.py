"""Build files with the contract's marts, empty and typed, for tests that need no dbt."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.calendars import trading_calendar
from orchestration.contracts import CONTRACTS
from orchestration.sql import quoted
from warehouse.build import MARTS_FILE, STORAGE_VERSION, WORK_FILE, BuildParameters, prepare

AS_OF = dt.datetime(2025, 4, 24, 10, 30, tzinfo=dt.timezone(dt.timedelta(hours=8)))

TYPES = {"price": "decimal(18, 4)", "money": "decimal(20, 2)"}

_OHLC = "open price, high price, low price, close price, prev_close price, change_ratio double"

MARTS: dict[str, str] = {
    "dim_etf": "etf_code varchar, name_en varchar, name_zh varchar, manager varchar, tracked_index_code varchar, "
    "creation_calendar varchar, creation_unit bigint, listed_on date",
    "dim_index": "index_code varchar, name_en varchar, name_zh varchar, currency varchar, market varchar",
    "dim_security": "security_code varchar, name_en varchar, name_zh varchar, issuer_id varchar, market varchar, "
    "listed_on date, delisted_on date",
    "dim_sector": "scheme varchar, level varchar, sector_code varchar, sector_name_en varchar, sector_name_zh varchar",
    "dim_concept": "concept varchar, name_en varchar, name_zh varchar",
    "dim_connect_eligibility": "security_code varchar, channel varchar, valid_from date, valid_to date, "
    "sell_only boolean, is_southbound boolean, knowledge_at timestamptz",
    "fct_etf_daily": f"etf_code varchar, trade_date date, {_OHLC}, turnover_cny money, volume_shares bigint, "
    "shares bigint, unit_nav price, aum_cny money, split_factor double, net_flow_cny money, flow_status varchar, "
    "span_sessions bigint, premium_ratio double, creation_open boolean, vwap price, net_flow_at_vwap_cny money, "
    "net_flow_at_close_cny money, knowledge_at timestamptz",
    "fct_etf_flow_window": "etf_code varchar, as_of_date date, window_sessions bigint, inflow_days bigint, "
    "outflow_days bigint, structural_zero_days bigint, missing_days bigint, cumulative_flow_cny money, "
    "max_daily_flow_cny money, average_flow_cny money, inflow_streak bigint, first_known_at timestamptz, "
    "cumulative_flow_at_vwap_cny money, knowledge_at timestamptz",
    "fct_tracker_flow_window": "index_code varchar, as_of_date date, window_sessions bigint, inflow_days bigint, "
    "outflow_days bigint, cumulative_flow_cny money, average_flow_cny money, knowledge_at timestamptz",
    "fct_etf_intraday": "etf_code varchar, quote_ts timestamptz, last price, open price, prev_close price, "
    "change_ratio double, volume_shares bigint, turnover_cny money, iopv price, premium_ratio double, "
    "knowledge_at timestamptz",
    "fct_etf_tracking": "etf_code varchar, as_of_date date, window_name varchar, window_sessions integer, "
    "tracking_status varchar, days_used integer, days_not_used integer, fund_return_ratio double, "
    "index_return_cny_ratio double, tracking_difference double, tracking_error_annualised double, "
    "mean_abs_daily_tracking_difference double, knowledge_at timestamptz",
    "fct_index_daily": f"index_code varchar, trade_date date, {_OHLC}, open_gap_ratio double, volume_shares bigint, "
    "turnover money, knowledge_at timestamptz",
    "fct_index_intraday": "index_code varchar, quote_ts timestamptz, last price, prev_close price, "
    "change_ratio double, open_gap_ratio double, open_state varchar, turned_at timestamptz, "
    "is_opening_quote boolean, knowledge_at timestamptz",
    "fct_index_membership": "index_code varchar, security_code varchar, valid_from date, valid_to date, weight double, "
    "change varchar, knowledge_at timestamptz",
    "fct_constituent_daily": "index_code varchar, trade_date date, security_code varchar, weight_date date, "
    "weight double, change_ratio double, contribution_ratio double, knowledge_at timestamptz",
    "fct_index_breadth_daily": "index_code varchar, trade_date date, advancers bigint, decliners bigint, "
    "unchanged bigint, suspended bigint, weight_advancing double, top10_weight double, hhi double, "
    "index_change_ratio double, contribution_residual double, price_coverage double, knowledge_at timestamptz",
    "fct_constituent_intraday": "index_code varchar, quote_ts timestamptz, security_code varchar, change_ratio double, "
    "weight double, rank_in_index bigint, knowledge_at timestamptz",
    "fct_index_review": "index_code varchar, set_date date, members bigint, members_added bigint, "
    "members_dropped bigint, added_codes varchar, dropped_codes varchar, one_way_turnover double, "
    "review_kind varchar, knowledge_at timestamptz",
    "fct_index_review_member": "index_code varchar, set_date date, security_code varchar, change varchar, "
    "weight_before double, weight_after double, weight_change double, trade_status varchar, days_to_trade double, "
    "turnover_currency varchar, turnover_cny_rate double, "
    "knowledge_at timestamptz",
    "fct_concept_daily": "concept varchar, trade_date date, members bigint, advancers bigint, decliners bigint, "
    "equal_weight_change_ratio double, leader_code varchar, leader_change_ratio double, knowledge_at timestamptz",
    "fct_sector_visits_daily": "scheme varchar, sector_code varchar, as_of_date date, visitor_type varchar, "
    "sector_name varchar, companies_mtd bigint, visits_mtd bigint, institutions_mtd bigint, rank_mtd bigint, "
    "companies_excluding_briefings_mtd bigint, visits_excluding_briefings_mtd bigint, first_time_companies_mtd bigint, "
    "completeness_mtd double, companies_by_funds_mtd bigint, visits_by_funds_mtd bigint, "
    "fund_institutions_mtd bigint, knowledge_at timestamptz",
    "fct_visit": "security_code varchar, visit_date date, visit_way varchar, visitor_org varchar, company_id varchar, "
    "organization varchar, visitor_type varchar, notice_date date, knowledge_at timestamptz",
    "fct_visit_event_study": "scheme varchar, sector_code varchar, visitor_type varchar, horizon_sessions integer, "
    "events bigint, event_return_ratio double, usual_return_ratio double, excess_return_ratio double, "
    "t_statistic double, knowledge_at timestamptz",
    "fct_funding_quarterly": "profile varchar, segment varchar, region varchar, quarter_start date, amount_usd money, "
    "deals bigint, disclosed_share double, yoy_latest double, yoy_lag_matched double, completeness double, "
    "is_ended boolean, base_amount_usd money, base_amount_known_year_ago_usd money, with_hong_kong_amount_usd money, "
    "with_hong_kong_yoy_latest double, first_region_amount_usd money, first_region_deals bigint, "
    "knowledge_at timestamptz",
    "fct_funding_category_quarterly": "profile varchar, region varchar, category varchar, attribution varchar, "
    "quarter_start date, amount_usd money, deals double, yoy_latest double, knowledge_at timestamptz",
    "fct_funding_stage_quarterly": "profile varchar, segment varchar, region varchar, stage varchar, "
    "quarter_start date, amount_usd money, deals bigint, disclosed_share double, knowledge_at timestamptz",
    "fct_funding_restatement": "profile varchar, segment varchar, region varchar, quarter_start date, "
    "known_at timestamptz, quarters_after integer, is_latest boolean, vintage_status varchar, amount_usd money, "
    "deals bigint, first_known_at timestamptz, first_amount_usd money, amount_change_ratio double, "
    "knowledge_at timestamptz",
    "fct_funding_round": "round_uuid varchar, quarter_start date, stage varchar, region varchar, segment varchar, "
    "in_cb_news_venture boolean, in_vc_pe_broad boolean, raised_amount_usd money, knowledge_at timestamptz",
    "fct_sector_daily": "sector_code varchar, trade_date date, members bigint, advancers bigint, decliners bigint, "
    "etf_net_flow_cny money, companies_visited_mtd bigint, companies_visited_by_brokers_mtd bigint, "
    "funding_quarter_start date, funding_amount_usd money, funding_yoy_latest double, knowledge_at timestamptz",
    "rpt_market_note": "note_date date, claim_id varchar, claim varchar, value double, value_text varchar, "
    "unit varchar, as_of timestamptz, source_table varchar, source_filter varchar, evidence_rows bigint, "
    "status varchar, claim_order integer, moment timestamptz, data_ends varchar",
}

INTERMEDIATE: dict[str, str] = {
    "int_etf_flows": "etf_code varchar, trade_date date, flow_status varchar, net_flow_cny decimal(20, 2), "
    "span_sessions integer",
    "int_etf_splits": "etf_code varchar, trade_date date, numerator bigint, denominator bigint, split_source varchar",
    "int_etf_tracking_days": "etf_code varchar, trade_date date, ln_fund double, ln_benchmark double",
    "int_sector_spans": "scheme varchar, security_code varchar, valid_from date, valid_to date, sector_code varchar",
    "int_security_returns": "security_code varchar, trade_date date, change_ratio double",
    "int_visits": "company_id varchar, visit_date date, month_start date, visit_way varchar, organization varchar, "
    "visitor_type varchar",
    "int_company_sector_spans": "scheme varchar, company_id varchar, valid_from date, valid_to date, "
    "sector_code varchar",
}
"""What the suites read of the build's other file."""

STAGING = (
    *("broker_visits", "concept_members", "etf_bars", "etf_nav", "etf_profiles", "etf_quotes", "index_bars"),
    *("index_quotes", "index_weights", "security_quotes"),
)
"""Staging tables that the suites read; here with the columns of raw."""

SOURCES = {
    "staging.stg_etf_bars": "select etf_code, trade_date, open, high, low, close, prev_close, volume_shares, "
    "turnover_cny from build.marts.fct_etf_daily",
    "staging.stg_etf_nav": "select etf_code, trade_date as nav_date, unit_nav from build.marts.fct_etf_daily",
    "staging.stg_etf_quotes": "select etf_code, quote_ts, last, open, prev_close, volume_shares, turnover_cny, iopv "
    "from build.marts.fct_etf_intraday",
    "intermediate.int_etf_flows": "select etf_code, trade_date, flow_status, net_flow_cny, span_sessions "
    "from build.marts.fct_etf_daily",
}
"""Tables of the other file -> what they hold of marts that were made of them."""


def empty_build(folder: Path, as_of: dt.datetime = AS_OF) -> Path:
    """Both build files in ``folder``: empty raw and marts, the real calendar as ``dim_date``, empty accounting."""
    calendar = trading_calendar()
    prepare(folder, CONTRACTS, {}, calendar, BuildParameters(as_of, "159567.SZ", "987018.CNI"))
    with duckdb.connect(str(folder / WORK_FILE)) as con:
        con.execute("create schema intermediate")
        con.execute("create schema staging")
        for table in STAGING:
            con.execute(f"create table staging.stg_{table} as from raw.{table}")
        for table, columns in INTERMEDIATE.items():
            con.execute(f"create table intermediate.{table} ({columns})")
    with duckdb.connect(str(folder / MARTS_FILE), config={"storage_compatibility_version": STORAGE_VERSION}) as con:
        con.execute("create schema marts")
        con.execute("create schema reference")
        con.execute("create table reference.index_trackers (index_code varchar, etf_code varchar)")
        con.execute("create table marts.dim_date as from calendar")
        for table, columns in MARTS.items():
            typed = re.sub(r" (price|money)(?=,|$)", lambda kind: " " + TYPES[kind[1]], columns)
            con.execute(f"create table marts.{table} ({typed})")
    return folder


def fill(folder: Path, table: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows (column -> value, others NULL) into a mart or, with its schema, any table of the marts file."""
    fill_all(folder, [(table, row) for row in rows])


def back_up(folder: Path) -> None:
    """Put behind the rows of ETF marts what they would have been made of, so that only their figures are judged."""
    with duckdb.connect(str(folder / WORK_FILE)) as con:
        con.execute(f"attach {quoted(str(folder / MARTS_FILE))} as build (read_only)")
        for table, query in SOURCES.items():
            con.execute(f"insert into {table} by name {query}")


def fill_all(folder: Path, rows: Iterable[tuple[str, Mapping[str, object]]]) -> None:
    """The same for rows of several tables, in one connection."""
    with duckdb.connect(str(folder / MARTS_FILE)) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        con.execute("begin")
        for table, row in rows:
            name = table if "." in table else f"marts.{table}"
            marks = ", ".join("?" for _ in row)
            con.execute(f"insert into {name} ({', '.join(row)}) values ({marks})", list(row.values()))
        con.execute("commit")


def accounting(rows: Sequence[tuple[str, str, str, int, int, int, int]] = ()) -> pa.Table:
    """``meta.batches`` from (batch, table, file, landed, accepted, quarantined, repeated)."""
    batch, table, file, landed, accepted, quarantined, repeated = zip(*rows, strict=True) if rows else ((),) * 7
    text, count = pa.string(), pa.int64()
    return pa.table(
        {
            "batch_id": pa.array(batch, text),
            "table_name": pa.array(table, text),
            "file": pa.array(file, text),
            "sha256": pa.array(["0" * 64] * len(rows), text),
            "dialect": pa.array(["canonical"] * len(rows), text),
            "rows_landed": pa.array(landed, count),
            "rows_accepted": pa.array(accepted, count),
            "rows_quarantined": pa.array(quarantined, count),
            "rows_repeated": pa.array(repeated, count),
            "ingested_at": pa.array([AS_OF] * len(rows), pa.timestamp("us", tz="UTC")),
            "unknown_columns": pa.array([None] * len(rows), text),
            "warnings": pa.array([None] * len(rows), text),
        }
    )


def refusals(rows: Sequence[tuple[str, str, str, int | None, str, str]] = ()) -> pa.Table:
    """``meta.quarantine`` from (batch, table, file, row number, reason, raw text)."""
    names = ("batch_id", "table_name", "file", "row_number", "reason", "raw_text")
    columns = list(zip(*rows, strict=True)) if rows else [()] * 6
    types = [pa.string(), pa.string(), pa.string(), pa.int64(), pa.string(), pa.string()]
    return pa.table({name: pa.array(values, kind) for name, values, kind in zip(names, columns, types, strict=True)})
