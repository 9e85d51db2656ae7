"""fct_index_daily: index bars."""

from expectations.vocabulary import Suite, between, key_checks, no_rows, within_cut

GRAIN = ("index_code", "trade_date")

SUITE = Suite(
    table="marts.fct_index_daily",
    owner="index",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        no_rows(
            "ohlc_order",
            "critical",
            "The door refuses such bars; here it means that columns were mixed up.",
            "select index_code, trade_date, open, high, low, close from {batch} "
            "where high < low or high < open or high < close or low > open or low > close",
            "low ≤ open, close ≤ high",
            "G8",
        ),
        between("change_ratio", -1, 1000, "A thousandfold day is a unit slip.", name="change_not_absurd", gate="G1"),
        between(
            "change_ratio",
            -0.25,
            0.25,
            "The Hang Seng's worst day was -33% (1987-10-26), its best +19%; broad indices move less.",
            "warning",
            name="change_plausible",
        ),
        no_rows(
            "date_is_session",
            "warning",
            "Before 2000 the calendars are known to err, so such bars are kept; later ones the door refuses.",
            "select b.index_code, b.trade_date from {batch} as b left join marts.dim_date as d on "
            "b.trade_date = d.date "
            "where b.trade_date >= date '2000-01-01' and not coalesce(d.is_session_szse or d.is_session_hk, false)",
            "a session of Shenzhen or Hong Kong",
            "G12",
        ),
        no_rows(
            "sessions_complete",
            "warning",
            "Changes are taken from bar to bar: over a hole two days become one. A year back, sessions on which every "
            "market that the index needs was open.",
            "select i.index_code, d.date from (select index_code, min(trade_date) as first_date, "
            "max(trade_date) as last_date from {batch} group by index_code) as i "
            "left join marts.dim_index as x on i.index_code = x.index_code "
            "join marts.dim_date as d on d.date > i.first_date and d.date > i.last_date - interval 365 day "
            "and d.date < i.last_date and d.is_session_szse "
            "and (d.is_session_hk or x.market = 'CN') "
            "left join {batch} as b on i.index_code = b.index_code and d.date = b.trade_date "
            "where b.index_code is null",
            "a bar for every session of the last year",
            "G12",
        ),
    ),
)
