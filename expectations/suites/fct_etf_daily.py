"""fct_etf_daily: bars, shares, NAV and the day's creation flow."""

from expectations.vocabulary import Measure, Suite, between, in_set, key_checks, known, no_rows, within_cut

GRAIN = ("etf_code", "trade_date")

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
        ),
        no_rows(
            "structural_zero_is_zero",
            "critical",
            "No creation is possible on such a session.",
            "select etf_code, trade_date, net_flow_cny from {batch} "
            "where flow_status = 'structural_zero' and net_flow_cny <> 0",
            "flow 0.00",
        ),
        no_rows(
            "date_is_session",
            "critical",
            "Windows count sessions; a row between two sessions shifts every one of them.",
            "select b.etf_code, b.trade_date from {batch} as b "
            "left join marts.dim_date as d on b.trade_date = d.date and d.is_session_szse where d.date is null",
            "an SZSE session",
            "G12",
        ),
        no_rows(
            "ohlc_order",
            "critical",
            "The door refuses such bars; here it means that columns were mixed up.",
            "select etf_code, trade_date, open, high, low, close from {batch} "
            "where high < low or high < open or high < close or low > open or low > close",
            "low ≤ open, close ≤ high",
            "G8",
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
    ),
)
