"""A release with a whole note in it, by hand: the figures are made up and belong to no market."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

from expectations.gate import CheckResult, report_of
from tests.support.marts import AS_OF, accounting, empty_build, fill_all, refusals
from warehouse.build import MARTS_FILE
from warehouse.catalog import write_inputs, write_release
from warehouse.claims import CLAIM_UNITS
from warehouse.releases import ReleaseRecord, new_release_id

Put = Callable[[str, list[dict[str, object]]], None]

BUILT_AT = dt.datetime(2025, 4, 24, 2, 31, tzinfo=dt.UTC)
DAY = AS_OF.date()

LEADERS = (
    ("06821.HK", "Asymchem", "凯莱英", 0.1042),
    ("09995.HK", "RemeGen", "荣昌生物", 0.0781),
    ("09926.HK", "Akeso", "康方生物", 0.0655),
    ("01801.HK", "Innovent", "信达生物", 0.0614),
    ("06855.HK", "Ascentage", "亚盛医药", 0.0577),
    ("00867.HK", "CMS", "康哲药业", 0.0501),
    ("01877.HK", "Junshi", "君实生物", 0.0433),
    ("01530.HK", "3SBio", "三生制药", 0.0402),
)

VALUES: dict[str, tuple[float | None, str | None]] = {
    "etf_change": (0.0372, None),
    "etf_turnover": (166_320_000.0, None),
    **{f"leader_{place}_change": (change, code) for place, (code, _, _, change) in enumerate(LEADERS, 1)},
    "hsi_open_gap": (-0.0048, None),
    "hstech_open_gap": (-0.0061, None),
    "hsi_turned_positive": (1, "09:52"),
    "hstech_turned_positive": (1, "10:04"),
    "hsi_open_state": (None, "low_open_now_up"),
    "hstech_open_state": (None, "low_open_faded"),
    "etf_inflow_days": (7, None),
    "etf_window_sessions": (10, None),
    "etf_structural_zero_days": (2, None),
    "etf_cumulative_flow": (283_100_000.0, None),
    "visits_companies_all": (412, None),
    "visits_companies_electronics": (60, None),
    "visits_companies_healthcare": (46, None),
    "visits_companies_all_any_visitor": (901, None),
    "visits_companies_electronics_any_visitor": (133, None),
    "visits_companies_healthcare_any_visitor": (98, None),
    "funding_yoy_global": (0.2057, None),
    "funding_yoy_usa": (-0.0499, None),
    "funding_yoy_chn": (-0.0405, None),
    "funding_yoy_global_lag_matched": (0.2511, None),
    "funding_yoy_usa_lag_matched": (0.0102, None),
    "funding_yoy_chn_lag_matched": (0.0033, None),
    "cro_members": (30, None),
    "cro_advancers": (22, None),
    "cro_decliners": (7, None),
}

FLOWS = (
    ("2025-04-10", 61.2, "final"),
    ("2025-04-11", 48.4, "final"),
    ("2025-04-14", -12.9, "final"),
    ("2025-04-15", 33.3, "estimated"),
    ("2025-04-16", 71.0, "final"),
    ("2025-04-17", None, "missing"),
    ("2025-04-18", 0.0, "structural_zero"),
    ("2025-04-21", 0.0, "structural_zero"),
    ("2025-04-22", 39.1, "split_adjusted"),
    ("2025-04-23", 43.0, "final"),
)

SECTORS = (
    ("801080", "电子", "Electronics", 60, 133),
    ("801890", "机械设备", "Machinery", 55, 121),
    ("801150", "医药生物", "Pharmaceuticals & biotech", 46, 98),
    ("801750", "计算机", "Computers", 41, 80),
)


def claim_rows(missing: tuple[str, ...], as_of: dt.datetime) -> list[dict[str, object]]:
    """Rows of ``rpt_market_note``; the claims in ``missing`` are not available."""
    rows: list[dict[str, object]] = []
    for claim, unit in CLAIM_UNITS.items():
        value, text = VALUES[claim]
        gone = claim in missing
        rows.append(
            {
                "note_date": DAY,
                "claim_id": claim,
                "claim": f"Not available: no input for {claim}." if gone else f"The figure of {claim}.",
                "value": None if gone else value,
                "value_text": None if gone else text,
                "unit": unit,
                "as_of": as_of,
                "moment": AS_OF,
                "source_table": "fct_etf_daily",
                "source_filter": f"etf_code < '{claim}'",
                "evidence_rows": 0 if gone else 10,
                "status": "not_available" if gone else "reproduced",
            }
        )
    return rows


def manifest_of(folder: Path) -> Path:
    """A dbt manifest with what the catalog reads from it."""
    path = folder / "manifest.json"
    unique_id = "model.sector_warehouse.fct_etf_daily"
    columns = {
        "net_flow_cny": {
            "name": "net_flow_cny",
            "description": "Creation flow\n of the day; the ETF's.",
            "data_type": "decimal(20,2)",
            "config": {"meta": {"unit": "CNY"}},
        }
    }
    nodes = {
        unique_id: {
            "resource_type": "model",
            "unique_id": unique_id,
            "name": "fct_etf_daily",
            "alias": "fct_etf_daily",
            "schema": "marts",
            "fqn": ["sector_warehouse", "marts", "etf", "fct_etf_daily"],
            "description": "One row per ETF and session.",
            "columns": columns,
        },
        "test.grain": {
            "resource_type": "test",
            "unique_id": "test.grain",
            "schema": "tests",
            "test_metadata": {"name": "unique_grain", "kwargs": {"columns": ["etf_code", "trade_date"]}},
            "attached_node": unique_id,
        },
    }
    path.write_text(json.dumps({"nodes": nodes}), encoding="utf-8")
    return path


def record_of(as_of: dt.datetime, is_sample: bool = True) -> ReleaseRecord:
    return ReleaseRecord(
        release_id=new_release_id(BUILT_AT, as_of, "f00d"),
        built_at=BUILT_AT,
        as_of=as_of,
        code_version="0.1.0",
        settings_fingerprint="f00d",
        input_batch_ids=("b1",),
        is_sample=is_sample,
        duckdb_version="2.0.0",
        dbt_version="1.11.16",
    )


def told(folder: Path, missing: tuple[str, ...] = (), as_of: dt.datetime = AS_OF, is_sample: bool = True) -> Path:
    """A build with the whole story and its catalog; gives the marts file."""
    empty_build(folder, as_of)
    marts = folder / MARTS_FILE
    write_inputs(marts, accounting(), refusals())
    rows: list[tuple[str, dict[str, object]]] = [("rpt_market_note", row) for row in claim_rows(missing, as_of)]

    def put(table: str, values: list[dict[str, object]]) -> None:
        rows.extend((table, row) for row in values)

    put(
        "dim_etf",
        [{"etf_code": "159567.SZ", "name_en": "Yinhua HK Innovative Drug ETF", "name_zh": "港股创新药ETF"}],
    )
    put(
        "dim_index",
        [{"index_code": "987018.CNI", "name_en": "CNI HK Innovative Drug", "name_zh": "港股通创新药"}],
    )
    for place, (code, english, chinese, change) in enumerate(LEADERS, 1):
        put("dim_security", [{"security_code": code, "name_en": english, "name_zh": chinese}])
        put(
            "fct_constituent_intraday",
            [
                {
                    "index_code": "987018.CNI",
                    "quote_ts": AS_OF,
                    "security_code": code,
                    "change_ratio": change,
                    "weight": 0.02 * place,
                    "rank_in_index": place,
                    "knowledge_at": AS_OF,
                }
            ],
        )
    for date, millions, status in FLOWS:
        flow = None if millions is None else round(millions * 1_000_000)
        put(
            "fct_etf_daily",
            [
                {
                    "etf_code": "159567.SZ",
                    "trade_date": dt.date.fromisoformat(date),
                    "net_flow_cny": flow,
                    "flow_status": status,
                    "shares": 395_000_000,
                    "unit_nav": 1.2345,
                    "knowledge_at": AS_OF - dt.timedelta(hours=1),
                }
            ],
        )
    put(
        "fct_etf_flow_window",
        [
            {
                "etf_code": "159567.SZ",
                "as_of_date": dt.date(2025, 4, 23),
                "window_sessions": 10,
                "cumulative_flow_cny": 283_100_000,
                "first_known_at": AS_OF - dt.timedelta(hours=1),
                "knowledge_at": AS_OF - dt.timedelta(hours=1),
            }
        ],
    )
    for rank, (code, chinese, english, broker, everyone) in enumerate(SECTORS, 1):
        put(
            "dim_sector",
            [
                {
                    "scheme": "SW2021",
                    "level": "L1",
                    "sector_code": code,
                    "sector_name_en": english,
                    "sector_name_zh": chinese,
                }
            ],
        )
        put_visits(put, code, chinese, broker, everyone, rank)
    put_visits(put, "ALL", None, 412, 901, None)
    put_visits(put, "NONE", None, 3, 9, None)
    put_series(put)
    for region, amount, deals, latest, matched in (
        ("GLOBAL", 4_812_000_000, 301, 0.2057, 0.2511),
        ("USA", 2_700_000_000, 120, -0.0499, 0.0102),
        ("CHN", 640_000_000, 75, -0.0405, 0.0033),
        ("HKG", None, 2, None, None),
        ("ROW", 1_472_000_000, 104, 1.31, 1.4),
    ):
        put(
            "fct_funding_quarterly",
            [
                {
                    "profile": "cb_news_venture",
                    "segment": "innovative_drugs",
                    "region": region,
                    "quarter_start": dt.date(2025, 1, 1),
                    "amount_usd": amount,
                    "deals": deals,
                    "disclosed_share": 0.81 if amount else 0.0,
                    "yoy_latest": latest,
                    "yoy_lag_matched": matched,
                    "completeness": 0.86,
                    "knowledge_at": AS_OF,
                }
            ],
        )
    fill_all(folder, rows)
    report = report_of(
        [
            CheckResult(
                "grain_unique", "marts.fct_etf_daily", "critical", "etf", "A key.", True, "0 of 10 rows", "none"
            ),
            CheckResult(
                "undeclared_split",
                "intermediate.int_audit_etf_splits",
                "warning",
                "etf",
                "Shares rose by 100% while the NAV halved: taken as a 2:1 split.",
                False,
                "159567.SZ 2025-04-22",
                "nothing to report",
                1,
                [{"subject": "159567.SZ 2025-04-22"}],
            ),
        ]
    )
    write_release(marts, record_of(as_of, is_sample), report, manifest_of(folder))
    return marts


MINUTES = (0, 15, 30, 45, 60)
QUOTES = {
    "159567.SZ": (0.006, 0.011, 0.019, 0.031, 0.0372),
    "HSI.HI": (-0.0048, -0.001, 0.002, 0.004, 0.0051),
    "HSTECH.HI": (-0.0061, -0.003, 0.001, -0.001, -0.002),
}
TURNED = {"HSI.HI": ("low_open_now_up", 22), "HSTECH.HI": ("low_open_faded", 34)}

CONTRIBUTIONS = (
    ("06821.HK", 0.0031),
    ("09995.HK", 0.0019),
    ("09926.HK", 0.0),
    ("01801.HK", -0.0007),
    ("06855.HK", -0.0022),
    ("00867.HK", None),
)

PAST_QUARTERS = ("2023-04-01", "2023-07-01", "2023-10-01", "2024-01-01", "2024-04-01", "2024-07-01", "2024-10-01")


def put_series(put: Put) -> None:
    """What the page draws beside the story; rows after the note's moment are there as well."""
    opened = AS_OF - dt.timedelta(hours=1)
    for code, changes in QUOTES.items():
        for minute, change in zip((*MINUTES, 75), (*changes, 0.9), strict=True):
            when = opened + dt.timedelta(minutes=minute)
            row: dict[str, object] = {"quote_ts": when, "change_ratio": change, "knowledge_at": when}
            if code not in TURNED:
                put("fct_etf_intraday", [{"etf_code": code, **row}])
                continue
            state, turned = TURNED[code]
            if minute > turned:
                row["turned_at"] = opened + dt.timedelta(minutes=turned)
            put("fct_index_intraday", [{"index_code": code, "open_state": state, **row}])
    for day in (*(dt.date.fromisoformat(date) for date, _, _ in FLOWS), DAY):
        close = dt.datetime.combine(day, dt.time(16, 10), AS_OF.tzinfo)
        put(
            "fct_index_breadth_daily",
            [
                {
                    "index_code": "987018.CNI",
                    "trade_date": day,
                    "advancers": day.day,
                    "decliners": 40 - day.day,
                    "unchanged": 1,
                    "suspended": 2,
                    "weight_advancing": 0.61,
                    "knowledge_at": close,
                }
            ],
        )
        for code, contribution in CONTRIBUTIONS:
            put(
                "fct_constituent_daily",
                [
                    {
                        "index_code": "987018.CNI",
                        "trade_date": day,
                        "security_code": code,
                        "weight": 0.05,
                        "contribution_ratio": contribution,
                        "knowledge_at": close,
                    }
                ],
            )
    for code, _, _, broker, _ in SECTORS[:-1]:
        put(
            "fct_sector_visits_daily",
            [
                {
                    "scheme": "SW2021",
                    "sector_code": code,
                    "as_of_date": dt.date(2025, 3, 24),
                    "visitor_type": "broker",
                    "companies_mtd": broker // 2,
                    "knowledge_at": AS_OF,
                }
            ],
        )
    for number, quarter in enumerate(PAST_QUARTERS):
        for region, share in (("GLOBAL", 1.0), ("USA", 0.6), ("CHN", 0.12), ("HKG", 0.01), ("ROW", 0.27)):
            put(
                "fct_funding_quarterly",
                [
                    {
                        "profile": "cb_news_venture",
                        "segment": "innovative_drugs",
                        "region": region,
                        "quarter_start": dt.date.fromisoformat(quarter),
                        "amount_usd": round((3.9 + number / 10) * 1e9 * share),
                        "deals": 100,
                        "completeness": 1.0,
                        "knowledge_at": AS_OF,
                    }
                ],
            )


def put_visits(put: Put, code: str, name: str | None, broker: int, everyone: int, rank: int | None) -> None:
    for kind, companies in (("broker", broker), ("all", everyone)):
        put(
            "fct_sector_visits_daily",
            [
                {
                    "scheme": "SW2021",
                    "sector_code": code,
                    "as_of_date": DAY,
                    "visitor_type": kind,
                    "sector_name": name,
                    "companies_mtd": companies,
                    "rank_mtd": rank,
                    "knowledge_at": AS_OF,
                }
            ],
        )
