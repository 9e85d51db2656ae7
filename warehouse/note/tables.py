"""The tables of the note's page, laid out by great_tables.

Belongs here: columns, their words and their order. Does not belong here: reading them (``facts``, ``series``). A
figure that is not known says so in its cell. Ids are given, so the same figures give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from warehouse.note.facts import Leader
from warehouse.note.series import RegionFunding, SectorVisits
from warehouse.note.words import MISSING, money, percent, whole

if TYPE_CHECKING:
    from great_tables import GT

SOFT, LINE = "#5b6675", "#d9dee5"
TOTAL = ("ALL", "GLOBAL")


def leaders_table(leaders: Sequence[Leader]) -> str:
    """The members ahead in the note's index."""
    rows = [
        {
            "place": str(leader.place),
            "name": leader.name or "name unknown",
            "code": leader.code,
            "change": percent(leader.change),
            "weight": percent(leader.weight, signed=False),
        }
        for leader in leaders
    ]
    table = _table("leaders", rows, numbers=("place", "change", "weight"))
    return _html(table.cols_label(place="#", name="Company", code="Code", change="Change", weight="Weight"))


def sectors_table(sectors: Sequence[SectorVisits]) -> str:
    """Companies visited month to date, all of them first and those without a sector last."""
    rows = [
        {
            "rank": "" if sector.rank is None else str(sector.rank),
            "name": f"{sector.name_en} {sector.name_zh}".strip(),
            "broker": whole(sector.broker),
            "last_month": whole(sector.last_month),
            "everyone": whole(sector.everyone),
        }
        for sector in sectors
    ]
    table = (
        _table(
            "sectors", rows, [sector.code for sector in sectors], numbers=("rank", "broker", "last_month", "everyone")
        )
        .tab_spanner(label="By brokers", columns=["broker", "last_month"])
        .cols_label(rank="#", name="Sector", broker="This month", last_month="Last month", everyone="By anyone")
    )
    return _html(table)


def regions_table(regions: Sequence[RegionFunding]) -> str:
    """Venture funding of a quarter by region, with both growth figures."""
    rows = [
        {
            "region": region.region,
            "amount": money(region.amount, "USD"),
            "deals": whole(region.deals),
            "disclosed": percent(region.disclosed, signed=False),
            "latest": percent(region.latest),
            "lag_matched": percent(region.lag_matched),
            "completeness": percent(region.completeness, signed=False),
        }
        for region in regions
    ]
    numbers = ("amount", "deals", "disclosed", "latest", "lag_matched", "completeness")
    table = (
        _table("regions", rows, [region.region for region in regions], numbers=numbers)
        .tab_spanner(label="On the year", columns=["latest", "lag_matched"])
        .cols_label(
            region="Region",
            amount="Amount",
            deals="Deals",
            disclosed="Disclosed",
            latest="As known now",
            lag_matched="Same age of data",
            completeness="Completeness",
        )
    )
    return _html(table)


def _table(name: str, rows: list[dict[str, Any]], codes: Sequence[str] = (), numbers: Sequence[str] = ()) -> GT:
    """Rows as words in a table ``name``; ``codes``, one a row, tell which are totals."""
    import polars as pl
    from great_tables import GT, loc, style

    totals = [place for place, code in enumerate(codes) if code in TOTAL]
    unknown = {
        column: [place for place, row in enumerate(rows) if row[column] == MISSING]
        for column in (rows[0] if rows else {})
    }
    table = (
        GT(pl.DataFrame(rows, infer_schema_length=None), id=name)
        .cols_align("left")
        .cols_align("right", columns=list(numbers))
        .tab_options(
            table_width="100%",
            table_font_names="inherit",
            table_font_size="14px",
            table_background_color="white",
            table_border_top_style="hidden",
            table_border_bottom_style="hidden",
            column_labels_font_size="13px",
            column_labels_border_top_style="hidden",
            column_labels_border_bottom_color=LINE,
            column_labels_border_bottom_width="1px",
            table_body_hlines_color=LINE,
            table_body_border_top_color=LINE,
            table_body_border_bottom_color=LINE,
            data_row_padding="4px",
        )
        .tab_style(style.text(weight="bold"), loc.body(rows=totals))
    )
    for column, places in unknown.items():
        if places:
            table = table.tab_style(style.text(color=SOFT, style="italic"), loc.body(columns=column, rows=places))
    return table


def _html(table: GT) -> str:
    return table.as_raw_html()
