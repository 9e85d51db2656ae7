# ruff: noqa: E501  a line is a kind of damage: tables of this length are read across
"""Damage done to the marts of a finished build: what a wrong model, join, unit or cut would have published.

Belongs here: the catalogue, one SQL script each, written from what goes wrong in this trade and not from the checks
that exist. Does not belong here: damaged files (``damage_files``), running them (``damage``).

In the scripts ``{day}`` is the last session with closing prices, ``{quote}`` the last moment with quotes, both as SQL
literals; tables are those of the build, ``work`` the other file.
"""

from __future__ import annotations

from dataclasses import dataclass

FUND, OTHER_FUND = "159567.SZ", "159570.SZ"
INDEX = "987018.CNI"
SPLIT_FUND, SPLIT_DAY = "159977.SZ", "2024-07-18"


@dataclass(frozen=True)
class MartDamage:
    """One kind of damage. ``table`` is the mart it is done to; ``miss`` why no check can or should see it."""

    name: str
    imitates: str
    table: str
    script: str
    miss: str = ""


def _set(table: str, assignments: str, where: str = "true") -> str:
    return f"update marts.{table} set {assignments} where {where}"


def _swap(table: str, one: str, other: str, where: str = "true") -> str:
    return _set(table, f"{one} = {other}, {other} = {one}", where)


def _double(table: str, where: str) -> str:
    return f"insert into marts.{table} select * from marts.{table} where {where}"


def _relabel(table: str, column: str, one: object, other: object, where: str = "true") -> str:
    """Rows of one value carry the other, and the other way round."""
    a, b = (f"'{value}'" if isinstance(value, str) else str(value) for value in (one, other))
    return _set(
        table, f"{column} = case when {column} = {a} then {b} else {a} end", f"{column} in ({a}, {b}) and {where}"
    )


def _from_row(table: str, columns: str, matching: str, where: str) -> str:
    """``columns`` of each row where ``where`` (alias t) holds are those of the row (alias s) that ``matching`` finds."""
    taken = ", ".join(f"{name} = s.{name}" for name in columns.split(", "))
    return f"update marts.{table} as t set {taken} from marts.{table} as s where ({matching}) and ({where})"


def _fed(staging: str, damage: str, mart_damage: str) -> str:
    """Damage that came with the source: the staging table that the mart is held against shows it as well."""
    return (
        f"create table work.staging.fed as from work.staging.{staging}; drop view work.staging.{staging}; "
        f"alter table work.staging.fed rename to {staging}; {damage}; {mart_damage}"
    )


LAST_DAY = "trade_date = {day}"
ONE_FUND_TODAY = f"etf_code = '{FUND}' and trade_date = {{day}}"
OLD_SET = (
    f"(select security_code, weight from marts.fct_index_membership where index_code = '{INDEX}' and valid_from = (select min(valid_from) "
    f"from marts.fct_index_membership where index_code = '{INDEX}' and valid_from > (select max(valid_from) from "
    f"marts.fct_index_membership where index_code = '{INDEX}') - 100))"
)
DAY_BEFORE = "(select previous_session_szse from marts.dim_date where date = {day})"

