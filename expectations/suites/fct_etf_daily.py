"""fct_etf_daily: bars, shares, NAV and the day's creation flow."""

from expectations.vocabulary import Measure, Suite, between, follows, in_set, key_checks, known, no_rows, within_cut

GRAIN = ("etf_code", "trade_date")

SESSION_BEFORE, SIXTY_SESSIONS = 30, 120
"""Days that hold them: a fund has a row for each session, and no holiday is longer than two weeks."""

NEIGHBOURS = (
    "select *, max(case when shares is not null then place end) over earlier as place_before, "
    "lag(shares) over ordered as before, lag(unit_nav) over ordered as nav_before from ("
    "select *, row_number() over (partition by etf_code order by trade_date nulls last) as place from {batch}) as days "
    "window ordered as (partition by etf_code order by trade_date nulls last), "
    "earlier as (partition by etf_code order by trade_date nulls last rows between unbounded preceding and 1 preceding)"
)
"""Each day with the share count and NAV of the row before, and the place of the last row with a count."""

REPEATED = (
    "select *, count(*) over earlier as earlier_days, max(same_prices) over earlier as most_same_prices, "
    "max(same_navs) over earlier as most_same_navs, max(other_previous) over earlier as most_other_previous, "
    "max(price_ratio) over earlier as greatest_price_ratio, min(price_ratio) over earlier as least_price_ratio from ("
    "select trade_date, count(close_before) as funds, "
    "avg(case when close = close_before and turnover_cny = turnover_before then 1.0 when close is not null then 0 end) "
    "as same_prices, avg(case when unit_nav = nav_before then 1.0 when unit_nav is not null then 0 end) as same_navs, "
    "avg(case when abs(prev_close - close_before) > 0.0015 then 1.0 when prev_close is not null then 0 end) "
    "as other_previous, "
    "median(cast(turnover_cny as double) / nullif(volume_shares, 0) / nullif(cast(close as double), 0)) as price_ratio "
    "from (select *, lag(close) over ordered as close_before, lag(turnover_cny) over ordered as turnover_before, "
    "lag(unit_nav) over ordered as nav_before from {batch} "
    "window ordered as (partition by etf_code order by trade_date nulls last)) as days "
    "group by trade_date having count(close_before) >= 5) as daily "
    "window earlier as (order by trade_date nulls last rows between 60 preceding and 1 preceding)"
)
"""Days of five funds or more: which part of them repeats the day before, and how that was on the sixty days before."""

