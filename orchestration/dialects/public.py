"""Files that people publish for anyone to use: bars in Yahoo's shape, yfiua's index members, Shenwan lists.

Belongs here: header sets of open repositories and of Yahoo. Does not belong here: what a provider's own interface
delivers.
"""

from orchestration.dialects.base import CURRENCY_BY_CODE, CodeStyle, Column, Dialect, View

_DAY_BARS = (
    Column("date", "trade_date"),
    Column("open", "open"),
    Column("high", "high"),
    Column("low", "low"),
    Column("close", "close"),
)


def _level(number: int) -> View:
    """One level of a Shenwan list."""
    return View(
        (Column(f"sw{number}_code", "sector_code"), Column(f"sw{number}_name", "sector_name")),
        (("level", f"L{number}"),),
    )


DIALECTS: tuple[Dialect, ...] = (
    # An index's volume has no unit to rely on here: Hang Seng in shares, with zeros for years, CSI 300 in another one.
    Dialect(
        name="yahoo.index_history",
        table="index_bars",
        columns=_DAY_BARS,
        ignored=("volume", "adj close", "amount"),
        name_key="index_code",
        name_style=CodeStyle.HK_INDEX,
    ),
    # Prices are adjusted for splits and dividends back from the day of the download: changes from day to day hold,
    # levels do not. There is no reference price in it.
    Dialect(
        name="yahoo.security_history",
        table="security_bars",
        columns=(*_DAY_BARS, Column("volume", "volume_shares")),
        constants_by_suffix=CURRENCY_BY_CODE,
        ignored=("dividends", "stock splits", "adj close"),
        required=("dividends",),
        name_key="security_code",
        name_style=CodeStyle.YAHOO,
    ),
    Dialect(
        name="yahoo.fx_history",
        table="fx_rates",
        columns=(Column("date", "rate_date"), Column("close", "rate")),
        constants=(("kind", "market"),),
        ignored=("open", "high", "low", "volume", "adj close"),
        from_path=r"(?<![A-Za-z])(?P<base>usd|hkd|eur|jpy|gbp)[-_/]?(?P<quote>cny|cnh|hkd|usd)(?![A-Za-z])",
        path_example="USD_CNY.csv",
        path_columns=(("pair", "{base}{quote}"),),
        path_translate=tuple(
            (f"{base}{quote}", f"{base}{quote}".upper())
            for base in ("usd", "hkd", "eur", "jpy", "gbp")
            for quote in ("cny", "cnh", "hkd", "usd")
        ),
    ),
    # Members in a month, without weights; the index and the month stand in the path alone, in either order.
    Dialect(
        name="yfiua.constituents",
        table="index_weights",
        columns=(Column("symbol", "security_code", style=CodeStyle.YAHOO), Column("name", "security_name")),
        from_path=(
            r"(?=.*(?<!\d)(?P<year>20\d{2})[-_/]?(?P<month>0[1-9]|1[0-2])(?!\d))"
            r"(?=.*(?<![A-Za-z])(?P<index>csi300|csi500|csi1000|hsi|hstech|hscei|sse|szse)(?![A-Za-z0-9]))"
        ),
        path_example="2024/03/constituents-hsi.csv",
        path_columns=(("index_code", "{index}"), ("weight_date", "{year}-{month}-01")),
        path_translate=(
            ("csi300", "000300.SH"),
            ("csi500", "000905.SH"),
            ("csi1000", "000852.SH"),
            ("hsi", "HSI.HI"),
            ("hstech", "HSTECH.HI"),
            ("hscei", "HSCEI.HI"),
            ("sse", "000001.SH"),
            ("szse", "399001.SZ"),
        ),
    ),
    Dialect(
        name="hkex.issuer_names",
        table="securities",
        columns=(
            Column("symbol", "security_code", style=CodeStyle.BARE_HK),
            Column("engname", "name_en"),
            Column("zhname", "name_zh"),
        ),
        ignored=("url",),
    ),
    # The classification of 2014, which 2021 replaced: it has 801020. Securities still in a sector end in 2200.
    Dialect(
        name="joinquant.shenwan",
        table="sector_members",
        columns=(
            Column("", "security_code", style=CodeStyle.JOINQUANT),
            Column("start_date", "valid_from"),
            Column("end_date", "valid_to", open_end=("2200-01-01", "2200-01-01 00:00:00")),
        ),
        views=(_level(1), _level(2), _level(3)),
        constants=(("scheme", "SW2014"),),
        ignored=("display_name",),
        required=("sw1_code", "sw2_code", "sw3_code"),
    ),
)