_ETF_DAILY = [
    ("turnover in thousands of yuan on the new day", "Tushare's amount column read as yuan",
     _set("fct_etf_daily", "turnover_cny = turnover_cny / 1000", LAST_DAY)),
    ("turnover in thousands of yuan of one fund, average price with it", "one feed of two in thousands; the average price falls out of the day's range",
     _fed("stg_etf_bars", f"update work.staging.stg_etf_bars set turnover_cny = turnover_cny / 1000 where {ONE_FUND_TODAY}",
          _set("fct_etf_daily", "turnover_cny = turnover_cny / 1000, vwap = null, vwap_status = 'contradicts_range'", ONE_FUND_TODAY))),
    ("volume in lots, everywhere", "Eastmoney's lots read as shares",
     _set("fct_etf_daily", "volume_shares = volume_shares // 100")),
    ("share counts in ten thousands on the new day, assets with them", "SSE's old unit read as shares",
     _set("fct_etf_daily", "shares = shares // 10000, aum_cny = aum_cny / 10000", LAST_DAY)),
    ("share count of one fund ten thousand times too large, assets and flow with it", "one workbook row in another unit",
     _set("fct_etf_daily", "shares = shares * 10000, aum_cny = aum_cny * 10000, net_flow_cny = shares * 9999 * unit_nav",
          ONE_FUND_TODAY)),
    ("all flows with the other sign", "yesterday minus today", _set("fct_etf_daily", "net_flow_cny = -net_flow_cny")),
    ("flow of one fund and day with the other sign", "a hand-made correction",
     _set("fct_etf_daily", "net_flow_cny = -net_flow_cny", f"{ONE_FUND_TODAY} and net_flow_cny <> 0")),
    ("flows of the new day in ten thousand yuan", "万元 read as yuan",
     _set("fct_etf_daily", "net_flow_cny = net_flow_cny / 10000", LAST_DAY)),
    ("a day twice", "a page fetched twice", _double("fct_etf_daily", LAST_DAY)),
    ("a fund gone", "its file lost", f"delete from marts.fct_etf_daily where etf_code = '{OTHER_FUND}'"),
    ("a fund missing on the new day", "a row lost in a page",
     f"delete from marts.fct_etf_daily where etf_code = '{OTHER_FUND}' and trade_date = {{day}}"),
    ("half of the funds missing on the new day", "a truncated page",
     "delete from marts.fct_etf_daily where trade_date = {day} and etf_code > '159900'"),
    ("the new day shows the prices of the day before", "a stale source under today's date",
     _from_row("fct_etf_daily", "open, high, low, close, prev_close, change_ratio, turnover_cny, volume_shares, vwap",
               f"s.etf_code = t.etf_code and s.trade_date = {DAY_BEFORE}", "t.trade_date = {day}")),
    ("the new day is absent", "yesterday's files once more", "delete from marts.fct_etf_daily where trade_date >= {day}"),
    ("open and close swapped", "columns read by position", _swap("fct_etf_daily", "open", "close")),
    ("high and low swapped", "columns read by position", _swap("fct_etf_daily", "high", "low")),
    ("volume and turnover swapped on the new day", "columns read by position",
     _set("fct_etf_daily", "volume_shares = turnover_cny, turnover_cny = volume_shares", LAST_DAY)),
    ("previous close is the close of the day", "a lag forgotten, change with it",
     _set("fct_etf_daily", "prev_close = close, change_ratio = 0", "close is not null")),
    ("change in percent", "涨跌幅 read as a ratio", _set("fct_etf_daily", "change_ratio = change_ratio * 100")),
    ("change of the new day in percent", "涨跌幅 read as a ratio",
     _set("fct_etf_daily", "change_ratio = change_ratio * 100", LAST_DAY)),
    ("a split read as inflow", "an undeclared split not found",
     f"update marts.fct_etf_daily as t set split_factor = 1, flow_status = 'final', "
     f"net_flow_cny = (t.shares - s.shares) * t.unit_nav from marts.fct_etf_daily as s where s.etf_code = t.etf_code "
     f"and t.etf_code = '{SPLIT_FUND}' and t.trade_date = date '{SPLIT_DAY}' and s.trade_date = "
     f"(select previous_session_szse from marts.dim_date where date = date '{SPLIT_DAY}')"),
    ("all dates one day on", "UTC midnight read as Shanghai",
     "create or replace table marts.fct_etf_daily as select * replace (trade_date + 1 as trade_date) "
     "from marts.fct_etf_daily"),
    ("a session's rows dated a Saturday", "date of the download taken for that of the bar",
     _set("fct_etf_daily", "trade_date = date '2025-04-19'", "trade_date = date '2025-04-18'")),
    ("net asset values of two funds swapped, assets with them", "rows of a page mixed up",
     f"update marts.fct_etf_daily as t set unit_nav = s.unit_nav, aum_cny = t.shares * s.unit_nav "
     f"from marts.fct_etf_daily as s where s.trade_date = t.trade_date and ((t.etf_code = '{FUND}' and "
     f"s.etf_code = '159915.SZ') or (t.etf_code = '159915.SZ' and s.etf_code = '{FUND}'))"),
    ("net asset value of the day before, assets with it", "the NAV was not out yet",
     "update marts.fct_etf_daily as t set unit_nav = s.unit_nav, aum_cny = t.shares * s.unit_nav "
     f"from marts.fct_etf_daily as s where s.etf_code = t.etf_code and t.trade_date = {{day}} and s.trade_date = {DAY_BEFORE}"),
    ("accumulated NAV taken for unit NAV, assets and premium with it", "neighbouring columns of one page",
     _fed("stg_etf_nav", f"update work.staging.stg_etf_nav set unit_nav = unit_nav * 3 where etf_code = '{SPLIT_FUND}' and nav_date = {{day}}",
          _set("fct_etf_daily", "unit_nav = unit_nav * 3, aum_cny = cast(unit_nav * 3 as decimal(18, 4)) * shares, "
               "premium_ratio = cast(close as double) / cast(unit_nav * 3 as double) - 1", f"etf_code = '{SPLIT_FUND}' and trade_date = {{day}}"))),
    ("premium in percent", "a ratio multiplied for display", _set("fct_etf_daily", "premium_ratio = premium_ratio * 100")),
    ("premium with the other sign", "NAV over price", _set("fct_etf_daily", "premium_ratio = -premium_ratio")),
    ("missing flows filled with zero", "coalesce", _set("fct_etf_daily", "net_flow_cny = 0", "net_flow_cny is null")),
    ("missing flows called final and zero", "coalesce, status with it",
     _set("fct_etf_daily", "net_flow_cny = 0, flow_status = 'final'", "flow_status = 'missing'")),
    ("structural zeros called final", "the calendar of creations ignored",
     _set("fct_etf_daily", "flow_status = 'final'", "flow_status = 'structural_zero'")),
    ("open days called structural zeros", "the holiday of another market",
     _set("fct_etf_daily", "flow_status = 'structural_zero', net_flow_cny = 0", LAST_DAY)),
    ("flows lost after a gap", "span of one day instead of several",
     _set("fct_etf_daily", "span_sessions = span_sessions + 1", LAST_DAY)),
    ("net asset values unknown on every recent day", "the NAV source went silent",
     _set("fct_etf_daily", "unit_nav = null, aum_cny = null, premium_ratio = null", "trade_date > {day} - 30")),
    ("knowledge of tomorrow", "a figure published after the cut used",
     _set("fct_etf_daily", "knowledge_at = knowledge_at + interval 3 day", LAST_DAY)),
    ("older half of the history gone", "raw folder half copied",
     "delete from marts.fct_etf_daily where trade_date < date '2024-04-24'"),
    ("closing price of one fund in fen, change with it", "a feed in cents",
     _set("fct_etf_daily", "open = open * 100, high = high * 100, low = low * 100, close = close * 100, "
          "change_ratio = close * 100 / prev_close - 1", ONE_FUND_TODAY)),
    ("average price ten times too high", "lots of ten", _set("fct_etf_daily", "vwap = vwap * 10")),
    ("flow at the average price of another unit", "lots of ten in the price alone",
     _set("fct_etf_daily", "net_flow_at_vwap_cny = net_flow_at_vwap_cny * 10")),
    ("turnover rate in percent", "换手率 taken as it comes",
     _set("fct_etf_daily", "turnover_rate_ratio = turnover_rate_ratio * 100")),
    ("assets of the day before", "shares of the opening count not moved",
     _from_row("fct_etf_daily", "aum_cny", f"s.etf_code = t.etf_code and s.trade_date = {DAY_BEFORE}", "t.trade_date = {day}")),
]  # fmt: skip

