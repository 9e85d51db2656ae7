"""fct_index_membership: usable weight sets and what changed between them."""

from expectations.vocabulary import Measure, Suite, between, in_set, key_checks, known, no_rows, within_cut

GRAIN = ("index_code", "security_code", "valid_from")

SETS = (
    "select index_code, valid_from as set_date, lead(valid_from) over (partition by index_code order by valid_from "
    "nulls last) as next_date from (select distinct index_code, valid_from from {batch} where change <> 'leave') as "
    "dates"
)
"""The dates of an index's sets, each with the next."""

SUITE = Suite(
    table="marts.fct_index_membership",
    owner="index",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        known("change", "A row that neither enters, stays nor leaves has no meaning."),
        in_set("change", ("enter", "stay", "leave"), "Readers filter on these words."),
        between("weight", 0, 1, "A weight is a ratio: 9.52% is 0.0952."),
        no_rows(
            "leave_has_no_weight",
            "critical",
            "A security that left would go on weighing (contracts R34).",
            "select index_code, security_code, valid_from, valid_to, weight from {batch} "
            "where change = 'leave' and (weight is not null or valid_to is null or valid_to <> valid_from)",
            "NULL weight, one day long",
        ),
        no_rows(
            "set_weights_sum_to_one",
            "critical",
            "Half a percent for rounded files (contracts R31); other sets are kept raw and take no part.",
            "select index_code, valid_from, sum(weight) as total, count(*) as members from {batch} "
            "where change <> 'leave' group by index_code, valid_from "
            "having count(weight) = count(*) and (sum(weight) < 0.995 - 1e-9 or sum(weight) > 1.005 + 1e-9)",
            "0.995 to 1.005",
            "G4",
            Measure(
                "select max(abs(total - 1)) from (select sum(weight) as total from {batch} where change <> 'leave' "
                "group by index_code, valid_from having count(weight) = count(*)) as sums",
                "largest |Σ − 1| {:.4f}",
            ),
        ),
        no_rows(
            "sets_follow_each_other",
            "critical",
            "Each set holds until the next one (contracts R34); joins on the span would count members twice.",
            f"select m.index_code, m.security_code, m.valid_from, m.valid_to, s.next_date from {{batch}} as m join "
            f"({SETS}) "
            "as s on m.index_code = s.index_code and m.valid_from = s.set_date "
            "where m.change <> 'leave' and m.valid_to is distinct from s.next_date",
            "valid_to is the next set's date",
        ),
        no_rows(
            "changes_are_those_between_sets",
            "critical",
            "Who is in the next set stays, who is not leaves, who was not before enters (contracts R34).",
            "select coalesce(p.index_code, n.index_code) as index_code, coalesce(p.security_code, n.security_code) "
            "as security_code, coalesce(p.next_date, n.valid_from) as set_date, n.change "
            f"from (select m.index_code, m.security_code, s.next_date from {{batch}} as m join ({SETS}) as s "
            "on m.index_code = s.index_code and m.valid_from = s.set_date "
            "where m.change <> 'leave' and s.next_date is not null) as p "
            "full outer join {batch} as n on p.index_code = n.index_code and p.security_code = n.security_code "
            "and p.next_date = n.valid_from "
            "where n.change is distinct from (case when p.index_code is null then 'enter' "
            "when n.valid_to = n.valid_from and n.weight is null and n.change = 'leave' then 'leave' else 'stay' end)",
            "enter, stay and leave agree with the sets",
        ),
        no_rows(
            "weights_are_those_delivered",
            "critical",
            "A set is published as it was delivered, or not at all.",
            "select m.index_code, m.security_code, m.valid_from, m.weight, w.weight as delivered from {batch} as m "
            "left join work.staging.stg_index_weights as w on m.index_code = w.index_code "
            "and m.security_code = w.security_code and m.valid_from = w.weight_date where m.change <> 'leave' "
            "and (w.index_code is null or m.weight is distinct from w.weight)",
            "the delivered weight",
            "G16",
        ),
        no_rows(
            "hong_kong_codes_have_five_digits",
            "critical",
            "Providers pad 01801 to 001801, which reads as a Shenzhen code: one company under two names.",
            "select index_code, security_code from {batch} where security_code like '%.HK' and length(security_code) "
            "<> 8",
            "five digits and .HK",
            "G2",
        ),
        no_rows(
            "newest_set_is_not_an_old_one",
            "warning",
            "Weights drift with prices: a set whose every weight was seen before is last month's file under a new "
            "date.",
            "select n.index_code, n.valid_from, o.valid_from as seen_on, count(*) as members from {batch} as n "
            "join {batch} as o on n.index_code = o.index_code and n.security_code = o.security_code "
            "and o.valid_from < n.valid_from and n.weight = o.weight and o.change <> 'leave' "
            "where n.change <> 'leave' and n.valid_to is null group by n.index_code, n.valid_from, o.valid_from "
            "having count(*) >= 10 and count(*) > 0.9 * (select count(*) from {batch} as a "
            "where a.index_code = n.index_code and a.valid_from = n.valid_from and a.change <> 'leave')",
            "weights that were not seen before",
            "G15",
        ),
    ),
)
