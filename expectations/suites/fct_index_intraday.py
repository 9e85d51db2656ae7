"""fct_index_intraday: quotes and the state of the opening gap."""

from expectations.vocabulary import Suite, as_delivered, between, in_set, key_checks, no_rows, within_cut

GRAIN = ("index_code", "quote_ts")

SUITE = Suite(
    table="marts.fct_index_intraday",
    owner="index",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        between("change_ratio", -1, 1000, "A thousandfold move is a unit slip.", name="change_not_absurd"),
        as_delivered(
            "quotes_are_those_delivered", GRAIN, "work.staging.stg_index_quotes", ("last",), or_filled=("prev_close",)
        ),
        in_set(
            "open_state",
            (
                "low_open_now_up",
                "low_open_faded",
                "low_open_still_down",
                "high_open_now_down",
                "high_open_recovered",
                "high_open_still_up",
                "flat_open",
            ),
            "Readers filter on these words.",
        ),
        no_rows(
            "state_agrees_with_quote",
            "critical",
            "`now up` below the previous close, or a turn that never happened, would be told as news.",
            "select index_code, quote_ts, last, change_ratio, open_state, turned_at from {batch} where "
            "(open_state = 'low_open_now_up' and not "
            "(change_ratio > 0 and (turned_at is not null or is_opening_quote))) "
            "or (open_state = 'low_open_faded' and (change_ratio > 0 or turned_at is null)) "
            "or (open_state = 'low_open_still_down' and (change_ratio > 0 or turned_at is not null)) "
            "or (open_state = 'high_open_now_down' and not "
            "(change_ratio < 0 and (turned_at is not null or is_opening_quote))) "
            "or (open_state = 'high_open_recovered' and (change_ratio < 0 or turned_at is null)) "
            "or (open_state = 'high_open_still_up' and (change_ratio < 0 or turned_at is not null)) "
            "or (open_state = 'flat_open' and turned_at is not null) or turned_at > quote_ts",
            "state, sign and turn agree",
        ),
        no_rows(
            "nothing_known_before_it_was_quoted",
            "critical",
            "A quote known before its moment was dated in another time zone.",
            "select * from {batch} where knowledge_at < quote_ts",
            "knowledge_at at quote_ts or later",
        ),
        no_rows(
            "turns_at_a_quote_that_turned",
            "critical",
            "The minute is told as news: there must be a quote of that minute on the other side of the previous close.",
            "select t.index_code, t.quote_ts, t.open_state, t.turned_at from {batch} as t left join {batch} as q "
            "on t.index_code = q.index_code and t.turned_at = q.quote_ts "
            "where t.turned_at is not null and (q.index_code is null or q.is_opening_quote "
            "or coalesce(q.open_state, '') not in ('low_open_now_up', 'high_open_now_down'))",
            "a quote of that moment beyond the previous close",
        ),
        no_rows(
            "previous_close_is_the_close_before",
            "warning",
            "Gaps and turns are counted from it; half a percent beside the last bar it is that of another day.",
            "select q.index_code, min(q.quote_ts) as first_quote, b.close, max(q.change_ratio) as change_ratio from "
            "{batch} "
            "as q join (select index_code, trade_date, close, lead(trade_date) over (partition by index_code "
            "order by trade_date nulls last) as next_date from marts.fct_index_daily) as b on q.index_code = "
            "b.index_code "
            "and cast(q.quote_ts as date) > b.trade_date and (b.next_date is null or cast(q.quote_ts as date) <= "
            "b.next_date) "
            "and cast(q.quote_ts as date) <= b.trade_date + 14 "
            "where abs(cast(q.last as double) / (1 + q.change_ratio) / nullif(cast(b.close as double), 0) - 1) > 0.005 "
            "group by q.index_code, b.trade_date, b.close",
            "within 0.5% of the last close",
            "G9",
        ),
    ),
)