_ETF_OTHER = [
    ("fct_etf_flow_window", "sum over one session more", "rows between 10 preceding",
     "update marts.fct_etf_flow_window as t set cumulative_flow_cny = t.cumulative_flow_cny + d.net_flow_cny "
     "from marts.fct_etf_daily as d where d.etf_code = t.etf_code and d.net_flow_cny is not null and t.window_sessions = 10 "
     "and d.trade_date = (select max(x.date) from marts.dim_date as x where x.is_session_szse and x.date < t.as_of_date - 20)"),
    ("fct_etf_flow_window", "sum at average prices doubled", "a join that multiplies",
     _set("fct_etf_flow_window", "cumulative_flow_at_vwap_cny = cumulative_flow_at_vwap_cny * 2")),
    ("fct_etf_flow_window", "windows of 5 and 20 swapped", "a join on the wrong column",
     _relabel("fct_etf_flow_window", "window_sessions", 5, 20)),
    ("fct_etf_flow_window", "average over the days known", "avg() instead of sum / n",
     _set("fct_etf_flow_window", "average_flow_cny = cumulative_flow_cny / (window_sessions - missing_days - 1)",
          "window_sessions - missing_days > 1")),
    ("fct_etf_flow_window", "missing days called structural zeros", "NULL read as zero",
     _set("fct_etf_flow_window", "structural_zero_days = structural_zero_days + missing_days, missing_days = 0",
          "missing_days > 0")),
    ("fct_etf_flow_window", "greatest flow is the average", "avg() in place of max()",
     _set("fct_etf_flow_window", "max_daily_flow_cny = average_flow_cny")),
    ("fct_etf_flow_window", "inflows and outflows swapped", "the sign of the flow turned",
     _swap("fct_etf_flow_window", "inflow_days", "outflow_days")),
    ("fct_etf_flow_window", "streak counts every inflow day", "breaks of a streak ignored",
     _set("fct_etf_flow_window", "inflow_streak = inflow_days")),
    ("fct_etf_flow_window", "the newest windows absent", "a lag of one session",
     "delete from marts.fct_etf_flow_window where as_of_date >= {day}"),
    ("fct_etf_flow_window", "windows of ten gone", "an in-list lost a value",
     "delete from marts.fct_etf_flow_window where window_sessions = 10"),
    ("fct_etf_intraday", "last price times a thousand", "prices in 厘",
     _set("fct_etf_intraday", "last = last * 1000, change_ratio = last * 1000 / prev_close - 1")),
    ("fct_etf_intraday", "turnover in ten thousand yuan", "成交额(万) read as yuan",
     _fed("stg_etf_quotes", "update work.staging.stg_etf_quotes set turnover_cny = turnover_cny / 10000",
          _set("fct_etf_intraday", "turnover_cny = turnover_cny / 10000"))),
    ("fct_etf_intraday", "premium with the other sign", "基金折价率 read as a premium",
     _set("fct_etf_intraday", "premium_ratio = -premium_ratio")),
    ("fct_etf_intraday", "quote times eight hours late", "Shanghai read as UTC",
     "create or replace table marts.fct_etf_intraday as select * replace (quote_ts + interval 8 hour as quote_ts) "
     "from marts.fct_etf_intraday"),
    ("fct_etf_intraday", "quotes end at ten", "a fetch that stopped",
     _fed("stg_etf_quotes", "delete from work.staging.stg_etf_quotes where quote_ts > {quote} - interval 30 minute",
          "delete from marts.fct_etf_intraday where quote_ts > {quote} - interval 30 minute")),
    ("fct_etf_intraday", "change against the open", "the open taken for the previous close",
     _set("fct_etf_intraday", "change_ratio = last / open - 1", "open > 0")),
    ("fct_etf_intraday", "half of the funds without the last quote", "a truncated page of quotes",
     _fed("stg_etf_quotes", "delete from work.staging.stg_etf_quotes where quote_ts = {quote} and etf_code > '159900'",
          "delete from marts.fct_etf_intraday where quote_ts = {quote} and etf_code > '159900'")),
    ("fct_etf_intraday", "a fund without its last quote", "an inner join on profiles",
     f"delete from marts.fct_etf_intraday where quote_ts = {{quote}} and etf_code = '{OTHER_FUND}'"),
    ("fct_etf_tracking", "difference with the other sign", "index minus fund",
     _set("fct_etf_tracking", "tracking_difference = -tracking_difference")),
    ("fct_etf_tracking", "error not annualised", "the square root of 252 forgotten",
     _set("fct_etf_tracking", "tracking_error_annualised = tracking_error_annualised / sqrt(252)")),
    ("fct_etf_tracking", "index return in Hong Kong dollars", "currency not converted, difference with it",
     _set("fct_etf_tracking", "index_return_cny_ratio = index_return_cny_ratio + 0.03, "
          "tracking_difference = tracking_difference - 0.03")),
    ("fct_etf_tracking", "days used counted twice", "a join that multiplies",
     _set("fct_etf_tracking", "days_used = days_used * 2")),
]  # fmt: skip

