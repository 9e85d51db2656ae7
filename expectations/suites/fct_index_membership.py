"""fct_index_membership: usable weight sets and what changed between them."""

from expectations.vocabulary import Measure, Suite, between, in_set, key_checks, known, no_rows, within_cut

GRAIN = ("index_code", "security_code", "valid_from")

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
    ),
)
