"""rpt_market_note: every claim told or said to be missing."""

from expectations.vocabulary import Suite, in_set, key_checks, known, no_rows
from warehouse.claims import CLAIM_IDS

GRAIN = ("note_date", "claim_id")

CLAIMS = ", ".join(f"('{claim}')" for claim in CLAIM_IDS)


def _named(column: str) -> str:
    """The value that a claim's filter gives to a column of its source."""
    return f"regexp_extract(n.source_filter, '{column} = ''([^'']+)''', 1)"


QUOTE = f"q.quote_ts = try_cast({_named('quote_ts')} as timestamptz)"

SOURCES = " union all ".join(
    f"select n.claim_id, {value} as value, {text} as text from {{batch}} as n join marts.{table} as q on {matching}"
    for table, value, text, matching in (
        (
            "fct_etf_intraday",
            "case n.claim_id when 'etf_change' then q.change_ratio else cast(q.turnover_cny as double) end",
            "cast(null as varchar)",
            f"n.source_table = 'fct_etf_intraday' and q.etf_code = {_named('etf_code')} and {QUOTE}",
        ),
        (
            "fct_constituent_intraday",
            "q.change_ratio",
            "q.security_code",
            f"n.source_table = 'fct_constituent_intraday' and q.index_code = {_named('index_code')} and {QUOTE} "
            "and n.claim_id = 'leader_' || cast(q.rank_in_index as varchar) || '_change'",
        ),
        (
            "fct_index_intraday",
            "case when n.claim_id like '%open_gap' then q.open_gap_ratio end",
            "case when n.claim_id like '%open_state' then q.open_state when n.claim_id like '%turned_positive' "
            "and q.open_state like 'low%' then strftime(q.turned_at, '%H:%M') end",
            f"n.source_table = 'fct_index_intraday' and q.index_code = {_named('index_code')} and {QUOTE}",
        ),
        (
            "fct_etf_flow_window",
            "case n.claim_id when 'etf_inflow_days' then q.inflow_days when 'etf_window_sessions' then "
            "q.window_sessions "
            "when 'etf_structural_zero_days' then q.structural_zero_days else cast(q.cumulative_flow_cny as double) "
            "end",
            "cast(null as varchar)",
            f"n.source_table = 'fct_etf_flow_window' and q.etf_code = {_named('etf_code')} and q.window_sessions = 10 "
            f"and q.as_of_date = try_cast({_named('as_of_date')} as date)",
        ),
        (
            "fct_sector_visits_daily",
            "q.companies_mtd",
            "cast(null as varchar)",
            "n.source_table = 'fct_sector_visits_daily' and q.scheme = 'SW2021' and q.sector_code = case "
            "when n.claim_id like '%electronics%' then '801080' when n.claim_id like '%healthcare%' then '801150' "
            "else 'ALL' end and q.visitor_type = case when n.claim_id like '%any_visitor' then 'all' else 'broker' end "
            f"and q.as_of_date = try_cast({_named('as_of_date')} as date)",
        ),
        (
            "fct_funding_quarterly",
            "case when n.claim_id like '%lag_matched' then q.yoy_lag_matched else q.yoy_latest end",
            "cast(null as varchar)",
            "n.source_table = 'fct_funding_quarterly' and q.profile = 'cb_news_venture' and q.segment = "
            "'innovative_drugs' "
            "and q.region = upper(split_part(n.claim_id, '_', 3)) "
            f"and q.quarter_start = try_cast({_named('quarter_start')} as date)",
        ),
        (
            "fct_concept_daily",
            "case n.claim_id when 'cro_members' then q.members when 'cro_advancers' then q.advancers else q.decliners "
            "end",
            "cast(null as varchar)",
            f"n.source_table = 'fct_concept_daily' and q.concept = {_named('concept')} "
            f"and q.trade_date = try_cast({_named('trade_date')} as date)",
        ),
    )
)
"""What the row of a mart says that a claim names; claims taken from closing prices have no line here."""

SUITE = Suite(
    table="marts.rpt_market_note",
    owner="desk",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        known("status", "A claim is reproduced or it is not available."),
        in_set("status", ("reproduced", "not_available"), "Readers filter on these words."),
        known("claim", "A claim without its sentence says nothing."),
        no_rows(
            "every_claim_present",
            "critical",
            "A claim that silently drops out of the note reads like no news.",
            f"select c.claim_id from (values {CLAIMS}) as c(claim_id) left join {{batch}} as n on c.claim_id "
            "= n.claim_id "
            "where n.claim_id is null and (select count(*) from {batch}) > 0",
            "all claims of the contract",
        ),
        no_rows(
            "one_note_per_release",
            "critical",
            "Two dates in one note would mix two mornings.",
            "select count(distinct note_date) as dates from {batch} having count(distinct note_date) > 1",
            "one note_date",
        ),
        no_rows(
            "figure_exactly_where_reproduced",
            "critical",
            "A figure is never invented, and a reproduced claim shows one.",
            "select claim_id, status, value, value_text from {batch} where (status = 'not_available' and "
            "value is not null) "
            "or (status = 'reproduced' and value is null and value_text is null)",
            "a figure if and only if reproduced",
        ),
        no_rows(
            "figures_are_those_of_their_rows",
            "critical",
            "Each claim names the row that it was taken from; the note must say what that row says.",
            f"select n.claim_id, n.value, s.value as in_the_mart, n.value_text, s.text as text_in_the_mart from "
            f"{{batch}} as n "
            f"join ({SOURCES}) as s on n.claim_id = s.claim_id where n.status = 'reproduced' "
            "and (abs(n.value - s.value) > 1e-9 * (1 + abs(s.value)) or n.value_text is distinct from s.text)",
            "the figure of the row named",
            "G9",
        ),
        no_rows(
            "leaders_in_order",
            "warning",
            "Eight leaders, each at least as high as the next.",
            "select a.claim_id, a.value, b.value as next_value from {batch} as a join {batch} as b "
            "on a.claim_id like 'leader_%_change' and b.claim_id = 'leader_' || "
            "cast(cast(substr(a.claim_id, 8, 1) as integer) + 1 as varchar) || '_change' "
            "where a.value < b.value - 1e-9 or (a.value is null and b.value is not null)",
            "by falling change",
        ),
        no_rows(
            "sentences_say_the_figure",
            "critical",
            "Percent to two places, as the sentence is written; a half may be rounded either way.",
            "select claim_id, claim, value from {batch} where status = 'reproduced' and unit = 'ratio' "
            "and abs(value) >= 0.0001 and instr(claim, printf('%.2f', abs(value) * 100) || '%') = 0 "
            "and instr(claim, cast(try_cast(round(abs(value) * 100, 2) as decimal(18, 2)) as varchar) || '%') = 0",
            "the figure stands in its sentence",
        ),
        no_rows(
            "note_of_its_moment",
            "warning",
            "The day of the note is that of its moment in market time; claims carried over keep an earlier one.",
            "select note_date, claim_id, moment from {batch} where note_date <> cast(moment as date)",
            "note_date is the moment's day",
            "G12",
        ),
        no_rows(
            "no_claim_after_its_note",
            "critical",
            "A note dated before the moment that its claims speak of is a stale file.",
            "select note_date, claim_id, moment from {batch} where note_date < cast(moment as date)",
            "note_date at the moment's day or later",
            "G12",
        ),
    ),
)