_INDEX = [
    ("fct_index_daily", "one index shows the prices of another on the new day", "codes mixed up in a page",
     _fed("stg_index_bars", "update work.staging.stg_index_bars as t set open = s.open, high = s.high, low = s.low, close = s.close, "
          "prev_close = s.prev_close from marts.fct_index_daily as s where s.index_code = 'HSI.HI' and s.trade_date = t.trade_date "
          "and t.index_code = 'HSTECH.HI' and t.trade_date = {day}",
          _from_row("fct_index_daily", "open, high, low, close, prev_close, change_ratio, open_gap_ratio",
                    "s.index_code = 'HSI.HI' and s.trade_date = t.trade_date", "t.index_code = 'HSTECH.HI' and t.trade_date = {day}"))),
    ("fct_index_daily", "change in percent", "涨跌幅 read as a ratio", _set("fct_index_daily", "change_ratio = change_ratio * 100")),
    ("fct_index_daily", "opening gap against the close", "open over close",
     _set("fct_index_daily", "open_gap_ratio = open / close - 1", "open > 0 and close > 0")),
    ("fct_index_daily", "levels of one index ten times too high", "a rebased series",
     _fed("stg_index_bars", "update work.staging.stg_index_bars set open = open * 10, high = high * 10, low = low * 10, close = close * 10, "
          f"prev_close = prev_close * 10 where index_code = '{INDEX}'",
          _set("fct_index_daily", "open = open * 10, high = high * 10, low = low * 10, close = close * 10, prev_close = prev_close * 10",
               f"index_code = '{INDEX}'"))),
    ("fct_index_daily", "a Friday dated Sunday", "date of the download taken for that of the bar",
     _set("fct_index_daily", "trade_date = date '2025-04-13'", "trade_date = date '2025-04-11'")),
    ("fct_index_daily", "an index gone", "its file lost", "delete from marts.fct_index_daily where index_code = 'HSTECH.HI'"),
    ("fct_index_daily", "turnover in hundred millions", "成交额(亿) read as yuan",
     _set("fct_index_daily", "turnover = turnover / 100000000")),
    ("fct_index_daily", "the new day repeats the day before", "a stale source under today's date",
     _from_row("fct_index_daily", "open, high, low, close, prev_close, change_ratio, open_gap_ratio, volume_shares, turnover",
               f"s.index_code = t.index_code and s.trade_date = {DAY_BEFORE}", "t.trade_date = {day}")),
    ("fct_index_intraday", "states turned round", "comparison against the open",
     _relabel("fct_index_intraday", "open_state", "low_open_now_up", "low_open_still_down")),
    ("fct_index_intraday", "turned before it turned", "first quote of the day taken",
     _set("fct_index_intraday", "turned_at = date_trunc('day', quote_ts) + interval 9 hour", "turned_at is not null")),
    ("fct_index_intraday", "previous close of another day, change with it", "a stale previous close",
     _set("fct_index_intraday", "prev_close = prev_close * 0.985, change_ratio = last / (prev_close * 0.985) - 1")),
    ("fct_index_intraday", "a quote twice", "a page fetched twice", _double("fct_index_intraday", "quote_ts = {quote}")),
    ("fct_index_membership", "newest set has the weights of an earlier month", "last month's file under this month's name",
     _fed("stg_index_weights", f"update work.staging.stg_index_weights as t set weight = s.weight from marts.fct_index_membership as n, "
          f"{OLD_SET} as s where n.index_code = '{INDEX}' and n.valid_to is null and n.change <> 'leave' and t.index_code = n.index_code "
          "and t.security_code = n.security_code and t.weight_date = n.valid_from and s.security_code = t.security_code",
          f"update marts.fct_index_membership as t set weight = s.weight from {OLD_SET} as s where s.security_code = t.security_code "
          f"and t.valid_to is null and t.change <> 'leave' and t.index_code = '{INDEX}'")),
    ("fct_index_membership", "weights in percent", "权重(%) read as a ratio", _set("fct_index_membership", "weight = weight * 100")),
    ("fct_index_membership", "a member missing in the newest set", "a row lost in a page",
     f"delete from marts.fct_index_membership where index_code = '{INDEX}' and valid_to is null and security_code = '01801.HK'"),
    ("fct_index_membership", "no set ever ends", "valid_to forgotten", _set("fct_index_membership", "valid_to = null", "change <> 'leave'")),
    ("fct_index_membership", "nobody leaves", "an anti-join lost",
     "delete from marts.fct_index_membership where change = 'leave'"),
    ("fct_index_membership", "Hong Kong codes of six digits", "zero-padded by a spreadsheet",
     _set("fct_index_membership", "security_code = '0' || security_code", "security_code like '%.HK'")),
    ("fct_constituent_daily", "weights of the set before, contributions with them", "a set that starts a month late",
     "update marts.fct_constituent_daily as t set weight = s.weight, contribution_ratio = s.weight * t.change_ratio "
     "from marts.fct_constituent_daily as s where s.index_code = t.index_code and s.security_code = t.security_code "
     "and t.trade_date = {day} and s.trade_date = (select max(date) from marts.dim_date where is_session_szse and date < {day} - 28)"),
    ("fct_constituent_daily", "two members' prices swapped, contributions with them", "codes mixed up in a page",
     f"update marts.fct_constituent_daily as t set change_ratio = s.change_ratio, contribution_ratio = t.weight * s.change_ratio "
     f"from marts.fct_constituent_daily as s where s.index_code = t.index_code and s.trade_date = t.trade_date and "
     f"t.index_code = '{INDEX}' and t.trade_date = {{day}} and ((t.security_code = '01801.HK' and s.security_code = '02269.HK') "
     "or (t.security_code = '02269.HK' and s.security_code = '01801.HK'))"),
    ("fct_constituent_daily", "a member missing on the new day", "an inner join on prices",
     f"delete from marts.fct_constituent_daily where index_code = '{INDEX}' and trade_date = {{day}} and security_code = '01801.HK'"),
    ("fct_constituent_daily", "contributions in percent points", "a ratio multiplied for display",
     _set("fct_constituent_daily", "contribution_ratio = contribution_ratio * 100")),
    ("fct_constituent_daily", "weights in percent, contributions with them", "权重(%) read as a ratio",
     _set("fct_constituent_daily", "weight = weight * 100, contribution_ratio = contribution_ratio * 100")),
    ("fct_constituent_daily", "equal weights, contributions with them", "weights lost in a join",
     "update marts.fct_constituent_daily as t set weight = 1.0 / s.n, contribution_ratio = t.change_ratio / s.n from (select "
     "index_code as i, trade_date as d, count(*) as n from marts.fct_constituent_daily group by all) as s "
     "where t.index_code = s.i and t.trade_date = s.d"),
    ("fct_constituent_daily", "unpriced members filled with zero", "coalesce",
     _set("fct_constituent_daily", "change_ratio = 0, contribution_ratio = 0", LAST_DAY)),
    ("fct_index_breadth_daily", "risers and fallers swapped", "the sign turned",
     _swap("fct_index_breadth_daily", "advancers", "decliners")),
    ("fct_index_breadth_daily", "weight rising without weights", "a share of members instead",
     _set("fct_index_breadth_daily", "weight_advancing = advancers * 1.0 / (advancers + decliners + unchanged)",
          "advancers + decliners + unchanged > 0")),
    ("fct_index_breadth_daily", "top ten is top five", "a limit changed", _set("fct_index_breadth_daily", "top10_weight = top10_weight * 0.65")),
    ("fct_index_breadth_daily", "HHI in points", "the other convention", _set("fct_index_breadth_daily", "hhi = hhi * 10000")),
    ("fct_index_breadth_daily", "change of another index", "a join on the day alone",
     f"update marts.fct_index_breadth_daily as t set index_change_ratio = s.change_ratio from marts.fct_index_daily as s "
     f"where s.trade_date = t.trade_date and s.index_code = 'HSI.HI' and t.index_code = '{INDEX}'"),
    ("fct_index_breadth_daily", "a third of the prices missing", "one market's bars late, residual with it",
     _set("fct_index_breadth_daily", "price_coverage = 0.66, contribution_residual = 0.004", LAST_DAY)),
    ("fct_index_breadth_daily", "an index without its new day", "a weight set read too late",
     f"delete from marts.fct_index_breadth_daily where index_code = '{INDEX}' and trade_date = {{day}}"),
    ("fct_constituent_intraday", "ranks turned round", "ascending for descending",
     "update marts.fct_constituent_intraday as t set rank_in_index = s.n + 1 - t.rank_in_index from (select index_code as i, "
     "quote_ts as q, max(rank_in_index) as n from marts.fct_constituent_intraday group by all) as s "
     "where t.index_code = s.i and t.quote_ts = s.q"),
    ("fct_constituent_intraday", "change in percent", "涨跌幅 read as a ratio",
     _set("fct_constituent_intraday", "change_ratio = change_ratio * 100")),
    ("fct_constituent_intraday", "most members without the last quote", "a truncated page of quotes",
     "delete from marts.fct_constituent_intraday where quote_ts = {quote} and rank_in_index > 12"),
    ("fct_constituent_intraday", "weights in percent", "权重(%) read as a ratio", _set("fct_constituent_intraday", "weight = weight * 100")),
    ("fct_index_review", "dropped members counted as added", "the two sets taken for one",
     _set("fct_index_review", "members_added = members_added + members_dropped, members_dropped = 0", "members_dropped > 0")),
    ("fct_index_review", "turnover of both ways", "the half forgotten", _set("fct_index_review", "one_way_turnover = one_way_turnover * 2")),
    ("fct_tracker_flow_window", "one tracker counted twice", "a join that multiplies",
     _set("fct_tracker_flow_window", "cumulative_flow_cny = cumulative_flow_cny * 2, average_flow_cny = average_flow_cny * 2")),
    ("fct_tracker_flow_window", "windows of 5 and 20 swapped", "a join on the wrong column",
     _relabel("fct_tracker_flow_window", "window_sessions", 5, 20)),
    ("fct_funding_category_quarterly", "attributions swapped", "the whole round in every category called a part",
     _relabel("fct_funding_category_quarterly", "attribution", "each", "fractional")),
    ("fct_funding_category_quarterly", "a region without its category", "a join that drops rows",
     _set("fct_funding_category_quarterly", "amount_usd = 0, deals = 0", "region = 'USA' and category = 'biotechnology'")),
    ("fct_visit", "visits of a month lost", "a delivery not read",
     "delete from marts.fct_visit where visit_date between date '2025-03-01' and date '2025-03-31'"),
    ("fct_visit", "notices before visits", "two dates swapped", _swap("fct_visit", "visit_date", "notice_date")),
    ("fct_index_review_member", "weights before and after swapped", "the two sets the wrong way round",
     _swap("fct_index_review_member", "weight_before", "weight_after")),
    ("fct_index_review_member", "turnover converted by a rate turned round", "HKD per CNY for CNY per HKD",
     _set("fct_index_review_member", "turnover_cny_rate = 1 / turnover_cny_rate", "turnover_currency = 'HKD'")),
    ("fct_index_review_member", "days to trade from lots", "turnover a hundred times too small",
     _set("fct_index_review_member", "average_turnover_cny = average_turnover_cny / 100")),
    ("fct_concept_daily", "the leader is the last", "ascending for descending",
     _set("fct_concept_daily", "leader_change_ratio = -leader_change_ratio")),
    ("fct_concept_daily", "sum for mean", "sum() instead of avg()",
     _set("fct_concept_daily", "equal_weight_change_ratio = equal_weight_change_ratio * members")),
    ("fct_concept_daily", "members counted twice", "two sets in one day", _set("fct_concept_daily", "members = members * 2")),
    ("fct_concept_daily", "a concept gone", "its list lost", "delete from marts.fct_concept_daily where concept = 'CRO'"),
]  # fmt: skip

