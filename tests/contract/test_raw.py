"""The input layer: canonical columns of every raw table, written out, and their types."""

import pyarrow as pa
import pytest

from orchestration.contracts import CONTRACTS
from orchestration.contracts.base import PROVENANCE
from orchestration.dialects import dialects_of, match_header

TABLES = {
    "etf_profiles": "*etf_code name_en name_zh manager tracked_index_code listed_on creation_unit creation_calendar",
    "etf_bars": "*etf_code *trade_date open high low close prev_close volume_shares turnover_cny",
    "etf_quotes": "*etf_code *quote_ts last open prev_close volume_shares turnover_cny iopv",
    "etf_shares": "*etf_code *share_date *share_basis shares",
    "etf_nav": "*etf_code *nav_date unit_nav accumulated_nav published_on",
    "etf_splits": "*etf_code *effective_date numerator denominator",
    "index_bars": "*index_code *trade_date open high low close prev_close volume_shares turnover",
    "index_quotes": "*index_code *quote_ts last open prev_close",
    "index_weights": "*index_code *weight_date *security_code security_name weight published_at",
    "securities": "*security_code name_en name_zh issuer_id listed_on delisted_on",
    "security_bars": "*security_code *trade_date open high low close prev_close volume_shares turnover currency",
    "security_quotes": "*security_code *quote_ts last open prev_close volume_shares turnover currency",
    "organizations": "*org_uuid name country_code category_list category_groups_list updated_at",
    "funding_rounds": "*round_uuid org_uuid announced_on investment_type raised_amount_usd country_code investor_count "
    "created_at updated_at deleted_at",
    "broker_visits": "*security_code *visit_date *visit_way *visitor_org visitor_type visitor_names notice_date",
    "sector_members": "*security_code *scheme *level *valid_from sector_code sector_name valid_to",
    "concept_members": "*concept *security_code *as_of_date source",
    "connect_eligibility": "*security_code *channel *valid_from valid_to sell_only",
    "fx_rates": "*pair *kind *rate_date rate",
}


def test_the_raw_tables_are_these() -> None:
    assert set(CONTRACTS) == set(TABLES)


@pytest.mark.parametrize("table", TABLES)
def test_columns_and_keys(table: str) -> None:
    contract = CONTRACTS[table]
    listed = TABLES[table].split()
    added = tuple(name for name in contract.columns if name in contract.beside)
    assert contract.columns == (*(name.lstrip("*") for name in listed), *added)
    assert contract.key == tuple(name.lstrip("*") for name in listed if name.startswith("*"))


@pytest.mark.parametrize("table", TABLES)
def test_money_is_decimal_shares_are_whole_moments_have_a_zone(table: str) -> None:
    schema = CONTRACTS[table].arrow_schema()
    for field in schema:
        if field.name.startswith(("turnover", "raised_amount")):
            assert field.type == pa.decimal128(20, 2)
        if field.name in ("open", "high", "low", "close", "prev_close", "last", "iopv", "unit_nav", "accumulated_nav"):
            assert field.type == pa.decimal128(18, 4)
        if field.name in ("shares", "volume_shares", "creation_unit"):
            assert field.type == pa.int64()
        if pa.types.is_timestamp(field.type):
            assert field.type == pa.timestamp("us", tz="UTC")
    assert set(schema.names[-len(PROVENANCE) :]) >= {
        "_feed",
        "_file",
        "_row",
        "_batch_id",
        "_ingested_at",
        "knowledge_at",
    }


@pytest.mark.parametrize("table", TABLES)
def test_the_canonical_header_is_always_canonical(table: str) -> None:
    names = [name.lstrip("*") for name in TABLES[table].split()]
    for header in (names, [*reversed(names)], [*names, "knowledge_at"], [n.upper() for n in names]):
        assert match_header(table, header).dialect.name == "canonical"


@pytest.mark.parametrize("table", TABLES)
def test_every_dialect_names_columns_of_its_contract(table: str) -> None:
    contract = CONTRACTS[table]
    for dialect in dialects_of(table):
        targets = {column.target for column in dialect.columns}
        targets |= {column.target for view in dialect.views for column in view.columns}
        targets |= {name for name, _ in (*dialect.constants, *dialect.constants_by_suffix, *dialect.path_columns)}
        assert targets <= {*contract.columns, "knowledge_at"}, dialect.name
        assert len({d.name for d in dialects_of(table)}) == len(dialects_of(table))
