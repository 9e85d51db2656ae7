"""The input layer: one contract per raw table. Add a table by adding its module and naming it in ``TABLES``."""

from importlib import import_module

from orchestration.contracts.base import Contract

TABLES = (
    "etf_profiles",
    "etf_bars",
    "etf_quotes",
    "etf_shares",
    "etf_nav",
    "etf_splits",
    "index_bars",
    "index_quotes",
    "index_weights",
    "securities",
    "security_bars",
    "security_quotes",
    "organizations",
    "funding_rounds",
    "broker_visits",
    "sector_members",
    "concept_members",
    "connect_eligibility",
    "fx_rates",
)

CONTRACTS: dict[str, Contract] = {table: import_module(f"orchestration.contracts.{table}").CONTRACT for table in TABLES}
