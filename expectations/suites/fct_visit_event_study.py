"""fct_visit_event_study: returns after visits."""

from expectations.vocabulary import Suite, follows, in_set, key_checks, no_rows, within_cut

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
        follows(
            "excess_is_event_less_usual",
            GRAIN,
            "excess_return_ratio",
            "event_return_ratio - usual_return_ratio",
            "The definition.",
            "event − usual",
        ),
        no_rows(
            "longer_horizons_have_fewer_events",
            "critical",
            "Whoever has the returns of the next twenty sessions has those of the next five and of the next.",
            "select scheme, sector_code, visitor_type, horizon_sessions, events, shorter from (select *, "
            "lag(events) over (partition by scheme, sector_code, visitor_type order by horizon_sessions nulls last) "
            "as shorter, lag(horizon_sessions) over (partition by scheme, sector_code, visitor_type "
            "order by horizon_sessions nulls last) as shorter_horizon from {batch}) as horizons "
            "where events > shorter or (shorter_horizon is null and horizon_sessions <> 1) "
            "or (shorter_horizon = 1 and horizon_sessions = 20)",
            "events of 1 ≥ of 5 ≥ of 20 sessions",
        ),
        no_rows(
            "longer_horizons_move_more",
            "warning",
            "Over twenty sessions returns spread more than over one; the other way round two horizons were mixed up. "
            "Five sectors or more with thirty events.",
            "select visitor_type, median(case when horizon_sessions = 1 then abs(event_return_ratio) end) as "
            "one_session, "
            "median(case when horizon_sessions = 20 then abs(event_return_ratio) end) as twenty_sessions from {batch} "
            "where events >= 30 and sector_code <> 'ALL' group by visitor_type "
            "having count(case when horizon_sessions = 1 then 1 end) >= 5 "
            "and median(case when horizon_sessions = 1 then abs(event_return_ratio) end) "
            "> median(case when horizon_sessions = 20 then abs(event_return_ratio) end)",
            "median return of 20 sessions above that of 1",
        ),
    ),
)
