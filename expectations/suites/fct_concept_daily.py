"""fct_concept_daily: a concept's members on one day."""

from expectations.vocabulary import Suite, between, key_checks, no_rows, within_cut

GRAIN = ("concept", "trade_date")

SUITE = Suite(
    table="marts.fct_concept_daily",
    owner="index",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        between("equal_weight_change_ratio", -1, 1000, "A thousandfold day is a unit slip.", name="change_not_absurd"),
        no_rows(
            "counts_within_members",
            "critical",
            "More risers and fallers than members means a join that multiplies.",
            "select concept, trade_date, members, advancers, decliners from {batch} "
            "where advancers < 0 or decliners < 0 or advancers + decliners > members",
            "advancers + decliners ≤ members",
        ),
        no_rows(
            "leader_leads",
            "critical",
            "The best of a set is not below its mean; 1e-12 is the noise of a mean.",
            "select concept, trade_date, leader_code, leader_change_ratio, equal_weight_change_ratio from {batch} "
            "where leader_change_ratio < equal_weight_change_ratio - 1e-12 * (1 + abs(leader_change_ratio))",
            "at least the mean",
        ),
        no_rows(
            "members_are_those_of_the_list",
            "critical",
            "The latest list on or before the day (contracts R70), each company once.",
            "select d.concept, d.trade_date, d.members, s.members as on_the_list from {batch} as d left join (select "
            "concept, "
            "as_of_date, count(distinct security_code) as members, lead(as_of_date) over (partition by concept "
            "order by as_of_date nulls last) as next_date from work.staging.stg_concept_members "
            "group by concept, as_of_date) as s on d.concept = s.concept and d.trade_date >= s.as_of_date "
            "and (s.next_date is null or d.trade_date < s.next_date) where d.members is distinct from s.members",
            "the members of the list",
        ),
        no_rows(
            "newest_list_has_its_days",
            "critical",
            "Each session on which a member of the newest list has a bar: a concept that is not there reads like no "
            "news.",
            "select s.concept, s.trade_date from (select distinct m.concept, r.trade_date from (select *, "
            "max(as_of_date) over (partition by concept) as newest from work.staging.stg_concept_members) as m "
            "join work.intermediate.int_security_returns as r on m.security_code = r.security_code "
            "and r.trade_date >= m.newest where m.as_of_date = m.newest) as s left join {batch} as b "
            "on s.concept = b.concept and s.trade_date = b.trade_date where b.concept is null",
            "a row for each session with bars",
            "G3",
        ),
    ),
)
