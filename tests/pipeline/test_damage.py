"""The gate bites: one damage of each kind of mart and of each raw table is refused; days without damage are not.

``python -m tests.benchmarks.damage`` does all of the catalogues and prints the share that is caught.
"""

import datetime as dt

import pytest

from orchestration.contracts import CONTRACTS
from orchestration.moments import MARKET_ZONE
from tests.support.damage import Door, cut, judged, received, subject
from tests.support.damage_files import DELIVERIES, FILE_DAMAGE
from tests.support.damage_marts import MART_DAMAGE
from tests.support.evenings import Evenings
from tests.support.marts import MARTS

pytestmark = pytest.mark.pipeline

REFUSED_BY = {
    ("marts.fct_etf_daily", "a split read as inflow"): "fct_etf_daily.split_factor_is_the_splits",
    ("marts.fct_etf_daily", "change of the new day in percent"): "fct_etf_daily.change_is_close_over_previous",
    ("marts.fct_etf_daily", "a fund gone"): "fct_etf_daily.entities_kept",
    ("marts.fct_etf_daily", "previous close is the close of the day"): "fct_etf_daily.bars_are_those_delivered",
    ("marts.fct_etf_tracking", "index return in Hong Kong dollars"): "fct_etf_tracking.returns_are_those_of_the_days",
    ("marts.fct_index_intraday", "turned before it turned"): "fct_index_intraday.turns_at_a_quote_that_turned",
    ("marts.fct_sector_daily", "a sector gone"): "fct_sector_daily.newest_day_is_recounted",
    ("marts.fct_index_membership", "no set ever ends"): "fct_index_membership.sets_follow_each_other",
    ("marts.fct_sector_visits_daily", "two sectors swapped"): "fct_sector_visits_daily.sectors_are_recounted",
    ("marts.fct_funding_quarterly", "deleted rounds counted"): "fct_funding_quarterly.quarters_are_their_rounds",
    ("marts.fct_tracker_flow_window", "one tracker counted twice"): "fct_tracker_flow_window.windows_are_their_days",
    (
        "marts.fct_funding_category_quarterly",
        "attributions swapped",
    ): "fct_funding_category_quarterly.categories_conserve_the_segment",
    ("marts.fct_visit", "visits of a month lost"): "fct_visit.months_are_their_visits",
    (
        "marts.fct_index_review_member",
        "turnover converted by a rate turned round",
    ): "fct_index_review_member.rate_is_not_turned_round",
    ("marts.rpt_market_note", "inflow days of another window"): "rpt_market_note.figures_are_those_of_their_rows",
}


@pytest.fixture(scope="module")
def whole(run, tmp_path_factory):
    """The sample's build, and itself two sessions earlier as the release before."""
    home, _ = run
    before = dt.datetime(2025, 4, 22, 22, 30, tzinfo=MARKET_ZONE)
    return subject(home / "build", [cut(home / "build", tmp_path_factory.mktemp("before"), before)])


def test_the_catalogues_reach_every_fact_and_every_raw_table():
    assert len(MART_DAMAGE) + len(FILE_DAMAGE) >= 60
    assert {damage.table for damage in FILE_DAMAGE} == set(CONTRACTS) == set(DELIVERIES)
    facts = {f"marts.{name}" for name in MARTS if name.startswith(("fct_", "rpt_"))}
    assert facts <= {damage.table for damage in MART_DAMAGE}
    names = [(damage.table, damage.name) for damage in (*MART_DAMAGE, *FILE_DAMAGE)]
    assert len(names) == len(set(names))
    in_marts = {damage.name for damage in MART_DAMAGE}
    assert {damage.beyond for damage in FILE_DAMAGE if damage.beyond} <= in_marts


def test_the_clean_build_passes(whole):
    assert [name for severity, *name in whole.clean if severity == "critical"] == []


@pytest.mark.parametrize("damage", [d for d in MART_DAMAGE if (d.table, d.name) in REFUSED_BY], ids=lambda d: d.name)
def test_damage_to_a_mart_is_refused_by_name(whole, damage, tmp_path):
    verdict = judged(damage, whole, tmp_path)
    assert verdict.fate == "refused"
    assert REFUSED_BY[damage.table, damage.name] in verdict.by


def test_each_table_takes_its_next_delivery_and_refuses_a_damaged_one(run, tmp_path):
    home, _ = run
    door = Door(home, tmp_path)
    first = {damage.table: damage for damage in reversed(FILE_DAMAGE) if not damage.beyond and not damage.miss}
    for table, damage in first.items():
        clean = door.deliver(table)
        assert clean.batch.rows_accepted == clean.clean > 0, table
        assert received(damage, door).fate == "refused", (table, damage.name)


def test_days_without_damage_refuse_nothing(run, tmp_path):
    home, _ = run
    evenings = Evenings(home, tmp_path)
    judged_evenings = list(evenings.judged(evenings.sessions(dt.date(2025, 4, 23), 2)))
    assert [evening.day for evening in judged_evenings] == [dt.date(2025, 4, 22), dt.date(2025, 4, 23)]
    assert len(judged_evenings[1].checks) > len(judged_evenings[0].checks), (
        "the second has a release to be held against"
    )
    assert not [name for evening in judged_evenings for name in evening.alarms if name.startswith("critical")]