_DESK = [
    ("fct_sector_daily", "turnovers in yuan and dollars swapped", "columns read by position",
     _swap("fct_sector_daily", "turnover_cny", "turnover_hkd")),
    ("fct_sector_daily", "flows of trackers counted twice", "a join that multiplies",
     _set("fct_sector_daily", "etf_net_flow_cny = etf_net_flow_cny * 2", LAST_DAY)),
    ("fct_sector_daily", "companies visited by brokers and by all swapped", "a filter turned round",
     _swap("fct_sector_daily", "companies_visited_mtd", "companies_visited_by_brokers_mtd")),
    ("fct_sector_daily", "funding of a year before", "a stale join on the quarter",
     _set("fct_sector_daily", "funding_quarter_start = funding_quarter_start - interval 1 year", "funding_quarter_start is not null")),
    ("fct_sector_daily", "funding amounts in thousands", "amounts divided for display",
     _set("fct_sector_daily", "funding_amount_usd = funding_amount_usd / 1000")),
    ("fct_sector_daily", "a sector gone", "a code missing in the crosswalk", "delete from marts.fct_sector_daily where sector_code = '801150'"),
    ("fct_sector_daily", "risers and fallers swapped on the new day", "the sign turned",
     _swap("fct_sector_daily", "advancers", "decliners", LAST_DAY)),
    ("fct_sector_visits_daily", "visits counted as companies", "distinct forgotten",
     _set("fct_sector_visits_daily", "companies_mtd = visits_mtd")),
    ("fct_sector_visits_daily", "the total is too large", "a company counted in two sectors",
     _set("fct_sector_visits_daily", "companies_mtd = companies_mtd + 3, visits_mtd = visits_mtd + 3", "sector_code = 'ALL'")),
    ("fct_sector_visits_daily", "the month is not begun anew", "month to date carried over",
     _from_row("fct_sector_visits_daily", "companies_mtd, visits_mtd, institutions_mtd, companies_excluding_briefings_mtd, "
               "visits_excluding_briefings_mtd, briefings_mtd, first_time_companies_mtd",
               "s.scheme = t.scheme and s.sector_code = t.sector_code and s.visitor_type = t.visitor_type "
               "and s.as_of_date = date '2025-03-31'", "t.as_of_date = date '2025-04-01'")),
    ("fct_sector_visits_daily", "brokers and all visitors swapped", "a filter turned round",
     _relabel("fct_sector_visits_daily", "visitor_type", "all", "broker")),
    ("fct_sector_visits_daily", "ranks turned round", "ascending for descending",
     _set("fct_sector_visits_daily", "rank_mtd = 33 - rank_mtd", "rank_mtd is not null")),
    ("fct_sector_visits_daily", "a day twice", "a page fetched twice", _double("fct_sector_visits_daily", "as_of_date = {day}")),
    ("fct_sector_visits_daily", "two sectors swapped", "codes mixed up in the crosswalk",
     _relabel("fct_sector_visits_daily", "sector_code", "801080", "801150")),
    ("fct_sector_visits_daily", "organisations counted by spelling", "names not normalised",
     _set("fct_sector_visits_daily", "institutions_mtd = institutions_mtd * 3")),
    ("fct_sector_visits_daily", "half of the visits of the month lost", "a truncated page, everything with it",
     _set("fct_sector_visits_daily", "companies_mtd = 0, visits_mtd = 0, institutions_mtd = 0, briefings_mtd = 0, "
          "companies_excluding_briefings_mtd = 0, visits_excluding_briefings_mtd = 0, first_time_companies_mtd = 0, rank_mtd = "
          "case when rank_mtd is not null then 1 end", "as_of_date >= date '2025-04-14'")),
    ("fct_visit_event_study", "excess is the sum", "plus for minus",
     _set("fct_visit_event_study", "excess_return_ratio = event_return_ratio + usual_return_ratio")),
    ("fct_visit_event_study", "horizons of 1 and 20 swapped", "a join on the wrong column",
     _relabel("fct_visit_event_study", "horizon_sessions", 1, 20)),
    ("fct_visit_event_study", "returns in percent", "a ratio multiplied for display",
     _set("fct_visit_event_study", "event_return_ratio = event_return_ratio * 100, usual_return_ratio = usual_return_ratio * 100, "
          "excess_return_ratio = excess_return_ratio * 100")),
]  # fmt: skip

