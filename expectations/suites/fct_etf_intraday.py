"""fct_etf_intraday: quotes of the session."""

from expectations.vocabulary import Suite, as_delivered, between, follows, key_checks, no_rows, within_cut

GRAIN = ("etf_code", "quote_ts")

SUITE = Suite(
    table="marts.fct_etf_intraday",
    owner="etf",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        between("change_ratio", -1, 1000, "A thousandfold move is a unit slip.", name="change_not_absurd", gate="G1"),
        as_delivered(
            "quotes_are_those_delivered",
            GRAIN,
            "work.staging.stg_etf_quotes",
            ("last", "open", "prev_close", "volume_shares", "turnover_cny", "iopv"),
        ),
        no_rows(
            "turnover_does_not_fall",
            "warning",
            "Turnover of a session only grows; a fall means mixed feeds or a corrected print.",
            "select etf_code, quote_ts, turnover_cny, before from (select etf_code, quote_ts, turnover_cny, "
            "max(turnover_cny) over (partition by etf_code, cast(quote_ts as date) order by quote_ts nulls last "
            "rows between unbounded preceding and 1 preceding) as before from {batch}) as quotes "
            "where turnover_cny < before",
            "never below an earlier quote of the day",
            "G9",
        ),
        no_rows(
            "nothing_known_before_it_was_quoted",
            "critical",
            "A quote known before its moment was dated in another time zone.",
            "select * from {batch} where knowledge_at < quote_ts",
            "knowledge_at at quote_ts or later",
        ),
        follows(
            "change_is_last_over_previous",
            GRAIN,
            "change_ratio",
            "cast(last as double) / nullif(cast(prev_close as double), 0) - 1",
            "The definition; the open taken for the previous close gives another figure.",
            "last / prev_close − 1",
        ),
        follows(
            "premium_is_last_over_iopv",
            GRAIN,
            "premium_ratio",
            "cast(last as double) / nullif(cast(iopv as double), 0) - 1",
            "The definition; Eastmoney's 折价率 has the other sign.",
            "last / iopv − 1",
        ),
        no_rows(
            "market_within_price_limits",
            "warning",
            "A market whose middle ETF moved by more than the widest price limit has other units, not other prices.",
            "select quote_ts, count(change_ratio) as funds, median(change_ratio) as middle from {batch} group by "
            "quote_ts "
            "having count(change_ratio) >= 5 and abs(median(change_ratio)) > 0.31",
            "median change -0.31 to 0.31",
            "G1",
        ),
        no_rows(
            "turnover_is_volume_times_price",
            "warning",
            "Lots for shares or ten thousands for yuan move it a hundredfold.",
            "select quote_ts, count(*) as funds, median(ratio) as middle from (select quote_ts, cast(turnover_cny as "
            "double) "
            "/ nullif(volume_shares, 0) / nullif(cast(last as double), 0) as ratio from {batch}) as quotes "
            "where ratio is not null group by quote_ts having count(*) >= 5 and (median(ratio) > 5 or median(ratio) < "
            "0.2)",
            "turnover / volume near the price",
            "G1",
        ),
        no_rows(
            "last_quote_is_whole",
            "warning",
            "A page cut off leaves funds without the quote that the others have.",
            "select quote_ts, funds, usual from (select quote_ts, count(*) as funds, "
            "median(count(*)) over (partition by cast(quote_ts as date)) as usual, "
            "max(quote_ts) over () as newest from {batch} group by quote_ts) as quotes "
            "where quote_ts = newest and funds < 0.9 * usual",
            "90% of the funds of the day's other quotes",
            "G3",
        ),
    ),
)
