"""What a plainly written cell looks like, by kind: the cells that one simple expression reads as the full rules would.

Belongs here: the forms, and the pattern of a line that is made of them. A line that fits its pattern needs none of the
care of ``records`` and ``typing``: no quote, no width of characters, no text for "no figure" beyond those named here.
A line that does not fit is not wrong, it is read in full. Does not belong here: reading files (``blocks``), the rules
of a row (``typing``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestration.contracts.base import Field, Kind
from orchestration.dialects.base import CodeStyle, Column

NULL_TEXTS = ("", "-", "--", "---", "n/a", "na", "nan", "null", "none", "#n/a")
"""Texts that mean "no figure" (R63), in lower case."""

_DIGITS_BEFORE_POINT = 13
_WHOLE_DIGITS = 18
"""So many digits before the point fit every decimal of the contracts, a difference of two included, and bigint."""


@dataclass(frozen=True)
class PlainCell:
    """One form. ``pattern``: RE2 of the cell; ``value``: SQL over ``t_<column>``, equal to what ``typing`` reads out of
    every text of the pattern. ``may_fail``: a text that is not empty may give NULL and has to be looked at.
    ``may_be_empty``: the pattern takes the empty cell."""

    pattern: str
    value: str
    may_fail: bool = False
    may_be_empty: bool = True


_CODES = {
    (Kind.ETF_CODE, CodeStyle.CANONICAL): (r"[0-9]{6}\.(?:SZ|SH)", "{x}"),
    (Kind.SECURITY_CODE, CodeStyle.CANONICAL): (r"[0-9]{6}\.(?:SZ|SH|BJ)|[0-9]{5}\.HK", "{x}"),
    (Kind.INDEX_CODE, CodeStyle.CANONICAL): (r"[0-9H][0-9]{5}\.(?:CNI|CSI|SH|SZ)|[A-Z][A-Z0-9]{0,20}\.HI", "{x}"),
    (Kind.SECTOR_CODE, CodeStyle.CANONICAL): (r"[0-9]{6}", "{x}"),
    (Kind.COUNTRY, CodeStyle.CANONICAL): (r"[A-Z]{3}", "{x}"),
}
_BARE = {
    CodeStyle.BARE_CN: (r"[0-9]{6}", "mainland({x})"),
    CodeStyle.BARE_HK: (r"[0-9]{5}", "{x} || '.HK'"),
    CodeStyle.PREFIXED: (r"(?:sz|sh|bj)[0-9]{6}", "right({x}, 6) || '.' || upper(left({x}, 2))"),
}
_DATES = (
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "try_cast(nullif({x}, '') as date)"),
    (r"[0-9]{8}", "cast(try_strptime(nullif({x}, ''), '%Y%m%d') as date)"),
    (r"[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}", "try_cast(replace(nullif({x}, ''), '/', '-') as date)"),
    (
        r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}",
        "cast(try_cast(nullif({x}, '') as timestamptz) as date)",
    ),
)
_TIMES = (
    (
        r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?",
        "try_cast(nullif({x}, '') as timestamptz)",
    ),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "try_cast(try_cast(nullif({x}, '') as date) as timestamptz)"),
    (r"[0-9]{14}", "cast(try_strptime(nullif({x}, ''), '%Y%m%d%H%M%S') as timestamptz)"),
)
_DASHES = "-{1,3}"
_DECIMALS = {Kind.PRICE: "decimal(18, 4)", Kind.MONEY: "decimal(20, 2)", Kind.RATE: "decimal(18, 8)"}


def plain_cell(target: str, field: Field | None, column: Column, sample: str, *, is_key: bool) -> PlainCell | None:
    """The form in which the cells of ``column`` are expected, judged by the ``sample`` (a cell of the first record).

    ``field``: None for the stamp. None when the column has no plain form: its cells are then read in full.
    """
    if column.translate or column.leading or column.open_end or column.unit_by_suffix:
        return None
    kind = Kind.TIMESTAMP if field is None else field.kind
    x = f"t_{target}"
    if kind is Kind.TEXT:
        return _text(x, column, is_key=is_key)
    found: tuple[str, str] | None
    if column.style in _BARE:
        found = _BARE[column.style]
    elif column.style is not CodeStyle.CANONICAL:
        return None
    elif (kind, column.style) in _CODES:
        found = _CODES[kind, column.style]
    elif kind in (Kind.DATE, Kind.MARKET_DATE):
        found = _first_that_fits(_DATES, sample)
    elif kind is Kind.TIMESTAMP:
        found = _first_that_fits(_TIMES, sample)
    else:
        return _number(x, kind, column, sample, is_key=is_key)
    if found is None or (sample and re.fullmatch(found[0], sample) is None):
        return None
    pattern, value = found
    value = value.format(x=x)
    is_code = kind not in (Kind.DATE, Kind.MARKET_DATE, Kind.TIMESTAMP)
    if is_code and not is_key:
        value = f"case when {x} <> '' then {value} end"
    return PlainCell(
        f"(?:{pattern})" if is_key else f"(?:{pattern})?", value, may_fail=not is_code, may_be_empty=not is_key
    )


def _first_that_fits(forms: tuple[tuple[str, str], ...], sample: str) -> tuple[str, str] | None:
    if not sample:
        return forms[0]
    return next((form for form in forms if re.fullmatch(form[0], sample)), None)


def _text(x: str, column: Column, *, is_key: bool) -> PlainCell | None:
    if column.style is not CodeStyle.CANONICAL:
        return None
    # No space of any kind at either end; what is inside is kept as delivered.
    edge, inner = r'[^\s\pZ\pC"{delimiter}]', r'[^\r\n"{delimiter}\x00]'
    pattern = rf"{edge}(?:{inner}*{edge})?"
    if not is_key:
        return PlainCell(f"(?:{pattern})?", f"nullif({x}, '')")
    texts = ", ".join(f"'{text}'" for text in NULL_TEXTS)
    value = f"case when length({x}) <= {max(map(len, NULL_TEXTS))} and lower({x}) in ({texts}) then null else {x} end"
    return PlainCell(f"(?:{pattern})", value, may_be_empty=False)


def _number(x: str, kind: Kind, column: Column, sample: str, *, is_key: bool) -> PlainCell | None:
    places = column.unit.value
    scientific, empty = (x, "''") if places == 0 else (f"{x} || 'e{places}'", f"'e{places}'")
    decimal = rf"-?[0-9]{{1,{_DIGITS_BEFORE_POINT}}}(?:\.[0-9]{{1,12}})?"
    may_fail = False
    if is_key:
        return None
    if kind in _DECIMALS:
        pattern = f"{decimal}|{_DASHES}"
        value = f"try_cast(nullif({scientific}, {empty}) as {_DECIMALS[kind]})"
        if kind is Kind.PRICE and column.change_from is None:
            value = f"nullif({value}, 0)"
    elif kind is Kind.RATIO:
        pattern, value = decimal, f"try_cast(nullif({scientific}, {empty}) as double)"
    elif kind in (Kind.SHARES, Kind.COUNT) and places >= 0 and re.fullmatch(r"-?[0-9]+|-*", sample):
        pattern = f"-?[0-9]{{1,{_WHOLE_DIGITS - places}}}|{_DASHES}"
        value = f"try_cast(nullif({x}, '') as bigint)" + (f" * {10**places}" if places else "")
    elif kind in (Kind.SHARES, Kind.COUNT):
        number = f"try_cast(nullif({scientific}, {empty}) as decimal(38, 6))"
        pattern, may_fail = decimal, True
        value = f"case when abs({number} - round({number}, 0)) <= 0.01 then try_cast(round({number}, 0) as bigint) end"
    else:
        return None
    if sample and re.fullmatch(pattern, sample) is None:
        return None
    return PlainCell(f"(?:{pattern})?", value, may_fail=may_fail)