_FUNDING = [
    ("fct_funding_quarterly", "two regions swapped", "country codes mixed up", _relabel("fct_funding_quarterly", "region", "USA", "CHN")),
    ("fct_funding_quarterly", "amounts of one region in thousands", "one file in another unit",
     _set("fct_funding_quarterly", "amount_usd = amount_usd / 1000", "region = 'USA'")),
    ("fct_funding_quarterly", "all amounts in thousands", "an export in another unit",
     _set("fct_funding_quarterly", "amount_usd = amount_usd / 1000, base_amount_usd = base_amount_usd / 1000, "
          "base_amount_known_year_ago_usd = base_amount_known_year_ago_usd / 1000")),
    ("fct_funding_quarterly", "growth in percent", "a ratio multiplied for display",
     _set("fct_funding_quarterly", "yoy_latest = yoy_latest * 100, yoy_lag_matched = yoy_lag_matched * 100")),
    ("fct_funding_quarterly", "growth without minus one", "a ratio of amounts",
     _set("fct_funding_quarterly", "yoy_latest = yoy_latest + 1", "yoy_latest is not null")),
    ("fct_funding_quarterly", "deleted rounds counted", "deleted_at not read, the world with them",
     _set("fct_funding_quarterly", "deals = deals + 4", "region in ('USA', 'GLOBAL') and quarter_start = date '2024-10-01'")),
    ("fct_funding_quarterly", "quarters one later", "announced in the next quarter",
     "create or replace table marts.fct_funding_quarterly as select * replace (cast(quarter_start + interval 3 month as date) "
     "as quarter_start) from marts.fct_funding_quarterly"),
    ("fct_funding_quarterly", "disclosed is undisclosed", "the share of NULLs",
     _set("fct_funding_quarterly", "disclosed_share = 1 - disclosed_share")),
    ("fct_funding_quarterly", "segment of all is that of innovative drugs", "a filter lost",
     _from_row("fct_funding_quarterly", "amount_usd, deals, disclosed_share, yoy_latest, yoy_lag_matched, base_amount_usd",
               "s.profile = t.profile and s.region = t.region and s.quarter_start = t.quarter_start and s.segment = 'all'",
               "t.segment = 'innovative_drugs'")),
    ("fct_funding_quarterly", "growth against the wrong year, base with it", "a lag of eight quarters",
     _set("fct_funding_quarterly", "base_amount_usd = base_amount_usd * 0.7, yoy_latest = amount_usd / (base_amount_usd * 0.7) - 1",
          "base_amount_usd > 0 and is_ended")),
    ("fct_funding_quarterly", "the two growths swapped", "columns read by position",
     _swap("fct_funding_quarterly", "yoy_latest", "yoy_lag_matched")),
    ("fct_funding_quarterly", "the last ended quarter absent", "a cut one quarter early",
     "delete from marts.fct_funding_quarterly where quarter_start >= date '2025-01-01'"),
    ("fct_funding_stage_quarterly", "early and late swapped", "labels mixed up",
     _relabel("fct_funding_stage_quarterly", "stage", "early", "late", "region = 'USA'")),
    ("fct_funding_stage_quarterly", "amounts of the stages times a thousand", "another unit",
     _set("fct_funding_stage_quarterly", "amount_usd = amount_usd * 1000")),
    ("fct_funding_stage_quarterly", "the unknown stage gone", "an inner join on stages",
     "delete from marts.fct_funding_stage_quarterly where stage = 'unknown'"),
    ("fct_funding_restatement", "the last vintage is the first", "min() for max()",
     _set("fct_funding_restatement", "amount_usd = first_amount_usd, deals = first_deals")),
    ("fct_funding_restatement", "changes with the other sign", "first over last",
     _set("fct_funding_restatement", "amount_change_ratio = -amount_change_ratio, deals_change_ratio = -deals_change_ratio")),
    ("fct_funding_restatement", "a vintage that knows its future", "the latest amounts in an old vintage",
     _set("fct_funding_restatement", "known_at = known_at - interval 1 year")),
    ("fct_funding_round", "amounts in thousands", "an export in another unit",
     _set("fct_funding_round", "raised_amount_usd = raised_amount_usd / 1000")),
    ("fct_funding_round", "half of the rounds gone", "a truncated page", "delete from marts.fct_funding_round where round_uuid > '8'"),
    ("fct_funding_round", "two regions swapped", "country codes mixed up", _relabel("fct_funding_round", "region", "USA", "CHN")),
    ("fct_funding_round", "a round twice", "a join that multiplies",
     "insert into marts.fct_funding_round select * from marts.fct_funding_round limit 1"),
]  # fmt: skip