SUITE = Suite(
    table="marts.fct_etf_daily",
    owner="etf",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        known("flow_status", "A flow without its status cannot be told from a guess."),
        in_set(
            "flow_status",
            ("final", "estimated", "structural_zero", "missing", "split_adjusted"),
            "Readers filter on these words.",
        ),
        no_rows(
            "missing_means_null",
            "critical",
            "A missing flow that shows a figure, or a stated flow without one, is invented or lost money.",
            "select etf_code, trade_date, flow_status, net_flow_cny from {batch} "
            "where (flow_status = 'missing') <> (net_flow_cny is null)",
            "NULL exactly where missing",
            reach=0,
        ),
        no_rows(
            "structural_zero_is_zero",
            "critical",
            "No creation is possible on such a session.",
            "select etf_code, trade_date, net_flow_cny from {batch} "
            "where flow_status = 'structural_zero' and net_flow_cny <> 0",
            "flow 0.00",
            reach=0,
        ),
        no_rows(
            "status_says_the_price",
            "critical",
            "Final flows are valued at the NAV; without one they are estimated at the close (contracts R25, R26).",
            "select etf_code, trade_date, flow_status, unit_nav, close from {batch} "
            "where (flow_status in ('final', 'split_adjusted') and unit_nav is null) "
            "or (flow_status = 'estimated' and (unit_nav is not null or close is null))",
            "final with a NAV, estimated without",
            "G7",
            reach=0,
        ),
        no_rows(
            "flows_are_those_computed",
            "critical",
            "Flow, status and span are taken over from where they are computed exactly, out of counts that are "
            "fractions on the day of a split.",
            "select m.etf_code, m.trade_date, m.flow_status, f.flow_status as computed_status, m.net_flow_cny, "
            "f.net_flow_cny as computed_cny, m.span_sessions, f.span_sessions as computed_span from {batch} as m "
            "left join (select * from work.intermediate.int_etf_flows where trade_date >= {since}) as f on "
            "m.etf_code = f.etf_code and m.trade_date = f.trade_date "
            "where f.etf_code is null or m.flow_status is distinct from f.flow_status "
            "or m.net_flow_cny is distinct from f.net_flow_cny or m.span_sessions is distinct from f.span_sessions",
            "the flow computed",
            "G5",
            reach=0,
        ),
        no_rows(
            "split_factor_is_the_splits",
            "critical",
            "A split that the day does not carry is booked as the largest inflow of the year, one that it invents as "
            "the largest outflow.",
            "select m.etf_code, m.trade_date, m.split_factor, s.numerator, s.denominator, s.split_source, "
            "m.flow_status, m.net_flow_cny from {batch} as m left join work.intermediate.int_etf_splits as s "
            "on m.etf_code = s.etf_code and m.trade_date = s.trade_date where abs(m.split_factor "
            "/ coalesce(cast(s.numerator as double) / cast(s.denominator as double), 1) - 1) > 1e-9 "
            "or (s.etf_code is not null and m.split_factor is null)",
            "numerator / denominator of the split of that day, 1 without",
            "G5",
            reach=0,
        ),
        no_rows(
            "no_jump_against_the_price",
            "warning",
            "Shares that jump by more than 30% while NAV, or the close where the NAV is unknown, goes the other way "
            "by as much are a split that no one declared and the detector could not find: the flow stands as computed "
            "(contracts R21), most of it no money. A fifth is left for creations and the day's return.",
            "select etf_code, trade_date, before, shares, price_before, price, net_flow_cny from (select *, "
            "coalesce(case when nav_before is not null then unit_nav end, close) as price, "
            "case when unit_nav is not null and nav_before is not null then nav_before else close_before end "
            f"as price_before from (select *, lag(close) over (partition by etf_code order by trade_date nulls last) "
            f"as close_before from ({NEIGHBOURS}) as neighbours) as days) as priced where split_factor = 1 "
            "and shares > 0 and before > 0 and price > 0 and price_before > 0 "
            "and abs(ln(cast(shares as double) / before)) > ln(1.3) "
            "and abs(ln(cast(price as double) / cast(price_before as double))) > ln(1.3) "
            "and abs(ln(cast(shares as double) / before) + ln(cast(price as double) / cast(price_before as double))) "
            "< ln(1.2)",
            "no jump of shares that the price takes back",
            "G5",
            reach=SESSION_BEFORE,
        ),
        no_rows(
            "bars_are_those_delivered",
            "critical",
            "Prices, volume, turnover and NAV that were delivered and known are published as they were delivered; "
            "columns mixed up, and a close of another day, are ours.",
            "select m.etf_code, m.trade_date, m.open, m.high, m.low, m.close, b.close as delivered_close, "
            "m.prev_close, b.prev_close as delivered_prev_close, m.volume_shares, b.volume_shares as delivered_volume, "
            "m.turnover_cny, b.turnover_cny as delivered_turnover, m.unit_nav, n.unit_nav as delivered_nav "
            "from {batch} as m left join (select * from work.staging.stg_etf_bars where trade_date >= {since}) as b "
            "on m.etf_code = b.etf_code and m.trade_date = b.trade_date left join (select * from "
            "work.staging.stg_etf_nav where nav_date >= {since}) as n on m.etf_code = n.etf_code "
            "and m.trade_date = n.nav_date where m.open is distinct from b.open or m.high is distinct from b.high "
            "or m.low is distinct from b.low or m.close is distinct from b.close "
            "or (b.prev_close is not null and m.prev_close is distinct from b.prev_close) "
            "or m.volume_shares is distinct from b.volume_shares or m.turnover_cny is distinct from b.turnover_cny "
            "or m.unit_nav is distinct from n.unit_nav",
            "the bars and NAVs delivered",
            "G16",
            reach=0,
        ),
        no_rows(
            "other_prices_same_shares",
            "warning",
            "The flow at the average price or at the close counts the shares that net_flow_cny counts: their quotient "
            "is that of the prices. A cent of rounding on either side.",
            "select etf_code, trade_date, net_flow_cny, net_flow_at_vwap_cny, net_flow_at_close_cny from {batch} where "
            + " or ".join(
                f"(net_flow_at_{basis}_cny is not null and (net_flow_cny is null or abs(net_flow_at_{basis}_cny "
                f"- net_flow_cny * cast({basis} as double) / cast(coalesce(unit_nav, close) as double)) > 0.01 "
                f"+ 0.01 * cast({basis} as double) / cast(coalesce(unit_nav, close) as double) "
                f"+ 1e-12 * abs(net_flow_at_{basis}_cny)))"
                for basis in ("vwap", "close")
            ),
            "net_flow_cny times the quotient of the prices",
            "G7",
            reach=0,
        ),
        no_rows(
            "date_is_session",
            "critical",
            "Windows count sessions; a row between two sessions shifts every one of them.",
            "select b.etf_code, b.trade_date from {batch} as b "
            "left join marts.dim_date as d on b.trade_date = d.date and d.is_session_szse where d.date is null",
            "an SZSE session",
            "G12",
            reach=0,
        ),
        no_rows(
            "ohlc_order",
            "critical",
            "The door refuses such bars; here it means that columns were mixed up.",
            "select etf_code, trade_date, open, high, low, close from {batch} "
            "where high < low or high < open or high < close or low > open or low > close",
            "low ≤ open, close ≤ high",
            "G8",
            reach=0,
        ),
        no_rows(
            "aum_is_shares_times_nav",
            "critical",
            "One cent: both sides are exact and rounded once; more means a unit slipped (万份, 千元).",
            "select etf_code, trade_date, shares, unit_nav, aum_cny from {batch} "
            "where abs(aum_cny - shares * unit_nav) > 0.01",
            "within 0.01 CNY",
            "G7",
            Measure("select max(abs(aum_cny - shares * unit_nav)) from {batch}", "largest difference {:.4f} CNY"),
            reach=0,
        ),
        between(
            "split_factor",
            1e-6,
            1e6,
            "A split of more than a million to one is a data error; zero is impossible.",
            gate="G5",
        ),
        between(
            "change_ratio",
            -1,
            1000,
            "A thousandfold day is a unit slip; a 1:100 merger that nobody declared stays below.",
            name="change_not_absurd",
            gate="G1",
        ),
        between(
            "change_ratio",
            -0.31,
            0.31,
            "Price limits are 10%, 20% and 30% (observed 2025); beyond is a first day, a split or an error.",
            "warning",
            name="change_within_limits",
        ),
        between(
            "premium_ratio",
            -0.2,
            0.2,
            "Cross-border funds have traded up to about 20% over NAV (2024-01); beyond, NAV and price belong apart.",
            "warning",
            name="premium_plausible",
        ),
        no_rows(
            "turnover_keeps_its_unit",
            "warning",
            "Five ETFs or more, their median: a market's turnover has never changed twentyfold overnight; lots and "
            "thousands do.",
            "select trade_date, median(ratio) as median_ratio, count(*) as etfs from (select trade_date, "
            "turnover_cny / "
            "lag(turnover_cny) over (partition by etf_code order by trade_date nulls last) as ratio from {batch} "
            "where turnover_cny > 0) as changes where ratio is not null group by trade_date "
            "having count(*) >= 5 and (median(ratio) > 20 or median(ratio) < 0.05)",
            "median change between 1/20 and 20",
            "G1",
        ),
        no_rows(
            "every_session_has_its_row",
            "critical",
            "From the first to the last session of an ETF each has its row (contracts R28); windows count them.",
            "select f.etf_code, f.found, count(d.date) as sessions from (select etf_code, count(*) as found, "
            "min(trade_date) as first_date, max(trade_date) as last_date from {batch} group by etf_code) as f "
            "join marts.dim_date as d on d.date between f.first_date and f.last_date and d.is_session_szse "
            "group by f.etf_code, f.found having f.found <> count(d.date)",
            "as many rows as sessions",
            "G12",
        ),
        no_rows(
            "share_basis_of_the_exchange",
            "critical",
            "Shenzhen's counts are those before the open, Shanghai's those after the close (contracts R20); mistaken, "
            "every flow is a session late. Files in the canonical columns say their basis themselves.",
            "select etf_code, share_date, share_basis, _feed, _file from work.raw.etf_shares "
            "where (_feed like 'szse.%' or _feed like 'sse.%' or _feed like 'akshare.%' or _feed like 'tushare.%') "
            "and share_basis <> case when etf_code like '%.SZ' then 'open_of_day' else 'close_of_day' end",
            "open_of_day in Shenzhen, close_of_day in Shanghai",
            "G6",
        ),
        no_rows(
            "providers_agree_on_shares",
            "warning",
            "Two providers that count one fund's shares differently: one has a unit, a day or a correction that the "
            "other has not. Sixty days back; older differences have been seen.",
            "select etf_code, share_date, share_basis, min(shares) as least, max(shares) as most, "
            "string_agg(_feed, ', ' order by _feed) as feeds from ("
            "select etf_code, share_date, share_basis, _feed, max_by(shares, knowledge_at) as shares "
            "from work.raw.etf_shares where knowledge_at <= (select as_of from work.control.build_parameters) "
            "and share_date >= (select cast(timezone('Asia/Shanghai', as_of) as date) - 60 "
            "from work.control.build_parameters) group by etf_code, share_date, share_basis, _feed) as feeds "
            "group by etf_code, share_date, share_basis having min(shares) <> max(shares)",
            "one figure for one fund and day",
            "G16",
        ),
        follows(
            "change_is_close_over_previous",
            GRAIN,
            "change_ratio",
            "cast(close as double) / nullif(cast(prev_close as double), 0) - 1",
            "The definition; another figure belongs to other prices, or is in percent.",
            "close / prev_close − 1",
        ),
        follows(
            "premium_is_close_over_nav",
            GRAIN,
            "premium_ratio",
            "cast(close as double) / nullif(cast(unit_nav as double), 0) - 1",
            "The definition; another figure belongs to other prices, has the other sign, or is in percent.",
            "close / unit_nav − 1",
        ),
        no_rows(
            "flow_is_change_of_shares",
            "warning",
            "The definition over one session (contracts R24), in the units after a split; to the cent. In a session "
            "with "
            "a split a flow below a creation unit is published as 0 (contracts R27).",
            f"select etf_code, trade_date, flow_status, net_flow_cny, shares, before, unit_nav, split_factor from "
            f"({NEIGHBOURS}) "
            "as days where span_sessions = 1 and flow_status in ('final', 'split_adjusted') "
            "and not (split_factor <> 1 and net_flow_cny = 0) "
            "and abs(cast(net_flow_cny as double) - (shares - split_factor * before) * cast(unit_nav as double)) "
            "> 0.01 + 1e-12 * (shares + split_factor * before) * cast(unit_nav as double)",
            "(shares − k · shares before) · NAV",
            "G5",
            reach=SESSION_BEFORE,
        ),
        no_rows(
            "spans_reach_back_to_the_last_count",
            "warning",
            "A flow over several sessions says so (contracts R24); the window that holds it depends on it.",
            f"select etf_code, trade_date, flow_status, span_sessions, place - place_before as sessions from "
            f"({NEIGHBOURS}) "
            "as days where flow_status in ('final', 'split_adjusted', 'estimated') "
            "and span_sessions <> place - place_before",
            "sessions since the last share count",
        ),
        no_rows(
            "structural_zeros_follow_the_calendar",
            "warning",
            "Creations are closed by the fund's calendar and by nothing else (contracts R22, R23).",
            "select etf_code, trade_date, flow_status, creation_open, net_flow_cny from {batch} "
            "where (flow_status = 'structural_zero' and creation_open is distinct from false) "
            "or (flow_status = 'final' and net_flow_cny = 0 and not creation_open)",
            "structural_zero exactly where creations are closed and nothing changed",
            reach=0,
        ),
        no_rows(
            "prices_are_not_those_of_the_day_before",
            "warning",
            "A source that stood still under a new date. Five funds or more, nine in ten of them with the close and "
            "the "
            "turnover of the day before, or with its NAV; never seen in the twenty days before that or more.",
            f"select trade_date, funds, same_prices, same_navs from ({REPEATED}) as days where earlier_days >= 20 "
            "and ((same_prices > 0.9 and most_same_prices < 0.5) or (same_navs > 0.9 and most_same_navs < 0.5))",
            "a new day has new figures",
            "G12",
        ),
        no_rows(
            "previous_close_is_the_close_before",
            "warning",
            "A dividend moves it in one fund; in most funds of a day only a day that was lost or taken twice does. "
            "Five "
            "funds or more, more than half of them, never so in the twenty days before that or more.",
            f"select trade_date, funds, other_previous from ({REPEATED}) as days where earlier_days >= 20 "
            "and other_previous > 0.5 and most_other_previous < 0.25",
            "as a rule the close of the session before",
            "G9",
        ),
        no_rows(
            "previous_close_is_not_the_close",
            "warning",
            "A lag that was forgotten makes every change zero. Of a hundred bars or more that moved since the bar "
            "before, "
            "more than half say that they did not.",
            "select count(*) as moved, avg(case when prev_close = close then 1.0 else 0 end) as unmoved from (select "
            "close, "
            "prev_close, lag(close) over (partition by etf_code order by trade_date nulls last) as close_before "
            "from {batch}) as bars where close <> close_before having count(*) >= 100 "
            "and avg(case when prev_close = close then 1.0 else 0 end) > 0.5",
            "bars that moved say so",
            "G9",
        ),
        no_rows(
            "turnover_is_volume_times_price",
            "warning",
            "Lots for shares or thousands for yuan move it a hundredfold. The median of five funds or more beyond five "
            "times the price, where it was within twice the price on twenty days before that or more.",
            f"select trade_date, funds, price_ratio from ({REPEATED}) as days where earlier_days >= 20 "
            "and (price_ratio > 5 or price_ratio < 0.2) and greatest_price_ratio < 2 and least_price_ratio > 0.5",
            "turnover / volume near the close",
            "G1",
        ),
        no_rows(
            "turnover_of_a_fund_is_volume_times_price",
            "warning",
            "The same of one fund, beyond ten times its own price.",
            "select etf_code, trade_date, turnover_cny, volume_shares, low, high from {batch} "
            "where cast(turnover_cny as double) / nullif(volume_shares, 0) not between 0.1 * cast(low as double) "
            "and 10 * cast(high as double)",
            "turnover / volume within the day's prices",
            "G1",
            reach=0,
        ),
        no_rows(
            "shares_keep_their_unit",
            "warning",
            "A fund that grows or shrinks fiftyfold overnight, splits apart, where it did not so in the twenty counts "
            "before that or more: 万份 for 份.",
            "select etf_code, trade_date, shares, before from (select *, "
            "count(ratio) over earlier as counts, max(ratio) over earlier as most, min(ratio) over earlier as least "
            "from ("
            f"select *, shares / (split_factor * before) as ratio from ({NEIGHBOURS}) as days) as days "
            "window earlier as (partition by etf_code order by trade_date nulls last rows between 60 preceding "
            "and 1 preceding)) as days where counts >= 20 and most < 10 and least > 0.1 and (ratio > 50 or ratio < "
            "0.02)",
            "within fifty times the count before",
            "G1",
            reach=SIXTY_SESSIONS,
        ),
        no_rows(
            "split_agrees_with_nav",
            "warning",
            "Behind a split of k the NAV is 1/k of what it was; a third either way is left for the day's return.",
            f"select etf_code, trade_date, split_factor, unit_nav, nav_before from ({NEIGHBOURS}) as days "
            "where split_factor <> 1 and abs(ln(split_factor * cast(unit_nav as double) / cast(nav_before as double))) "
            "> 0.3",
            "k · NAV / NAV before near 1",
            "G5",
            reach=SESSION_BEFORE,
        ),
        no_rows(
            "nav_change_within_limits",
            "warning",
            "NAVs move with prices, whose limits are 10%, 20% and 30%; beyond, two funds were mixed up or a split was "
            "not found.",
            f"select etf_code, trade_date, unit_nav, nav_before, split_factor from ({NEIGHBOURS}) as days "
            "where abs(split_factor * cast(unit_nav as double) / cast(nav_before as double) - 1) > 0.31",
            "-0.31 to 0.31",
            reach=SESSION_BEFORE,
        ),
        no_rows(
            "price_and_nav_belong_together",
            "warning",
            "A premium beyond 50% in a fund that stayed within 20% on the sixty days before: accumulated NAV for unit "
            "NAV, another fund's NAV, a price in another unit.",
            "select etf_code, trade_date, close, unit_nav, premium_ratio from (select *, "
            "count(premium_ratio) over earlier as known, max(abs(premium_ratio)) over earlier as most from {batch} "
            "window earlier as (partition by etf_code order by trade_date nulls last rows between 60 preceding "
            "and 1 preceding)) as days where known >= 20 and most < 0.2 and abs(premium_ratio) > 0.5",
            "within 50% where it never left 20%",
            "G7",
            reach=SIXTY_SESSIONS,
        ),
    ),
)
