# ruff: noqa: E501  a line is a kind of damage: tables of this length are read across
"""Damage done to the next delivery of a raw table: what a provider, a spreadsheet or a broken fetch would land.

Belongs here: a clean delivery of each table, made of what the table holds, and what can be wrong with it. What becomes
of a delivery is asked in ``damage``. ``beyond`` of a damage that no single file shows (a row fewer, another company's
figures) names the damage to the marts that stands for it there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

DELIVERIES: dict[str, str] = {
    "etf_profiles": "select * replace (name_en || ' A' as name_en) from raw",
    "etf_bars": "select * replace (date '2025-04-24' as trade_date) from raw where trade_date = date '2025-04-23'",
    "etf_quotes": "select * replace (quote_ts + interval 1 minute as quote_ts) from raw "
    "where quote_ts = (select max(quote_ts) from raw)",
    "etf_shares": "select * exclude (size_cny) replace (date '2025-04-24' as share_date, 'close_of_day' as share_basis) "
    "from raw where share_date = date '2025-04-23' and share_basis = 'close_of_day'",
    "etf_nav": "select etf_code, date '2025-04-24' as nav_date, unit_nav, accumulated_nav, null as published_on from raw "
    "where nav_date = date '2025-04-23'",
    "etf_splits": "select '159567.SZ' as etf_code, date '2025-04-24' as effective_date, 2 as numerator, 1 as denominator",
    "index_bars": "select * replace (date '2025-04-24' as trade_date) from raw where trade_date = date '2025-04-23'",
    "index_quotes": "select * replace (quote_ts + interval 1 minute as quote_ts) from raw "
    "where quote_ts = (select max(quote_ts) from raw)",
    "index_weights": "select * replace (date '2025-04-24' as weight_date, null as published_at) from raw "
    "where index_code = '987018.CNI' and weight_date = (select max(weight_date) from raw where index_code = '987018.CNI')",
    "securities": "select * replace (name_en || ' A' as name_en) from raw limit 100",
    "security_bars": "select * replace (date '2025-04-24' as trade_date) from raw where trade_date = date '2025-04-23'",
    "security_quotes": "select * replace (quote_ts + interval 1 minute as quote_ts) from raw "
    "where quote_ts = (select max(quote_ts) from raw)",
    "organizations": "select * replace (timestamptz '2025-04-24 08:00:00+08' as updated_at) from (select distinct on (org_uuid) * from raw order by org_uuid) limit 200",
    "funding_rounds": "select * replace (timestamptz '2025-04-24 08:00:00+08' as updated_at, raised_amount_usd * 1.01 "
    "as raised_amount_usd, null as deleted_at) from (select distinct on (round_uuid) * from raw order by round_uuid) "
    "where raised_amount_usd > 0 and announced_on > date '2024-01-01' "
    "limit 200",
    "broker_visits": "select * replace (date '2025-04-23' as visit_date, date '2025-04-24' as notice_date) from "
    "(select distinct on (security_code, visit_way, visitor_org) * from raw where visit_date > date '2025-04-01') limit 200",
    "sector_members": "select * replace (date '2025-04-24' as valid_from) from raw where level = 'L1' and valid_to is null limit 50",
    "concept_members": "select * replace (date '2025-04-24' as as_of_date) from raw where as_of_date = (select max(as_of_date) from raw)",
    "connect_eligibility": "select * replace (date '2025-04-24' as valid_from, null as valid_to) from raw limit 50",
    "fx_rates": "select * replace (date '2025-04-24' as rate_date) from raw where rate_date = (select max(rate_date) from raw)",
}
"""Raw table -> the query of its next delivery; ``raw`` holds the contract's columns of what is there."""

Spoil = Callable[[bytes], bytes]


@dataclass(frozen=True)
class FileDamage:
    """``query`` reads the clean delivery as ``clean``; ``spoil`` changes the bytes of the file."""

    table: str
    name: str
    imitates: str
    query: str = "select * from clean"
    spoil: Spoil | None = None
    beyond: str = ""
    miss: str = ""


def _with(changes: str) -> str:
    return f"select * replace ({changes}) from clean"


def _line(place: int, change: Callable[[str], str]) -> Spoil:
    """Change one line of the file (0 is the header)."""

    def spoil(content: bytes) -> bytes:
        lines = content.decode().splitlines()
        lines[place] = change(lines[place])
        return "\n".join([*lines, ""]).encode()

    return spoil


def _swapped_names(one: str, other: str) -> Spoil:
    """Two names of the header change places."""
    return _line(0, lambda header: header.replace(one, "\0").replace(other, one).replace("\0", other))


