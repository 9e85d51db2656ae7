"""fct_index_daily: index bars."""

from expectations.vocabulary import Suite, as_delivered, between, follows, key_checks, no_rows, within_cut

GRAIN = ("index_code", "trade_date")

NEIGHBOURS = (
    "select *, count(*) over earlier as earlier_bars, max(apart) over earlier as most_apart, "
    "max(is_same) over earlier as any_same from (select *, "
    "abs(cast(prev_close as double) / nullif(cast(close_before as double), 0) - 1) as apart, "
    "high > low and close = close_before and open = open_before and high = high_before "
    "and low = low_before as is_same from ("
    "select *, lag(close) over ordered as close_before, lag(open) over ordered as open_before, "
    "lag(high) over ordered as high_before, lag(low) over ordered as low_before from {batch} "
    "window ordered as (partition by index_code order by trade_date nulls last)) as bars) as compared "
    "window earlier as (partition by index_code order by trade_date nulls last rows between 60 preceding and 1 "
    "preceding)"
)
"""Each bar beside the one before it, and how the sixty before that lay beside theirs."""

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
        as_delivered(
            "bars_are_those_delivered",
            GRAIN,
            "work.staging.stg_index_bars",
            ("open", "high", "low", "close", "volume_shares", "turnover"),
            or_filled=("prev_close",),
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
        follows(
            "change_is_close_over_previous",
            GRAIN,
            "change_ratio",
            "cast(close as double) / nullif(cast(prev_close as double), 0) - 1",
            "The definition; another figure belongs to other prices, or is in percent.",
            "close / prev_close − 1",
        ),
        follows(
            "gap_is_open_over_previous",
            GRAIN,
            "open_gap_ratio",
            "cast(open as double) / nullif(cast(prev_close as double), 0) - 1",
            "The definition; the day's close taken for the close before gives another figure.",
            "open / prev_close − 1",
        ),
        no_rows(
            "previous_close_is_the_close_before",
            "warning",
            "Another index's prices, or a day lost: the close before differs by more than 2% in an index where it "
            "never did "
            "by 1% on the twenty bars before that or more.",
            f"select index_code, trade_date, prev_close, close_before from ({NEIGHBOURS}) as bars "
            "where earlier_bars >= 20 and most_apart < 0.01 and apart > 0.02",
            "within 2% where it never left 1%",
            "G9",
        ),
        no_rows(
            "prices_are_not_those_of_the_day_before",
            "warning",
            "A source that stood still under a new date: open, high, low and close of the bar before, in an index "
            "whose "
            "twenty bars before that or more were never alike. Flat bars are those of a day without trade.",
            f"select index_code, trade_date, open, high, low, close from ({NEIGHBOURS}) as bars "
            "where earlier_bars >= 20 and not coalesce(any_same, false) and is_same",
            "a new day has new figures",
            "G12",
        ),
    ),
)