_DIMS = [
    ("dim_date", "a holiday is a session", "a calendar without the holiday list", _set("dim_date", "is_session_szse = true", "date = date '2025-04-04'")),
    ("dim_date", "a session is a holiday", "an override of the wrong day", _set("dim_date", "is_session_szse = false", "date = {day}")),
    ("dim_date", "the calendar ends today", "horizon of the calendar library", "delete from marts.dim_date where date > {day} + 1"),
    ("dim_etf", "a fund tracks another index", "profiles mixed up", _set("dim_etf", "tracked_index_code = 'HSI.HI'", f"etf_code = '{FUND}'")),
    ("dim_etf", "a fund without a row", "an inner join", f"delete from marts.dim_etf where etf_code = '{FUND}'"),
    ("dim_etf", "creation units in ten thousands", "万份 read as shares", _set("dim_etf", "creation_unit = creation_unit // 10000")),
    ("dim_index", "an index without a row", "an inner join", f"delete from marts.dim_index where index_code = '{INDEX}'"),
    ("dim_index", "currency of Hong Kong called yuan", "a default", _set("dim_index", "currency = 'CNY'", "market = 'HK'")),
    ("dim_security", "Hong Kong codes of six digits", "zero-padded by a spreadsheet",
     _set("dim_security", "security_code = '0' || security_code", "market = 'HK'")),
    ("dim_security", "members without a row", "master file truncated", "delete from marts.dim_security where security_code > '3'"),
    ("dim_security", "two markets swapped", "suffix lost", _relabel("dim_security", "market", "HK", "SZ")),
    ("dim_sector", "a sector without a row", "a code missing in the crosswalk", "delete from marts.dim_sector where sector_code = '801150'"),
    ("dim_concept", "a concept without a row", "a seed cut short", "delete from marts.dim_concept where concept = 'CRO'"),
    ("dim_connect_eligibility", "a channel nobody knows", "another spelling", _set("dim_connect_eligibility", "channel = 'shanghai'", "channel = 'SH_HK'")),
    ("dim_connect_eligibility", "spans that end before they begin", "in and out dates swapped",
     _set("dim_connect_eligibility", "valid_to = valid_from - 1")),
]  # fmt: skip

