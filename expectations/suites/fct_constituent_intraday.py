"""fct_constituent_intraday: members by change at each quote."""

from expectations.vocabulary import Suite, between, key_checks, no_rows, within_cut

GRAIN = ("index_code", "quote_ts", "security_code")

SUITE = Suite(
    table="marts.fct_constituent_intraday",
    owner="index",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        between("weight", 0, 1, "A weight is a ratio: 9.52% is 0.0952."),
        between("change_ratio", -1, 1000, "A thousandfold move is a unit slip.", name="change_not_absurd"),
        no_rows(
            "rank_follows_change",
            "critical",
            "Each rank is given once, 1 to the highest change; 1e-12, as equal ratios differ in the last bit "
            "of a double.",
            "select index_code, quote_ts, security_code, rank_in_index, change_ratio, better from (select *, "
            "lag(change_ratio) over (partition by index_code, quote_ts order by rank_in_index nulls last) as better, "
            "row_number() over (partition by index_code, quote_ts order by rank_in_index nulls last) as place "
            "from {batch} where rank_in_index is not null) as ranked "
            "where rank_in_index <> place or change_ratio > better + 1e-12",
            "1, 2, 3 … by falling change",
        ),
        no_rows(
            "nothing_known_before_it_was_quoted",
            "critical",
            "A quote known before its moment was dated in another time zone.",
            "select * from {batch} where knowledge_at < quote_ts",
            "knowledge_at at quote_ts or later",
        ),
        no_rows(
            "change_is_the_quotes",
            "warning",
            "A member has the change that its own quote has.",
            "select m.index_code, m.quote_ts, m.security_code, m.change_ratio, q.last, q.prev_close from {batch} as m "
            "join work.staging.stg_security_quotes as q on m.security_code = q.security_code and m.quote_ts = "
            "q.quote_ts "
            "where q.prev_close > 0 and abs(m.change_ratio - (cast(q.last as double) / cast(q.prev_close as double) - "
            "1)) "
            "> 1e-9",
            "last / prev_close − 1",
            "G9",
        ),
        no_rows(
            "last_quote_is_whole",
            "warning",
            "Leaders are taken from the last quote: a page cut off leaves members out of them.",
            "select index_code, quote_ts, members, usual from (select index_code, quote_ts, count(*) as members, "
            "median(count(*)) over (partition by index_code, cast(quote_ts as date)) as usual, "
            "max(quote_ts) over (partition by index_code) as newest from {batch} group by index_code, quote_ts) as "
            "quotes "
            "where quote_ts = newest and members < 0.9 * usual",
            "90% of the members of the day's other quotes",
            "G3",
        ),
    ),
)
