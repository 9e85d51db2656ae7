"""The published interface: every mart with at least the columns that people rely on, described, with types and units.

The listing is written out here and not read from the models, so that a renamed or dropped column fails.
"""

from pathlib import Path

import pytest
import yaml

from orchestration.paths import DBT_PROJECT

MARTS = {
    "dim_date": "date is_session_szse is_session_hk is_southbound_open is_half_day_szse is_half_day_hk "
    "is_half_day_southbound previous_session_szse next_session_szse previous_session_hk next_session_hk",
    "dim_etf": "etf_code name_en name_zh manager tracked_index_code creation_calendar creation_unit listed_on",
    "dim_index": "index_code name_en name_zh currency market",
    "dim_security": "security_code name_en name_zh issuer_id market listed_on delisted_on",
    "dim_sector": "scheme level sector_code sector_name_en sector_name_zh",
    "dim_concept": "concept name_en name_zh",
    "dim_connect_eligibility": "security_code channel valid_from valid_to sell_only is_southbound knowledge_at",
    "fct_etf_daily": "etf_code trade_date open high low close prev_close change_ratio turnover_cny volume_shares "
    "shares unit_nav aum_cny split_factor net_flow_cny flow_status span_sessions premium_ratio knowledge_at",
    "fct_etf_flow_window": "etf_code as_of_date window_sessions inflow_days outflow_days structural_zero_days "
    "missing_days cumulative_flow_cny max_daily_flow_cny average_flow_cny inflow_streak knowledge_at",
    "fct_etf_intraday": "etf_code quote_ts last change_ratio turnover_cny premium_ratio knowledge_at",
    "fct_etf_tracking": "etf_code as_of_date window_name window_sessions index_code tracking_status days_used "
    "fund_return_ratio index_return_cny_ratio tracking_difference tracking_error_annualised "
    "mean_abs_daily_tracking_difference knowledge_at",
    "fct_index_daily": "index_code trade_date open high low close prev_close change_ratio open_gap_ratio knowledge_at",
    "fct_index_intraday": "index_code quote_ts last change_ratio open_state turned_at knowledge_at",
    "fct_index_membership": "index_code security_code valid_from valid_to weight change knowledge_at",
    "fct_constituent_daily": "index_code trade_date security_code weight change_ratio contribution_ratio knowledge_at",
    "fct_index_breadth_daily": "index_code trade_date advancers decliners unchanged suspended weight_advancing "
    "top10_weight hhi index_change_ratio contribution_residual price_coverage knowledge_at",
    "fct_constituent_intraday": "index_code quote_ts security_code change_ratio weight rank_in_index knowledge_at",
    "fct_index_review": "index_code set_date previous_set_date members members_added members_dropped one_way_turnover "
    "review_kind tracker_assets_cny tracker_turnover_cny knowledge_at",
    "fct_index_review_member": "index_code set_date security_code change weight_before weight_after weight_change "
    "trade_status tracker_trade_cny average_turnover_cny days_to_trade knowledge_at",
    "fct_concept_daily": "concept trade_date members advancers decliners equal_weight_change_ratio leader_code "
    "leader_change_ratio knowledge_at",
    "fct_sector_visits_daily": "scheme sector_code as_of_date visitor_type sector_name companies_mtd visits_mtd "
    "institutions_mtd rank_mtd knowledge_at",
    "fct_visit_event_study": "scheme sector_code visitor_type horizon_sessions events event_return_ratio "
    "usual_return_ratio excess_return_ratio t_statistic knowledge_at",
    "fct_funding_quarterly": "profile segment region quarter_start amount_usd deals disclosed_share yoy_latest "
    "yoy_lag_matched completeness knowledge_at",
    "fct_funding_stage_quarterly": "profile segment region stage quarter_start amount_usd deals disclosed_share "
    "yoy_latest yoy_lag_matched knowledge_at",
    "fct_funding_restatement": "profile segment region quarter_start known_at quarters_after is_latest vintage_status "
    "amount_usd deals first_amount_usd first_deals amount_change_ratio deals_change_ratio knowledge_at",
    "fct_funding_round": "round_uuid org_uuid org_name announced_on quarter_start investment_type stage region segment "
    "in_cb_news_venture in_vc_pe_broad raised_amount_usd knowledge_at",
    "fct_sector_daily": "sector_code trade_date members knowledge_at",
    "rpt_market_note": "note_date claim_id claim value value_text unit as_of source_table source_filter evidence_rows "
    "status",
}
EXACT_MONEY = {"cny": "decimal(20, 2)", "usd": "decimal(20, 2)"}


def declared() -> dict[str, dict]:
    found = {}
    for path in sorted((DBT_PROJECT / "models" / "marts").rglob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            found[model["name"]] = model
    return found


DECLARED = declared()


def test_the_marts_are_these() -> None:
    assert set(MARTS) <= set(DECLARED)


@pytest.mark.parametrize("mart", MARTS)
def test_columns_are_there(mart: str) -> None:
    columns = {column["name"] for column in DECLARED[mart]["columns"]}
    assert set(MARTS[mart].split()) - columns == set()


@pytest.mark.parametrize("mart", DECLARED)
def test_every_column_is_described_typed_and_has_a_unit(mart: str) -> None:
    model = DECLARED[mart]
    assert model["description"].strip()
    for column in model["columns"]:
        assert column["description"].strip(), column["name"]
        assert column["data_type"], column["name"]
        assert column["config"]["meta"]["unit"], column["name"]


@pytest.mark.parametrize("mart", DECLARED)
def test_money_is_exact_and_moments_have_a_zone(mart: str) -> None:
    for column in DECLARED[mart]["columns"]:
        kind = str(column["data_type"]).lower().replace(",", ", ").replace("  ", " ")
        suffix = column["name"].rpartition("_")[2]
        if suffix in EXACT_MONEY:
            assert kind == EXACT_MONEY[suffix], column["name"]
        if column["name"].endswith("_at") or column["name"] in ("quote_ts", "as_of"):
            assert kind in ("timestamp with time zone", "timestamptz"), column["name"]


@pytest.mark.parametrize("mart", DECLARED)
def test_grain_is_tested(mart: str) -> None:
    tests = DECLARED[mart].get("data_tests", [])
    assert any("unique_grain" in test for test in tests if isinstance(test, dict)), mart


def test_one_yml_beside_one_sql() -> None:
    sql = {path.with_suffix("") for path in (DBT_PROJECT / "models").rglob("*.sql")}
    yml = {path.with_suffix("") for path in (DBT_PROJECT / "models").rglob("*.yml")} - {
        Path(DBT_PROJECT / "models" / "staging" / "sources")
    }
    assert sql == yml


def test_every_raw_table_is_a_source() -> None:
    from orchestration.contracts import CONTRACTS

    document = yaml.safe_load((DBT_PROJECT / "models/staging/sources.yml").read_text(encoding="utf-8"))
    raw = next(source for source in document["sources"] if source["name"] == "raw")
    assert [table["name"] for table in raw["tables"]] == list(CONTRACTS)