_NOTE = [
    ("value of the wrong claim", "a case in the wrong order",
     _set("rpt_market_note", "value = (select value from marts.rpt_market_note where claim_id = 'leader_1_change')", "claim_id = 'etf_change'")),
    ("growth in percent", "a ratio multiplied for display", _set("rpt_market_note", "value = value * 100", "claim_id = 'funding_yoy_usa'")),
    ("note of yesterday", "a stale file", _set("rpt_market_note", "note_date = note_date - 1")),
    ("growth with the other sign", "last year over this year", _set("rpt_market_note", "value = -value", "claim_id = 'funding_yoy_global'")),
    ("broker visits are any visits", "a filter lost",
     _set("rpt_market_note", "value = (select value from marts.rpt_market_note where claim_id = 'visits_companies_all_any_visitor')",
          "claim_id = 'visits_companies_all'")),
    ("leaders out of order", "ascending for descending", _relabel("rpt_market_note", "claim_id", "leader_1_change", "leader_8_change")),
    ("the sentence says another figure", "a template with the wrong figure",
     _set("rpt_market_note", "claim = replace(claim, '3.72', '2.73')", "claim_id = 'etf_change'")),
    ("cumulative flow in ten thousand yuan", "万元 read as yuan", _set("rpt_market_note", "value = value / 10000", "claim_id = 'etf_cumulative_flow'")),
    ("turned at another minute", "time zone", _set("rpt_market_note", "value_text = '01:52'", "claim_id = 'hsi_turned_positive'")),
    ("a claim gone", "a union lost a branch", "delete from marts.rpt_market_note where claim_id = 'cro_decliners'"),
    ("a figure invented", "a missing figure filled", _set("rpt_market_note", "status = 'not_available'", "claim_id = 'etf_change'")),
    ("inflow days of another window", "window of 20 for 10", _set("rpt_market_note", "value = value + 3", "claim_id = 'etf_inflow_days'")),
    ("concept members of another day", "a stale list", _set("rpt_market_note", "value = value - 2", "claim_id = 'cro_advancers'")),
]  # fmt: skip

_META = [
    ("a batch lost in the books", "accounting cut short",
     "delete from meta.batches where batch_id = (select max(batch_id) from meta.batches where rows_accepted > 0)"),
    ("rows accepted that raw does not hold", "a Parquet file lost", "update meta.batches set rows_accepted = rows_accepted + 1, "
     "rows_landed = rows_landed + 1 where table_name = 'etf_bars'"),
    ("rows landed that nobody accounts for", "rows dropped silently", "update meta.batches set rows_landed = rows_landed + 10 where "
     "table_name = 'broker_visits'"),
]  # fmt: skip

MISSES = {
    "quotes end at ten": "A morning's quotes may end at any minute; the note says that its data ends at 10:00, and "
    "status how old it is.",
}
"""Why damage of that name is let through without a word."""

MART_DAMAGE: tuple[MartDamage, ...] = (
    *(MartDamage(name, like, "marts.fct_etf_daily", script, MISSES.get(name, "")) for name, like, script in _ETF_DAILY),
    *(
        MartDamage(name, like, f"marts.{table}", script, MISSES.get(name, ""))
        for table, name, like, script in (*_ETF_OTHER, *_INDEX, *_DESK, *_FUNDING, *_DIMS)
    ),
    *(MartDamage(name, like, "marts.rpt_market_note", script) for name, like, script in _NOTE),
    *(MartDamage(name, like, "meta.batches", script) for name, like, script in _META),
)
