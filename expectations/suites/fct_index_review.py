"""fct_index_review and fct_index_review_member: what a new set of weights changes, and what it makes trackers trade."""

from expectations.vocabulary import Suite, between, follows, in_set, key_checks, no_rows, within_cut

GRAIN = ("index_code", "set_date")

MEMBER_GRAIN = ("index_code", "set_date", "security_code")

SUITE = Suite(
    table="marts.fct_index_review",
    owner="index",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        in_set(
            "review_kind",
            ("scheduled_review", "off_cycle", "calendar_unknown", "reweighted"),
            "Readers filter on these words.",
        ),
        between("one_way_turnover", 0, 1.000001, "Half the distance of two sets of weights; sums of doubles."),
        no_rows(
            "members_follow_from_the_set_before",
            "critical",
            "Members before + added - dropped are the members after.",
            "select r.index_code, r.set_date, r.members, r.members_added, r.members_dropped from {batch} as r join ("
            "select index_code, set_date, count(case when change <> 'add' then 1 end) as before, "
            "count(case when change <> 'drop' then 1 end) as after_set from marts.fct_index_review_member "
            "group by index_code, set_date) as m on r.index_code = m.index_code and r.set_date = m.set_date "
            "where m.before + r.members_added - r.members_dropped <> r.members or m.after_set <> r.members",
            "members add up",
        ),
        no_rows(
            "no_unexplained_change",
            "warning",
            "CNI changed 987018 in September 2025 without a notice: what enters or leaves between reviews is named.",
            "select index_code, set_date, added_codes, dropped_codes from {batch} where review_kind = 'off_cycle'",
            "changes on review dates",
        ),
        no_rows(
            "turnover_is_half_the_changes",
            "critical",
            "One way: what is bought is sold. 1e-9 for sums of doubles.",
            "select r.index_code, r.set_date, r.one_way_turnover, m.half, r.members_added, m.added, r.members_dropped, "
            "m.dropped from {batch} as r join (select index_code, set_date, sum(abs(weight_change)) / 2 as half, "
            "count(case when change = 'add' then 1 end) as added, count(case when change = 'drop' then 1 end) as "
            "dropped "
            "from marts.fct_index_review_member group by index_code, set_date) as m "
            "on r.index_code = m.index_code and r.set_date = m.set_date where abs(r.one_way_turnover - m.half) > 1e-9 "
            "or r.members_added <> m.added or r.members_dropped <> m.dropped",
            "Σ |weight_change| / 2, and the members' own counts",
        ),
    ),
)

MEMBERS = Suite(
    table="marts.fct_index_review_member",
    owner="index",
    grain=MEMBER_GRAIN,
    checks=(
        *key_checks(MEMBER_GRAIN),
        within_cut(),
        in_set("change", ("add", "drop", "stay"), "Readers filter on these words."),
        in_set(
            "trade_status",
            ("known", "not_drifted", "no_tracker_assets", "no_turnover", "fx_contradicted", "fx_missing"),
            "Readers filter on these words.",
        ),
        no_rows(
            "changes_cancel_out",
            "critical",
            "Both sets sum to 1, so what is bought is sold; a millionth for sums of doubles.",
            "select index_code, set_date, sum(weight_change) as net_change from {batch} group by index_code, set_date "
            "having abs(sum(weight_change)) > 1e-6",
            "Σ weight_change = 0",
        ),
        no_rows(
            "days_follow_status",
            "critical",
            "A figure whose inputs are missing is NULL and says why.",
            "select index_code, set_date, security_code, trade_status, days_to_trade from {batch} "
            "where (trade_status = 'known') <> (days_to_trade is not null)",
            "days exactly where known",
        ),
        no_rows(
            "rate_is_not_turned_round",
            "critical",
            "HKD for one CNY in the place of CNY for one HKD makes every turnover a fifth too large. A Hong Kong "
            "dollar has been worth less than a yuan since 2007, a US dollar more; two hundredths for what may cross.",
            "select index_code, set_date, security_code, turnover_currency, turnover_cny_rate from {batch} "
            "where set_date >= date '2008-01-01' and ((turnover_currency = 'HKD' and turnover_cny_rate > 1.02) "
            "or (turnover_currency = 'USD' and turnover_cny_rate < 0.98))",
            "HKD below 1, USD above",
            "G16",
        ),
        follows(
            "change_is_after_less_before",
            MEMBER_GRAIN,
            "weight_change",
            "case when weight_before is not null then weight_after - weight_before end",
            "The definition; the sets the wrong way round sell what should be bought.",
            "weight_after − weight_before",
        ),
    ),
)