def _cut_in_a_row(content: bytes) -> bytes:
    return content[: len(content) // 2].rstrip(b"\n")[:-4]


FILE_DAMAGE: tuple[FileDamage, ...] = (
    FileDamage("etf_bars", "turnover in thousands of yuan", "Tushare's amount under another header", _with("turnover_cny / 1000 as turnover_cny")),
    FileDamage("etf_bars", "volume in lots", "Eastmoney's 成交量 under another header", _with("volume_shares // 100 as volume_shares")),
    FileDamage("etf_bars", "prices in 厘", "integers for prices", _with("open * 1000 as open, high * 1000 as high, low * 1000 as low, close * 1000 as close, prev_close * 1000 as prev_close")),
    FileDamage("etf_bars", "names of high and low swapped", "columns written by position", spoil=_swapped_names("high", "low")),
    FileDamage("etf_bars", "names of volume and turnover swapped", "columns written by position", spoil=_swapped_names("volume_shares", "turnover_cny")),
    FileDamage("etf_bars", "bars dated a Saturday", "the day of the download", _with("date '2025-04-19' as trade_date")),
    FileDamage("etf_bars", "bars of tomorrow", "a clock ahead", _with("date '2025-04-25' as trade_date")),
    FileDamage("etf_bars", "a page cut in the middle of a row", "a connection that broke", spoil=_cut_in_a_row, beyond="half of the funds missing on the new day"),
    FileDamage("etf_bars", "a page without half of its funds", "a page limit", "select * from clean where etf_code > '159900'", beyond="half of the funds missing on the new day"),
    FileDamage("etf_bars", "the header is a page of errors", "HTML with status 200", spoil=lambda content: b"<html><body>502 Bad Gateway</body></html>"),
    FileDamage("etf_bars", "nothing", "an empty answer", spoil=lambda content: b""),
    FileDamage("etf_bars", "the file of the day before", "yesterday's file again", _with("date '2025-04-23' as trade_date")),
    FileDamage("etf_bars", "yesterday's figures under today's date", "a stale source", beyond="the new day shows the prices of the day before"),
    FileDamage("etf_bars", "each fund twice, other prices", "two pages of different minutes", "select * from clean union all select * replace (close * 1.001 as close) from clean"),
    FileDamage("etf_bars", "close gone from the header", "a column renamed", spoil=_line(0, lambda header: header.replace("etf_code", "code"))),
    FileDamage("etf_bars", "prices with a minus", "a sign", _with("-close as close, -low as low")),
    FileDamage("etf_bars", "change in the place of the close", "涨跌额 under 收盘", _with("close - prev_close as close")),
    FileDamage("etf_bars", "decimal commas", "a spreadsheet's locale", "select etf_code, trade_date, replace(cast(open as varchar), '.', ',') as open, high, low, close, prev_close, volume_shares, turnover_cny from clean"),
    FileDamage("etf_quotes", "turnover in ten thousand yuan", "成交额(万)", _with("turnover_cny / 10000 as turnover_cny"), beyond="turnover in ten thousand yuan"),
    FileDamage("etf_quotes", "quotes of the afternoon before they were", "UTC read as Shanghai", _with("quote_ts + interval 16 hour as quote_ts")),
    FileDamage("etf_shares", "counts in ten thousands", "SSE before its change of unit", _with("shares // 10000 as shares")),
    FileDamage("etf_shares", "counts of zero", "an empty cell as 0", _with("0 as shares")),
    FileDamage("etf_shares", "counts of the opening called those of the close", "R20 mistaken", _with("shares * 1.02 as shares"), miss="A count of either basis is a plausible count: files in the canonical columns say their basis themselves; those of providers are checked by share_basis_of_the_exchange."),
    FileDamage("etf_nav", "accumulated NAV in the place of the unit's", "neighbouring columns", _with("unit_nav * 3 as unit_nav"), beyond="accumulated NAV taken for unit NAV, assets and premium with it"),
    FileDamage("etf_nav", "NAV in cents", "another unit", _with("unit_nav * 100 as unit_nav, accumulated_nav * 100 as accumulated_nav")),
    FileDamage("etf_nav", "NAV of tomorrow", "the date of the announcement", _with("date '2025-04-25' as nav_date")),
    FileDamage("etf_splits", "a factor of zero", "an empty denominator", _with("0 as denominator")),
    FileDamage("etf_splits", "the factor turned round", "old shares per new", _with("1 as numerator, 2 as denominator"),
               miss="A declared split beats what shares and prices show (contracts R21); a merger of 1:2 is as possible as a split of 2:1, and shares that do not follow it are warned by the audit of splits on the next day."),
    FileDamage("index_bars", "turnover in hundred millions", "成交额(亿)", _with("turnover / 100000000 as turnover"), beyond="turnover in hundred millions"),
    FileDamage("index_bars", "levels with names of open and high swapped", "columns written by position", spoil=_swapped_names("open", "high")),
    FileDamage("index_bars", "bars on a holiday", "the day of the download", _with("date '2025-04-04' as trade_date")),
    FileDamage("index_quotes", "quotes in the future", "UTC read as Shanghai", _with("quote_ts + interval 16 hour as quote_ts")),
    FileDamage("index_quotes", "last a thousand times too small", "a decimal point", _with("last / 1000 as last, open / 1000 as open, prev_close / 1000 as prev_close")),
    FileDamage("index_weights", "weights in percent", "权重(%) under another header", _with("weight * 100 as weight")),
    FileDamage("index_weights", "weights a hundred times too small", "percent taken twice", _with("weight / 100 as weight")),
    FileDamage("index_weights", "codes of six digits with .HK", "zero-padded by a spreadsheet", _with("'0' || security_code as security_code")),
    FileDamage("index_weights", "bare codes of six digits", "suffix lost", _with("'0' || left(security_code, 5) as security_code")),
    FileDamage("index_weights", "half of the set", "a page limit", "select * from clean order by weight limit 20",
               miss="Kept raw, used by no mart and named by an audit (contracts R31): weights that sum to less than 0.995."),
    FileDamage("securities", "codes of six digits with .HK", "zero-padded by a spreadsheet", _with("case when security_code like '%.HK' then '0' || security_code else security_code end as security_code")),
    FileDamage("securities", "delisted before listed", "two dates swapped", _with("listed_on - 1 as delisted_on")),
    FileDamage("security_bars", "volume in lots", "手 read as shares", _with("volume_shares // 100 as volume_shares")),
    FileDamage("security_bars", "turnover in thousands", "千元 read as yuan", _with("turnover / 1000 as turnover")),
    FileDamage("security_bars", "a currency that is none", "a name for a code", _with("'RMB?' as currency"),
               miss="The contract asks no pattern of a currency; turnovers of an unknown one are in no sum, and reviews say fx_missing."),
    FileDamage("security_bars", "high below low", "columns written by position", spoil=_swapped_names("high", "low")),
    FileDamage("security_quotes", "turnover in ten thousands", "成交额(万)", _with("turnover / 10000 as turnover"),
               miss="No mart shows the turnover of securities within the day, and two quotes of a morning tell no unit."),
    FileDamage("security_quotes", "texts for prices", "停牌 in a price column", "select * exclude (last), '停牌' as last from clean"),
    FileDamage("organizations", "countries of two letters", "alpha-2 for alpha-3", _with("left(country_code, 2) as country_code")),
    FileDamage("funding_rounds", "amounts in thousands", "an export in another unit", _with("raised_amount_usd / 1000 as raised_amount_usd")),
    FileDamage("funding_rounds", "negative amounts", "a refund booked as a round", _with("-raised_amount_usd as raised_amount_usd")),
    FileDamage("funding_rounds", "types nobody knows", "a new name of a stage", _with("'mega_round' as investment_type")),
    FileDamage("funding_rounds", "announced a century late", "a year of two digits", _with("announced_on + interval 100 year as announced_on")),
    FileDamage("broker_visits", "notices before their visits", "two dates swapped", _with("notice_date as visit_date, visit_date as notice_date")),
    FileDamage("broker_visits", "codes without a market", "suffix and zeros lost by a spreadsheet", _with("ltrim(left(security_code, 6), '0') as security_code")),
    FileDamage("broker_visits", "names read in another encoding", "GBK as Latin-1", spoil=lambda content: content.decode().encode("gb18030").decode("latin-1").encode()),
    FileDamage("sector_members", "a sector that ends before it begins", "two dates swapped", _with("valid_from - 30 as valid_to")),
    FileDamage("concept_members", "lists of tomorrow", "a clock ahead", _with("date '2027-04-25' as as_of_date")),
    FileDamage("connect_eligibility", "spans that end before they begin", "two dates swapped", _with("valid_from - 30 as valid_to")),
    FileDamage("connect_eligibility", "a channel nobody knows", "another spelling", _with("'shanghai' as channel"), beyond="a channel nobody knows"),
    FileDamage("fx_rates", "a rate turned round", "CNY per HKD for HKD per CNY", _with("1 / rate as rate"),
               beyond="turnover converted by a rate turned round"),
    FileDamage("fx_rates", "a rate per hundred", "the central parity's own unit", _with("rate * 100 as rate")),
    FileDamage("etf_profiles", "creation units of zero", "an empty cell as 0", _with("0 as creation_unit")),
    FileDamage("etf_profiles", "listed in the last century", "a year of two digits", _with("listed_on - interval 100 year as listed_on")),
)  # fmt: skip
