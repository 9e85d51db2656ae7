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
        ),
        between("change_ratio", -1, 1000, "A thousandfold day is a unit slip.", name="change_not_absurd"),
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
        ),
    ),
)
