"""fct_visit_event_study: returns after visits."""

from expectations.vocabulary import Suite, in_set, key_checks, no_rows, within_cut

GRAIN = ("scheme", "sector_code", "visitor_type", "horizon_sessions")

SUITE = Suite(
    table="marts.fct_visit_event_study",
    owner="visits",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        in_set("horizon_sessions", (1, 5, 20), "Readers filter on these horizons."),
        no_rows(
            "all_sectors_have_every_event",
            "critical",
            "An event has one sector: the parts make the whole, or a company was counted twice.",
            "select scheme, visitor_type, horizon_sessions, "
            "sum(case when sector_code = 'ALL' then events else 0 end) as whole, "
            "sum(case when sector_code <> 'ALL' then events else 0 end) as parts from {batch} "
            "group by scheme, visitor_type, horizon_sessions "
            "having sum(case when sector_code = 'ALL' then events else -events end) <> 0",
            "ALL = sum of the sectors",
        ),
    ),
)
