"""Codes that stand in file and folder names (contracts R61), and identifiers derived from a record (R71)."""

from __future__ import annotations

import csv
import re
import uuid
from functools import cache

from orchestration.contracts.base import Contract, Kind
from orchestration.dialects.base import CodeStyle, Match
from orchestration.ingest.files import Part, UnreadableError
from orchestration.paths import SEEDS

_ID_NAMESPACE = uuid.UUID("6f0d8a5e-6c0b-5d53-9a44-0c6a4b1f7d2e")
_EDGE, _END = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
_ETF = re.compile(rf"{_EDGE}(?:(?P<prefix>sz|sh))?(?P<digits>[15]\d{{5}})(?:\.(?P<suffix>sz|sh))?{_END}", re.IGNORECASE)
_SECURITY = re.compile(
    rf"{_EDGE}(?:(?P<hk>\d{{1,5}})\.hk|hk(?P<hk_prefixed>\d{{5}})|(?P<hk_bare>\d{{5}})"
    rf"|(?P<prefix>sz|sh|bj)?(?P<digits>\d{{6}})(?:\.(?P<suffix>sz|sh|bj))?){_END}",
    re.IGNORECASE,
)
_INDEX = re.compile(
    rf"{_EDGE}(?:(?P<code>[0-9H]\d{{5}}\.(?:cni|csi|sh|sz))|(?P<letters>[A-Z][A-Z0-9]*)\.hi|(?P<digits>\d{{6}})){_END}",
    re.IGNORECASE,
)


@cache
def indices() -> tuple[dict[str, str], ...]:
    """Rows of ``seeds/indices.csv``: index_code, market (HK, CN, MIXED) and aliases, among others."""
    with (SEEDS / "indices.csv").open(encoding="utf-8", newline="") as handle:
        return tuple(csv.DictReader(handle))


@cache
def index_aliases() -> dict[str, str]:
    """Alias in capitals (``HSI``, ``HKTECH``) -> index code."""
    found: dict[str, str] = {}
    for row in indices():
        for alias in filter(None, [*row["aliases"].split("|"), row["index_code"]]):
            found[alias.upper()] = row["index_code"]
        if row["index_code"].endswith(".HI"):
            found[row["index_code"].removesuffix(".HI")] = row["index_code"]
    return found


def mainland_code(digits: str) -> str:
    """Six digits with the exchange that lists that range: Shanghai 5, 6, 9; Beijing 4, 8, 92; Shenzhen the rest."""
    if digits.startswith(("4", "8", "92")):
        return f"{digits}.BJ"
    return f"{digits}.SH" if digits.startswith(("5", "6", "9")) else f"{digits}.SZ"


def _etf_codes(text: str) -> set[str]:
    found = set()
    for match in _ETF.finditer(text):
        exchange = match["suffix"] or match["prefix"]
        found.add(f"{match['digits']}.{exchange.upper()}" if exchange else mainland_code(match["digits"]))
    return found


def _security_codes(text: str) -> set[str]:
    found = set()
    for match in _SECURITY.finditer(text):
        hong_kong = match["hk"] or match["hk_prefixed"] or match["hk_bare"]
        exchange = match["suffix"] or match["prefix"]
        if hong_kong:
            found.add(f"{hong_kong.zfill(5)}.HK")
        elif exchange:
            found.add(f"{match['digits']}.{exchange.upper()}")
        else:
            found.add(mainland_code(match["digits"]))
    return found


def _index_codes(text: str) -> set[str]:
    found = set()
    for match in _INDEX.finditer(text):
        if match["code"]:
            found.add(match["code"].upper())
        elif match["letters"]:
            found.add(f"{match['letters'].upper()}.HI")
        else:
            known = {row["index_code"] for row in indices() if row["index_code"].startswith(f"{match['digits']}.")}
            found |= known if len(known) == 1 else set()
    if not found:
        words = re.split(r"[^0-9A-Z]+", text.upper())
        words.append("".join(words))
        found = {index_aliases()[word] for word in words if word in index_aliases()}
    return found


def _bare_index_codes(text: str, style: CodeStyle) -> set[str]:
    """Six digits that no known index has, in a file of the provider whose indices they number."""
    found = set()
    for digits in re.findall(rf"{_EDGE}(\d{{6}}){_END}", text):
        if digits.startswith("399"):
            found.add(f"{digits}.SZ")
        elif style is CodeStyle.CSI_INDEX:
            found.add(f"{digits}.SH" if digits.startswith("000") else f"{digits}.CSI")
        elif style is CodeStyle.CNI_INDEX:
            found.add(f"{digits}.CNI")
    return found


_FINDERS = {Kind.ETF_CODE: _etf_codes, Kind.SECURITY_CODE: _security_codes, Kind.INDEX_CODE: _index_codes}


def code_from_names(kind: Kind, column: str, tokens: tuple[str, ...], style: CodeStyle = CodeStyle.CANONICAL) -> str:
    """The one code in the file name, else in the nearest folder; ``style``: how the provider writes bare ones.

    Raises ``UnreadableError`` when there is none or more than one.
    """
    for token in tokens:
        codes = _FINDERS[kind](token)
        if not codes and kind is Kind.INDEX_CODE:
            codes = _bare_index_codes(token, style)
        if len(codes) == 1:
            return codes.pop()
        if codes:
            raise UnreadableError(
                f"{column} is no column and {token!r} holds several codes: {', '.join(sorted(codes))}"
            )
    looked = ", ".join(map(repr, tokens))
    raise UnreadableError(f"{column} is no column and no code stands in the file name or its folder ({looked})")


def fixed_columns(match: Match, part: Part, contract: Contract) -> dict[str, str]:
    """Contract columns that stand in the file's name or path instead of in its rows."""
    dialect, fixed = match.dialect, {}
    if dialect.from_path is not None:
        groups = re.search(dialect.from_path, part.label, re.IGNORECASE)
        translate = dict(dialect.path_translate)
        for target, template in dialect.path_columns:
            if target in match.carried:
                continue
            if groups is None:
                raise UnreadableError(
                    f"{target} is no column and the path does not tell it: expected a path like {dialect.path_example}"
                )
            text = template.format(**{k: v for k, v in groups.groupdict().items() if v})
            fixed[target] = translate.get(text.lower(), text)
    key = dialect.name_key
    if key is not None and key not in match.carried and key not in fixed:
        fixed[key] = code_from_names(contract.field(key).kind, key, part.tokens, dialect.name_style)
    return fixed


def derived_id(values: list[str | None], occurrence: int = 1) -> str:
    """An identifier for a record that has none: UUIDv5 of its identifying cells and the occurrence number (R71)."""
    text = "\x1f".join("" if value is None else value for value in values)
    return str(uuid.uuid5(_ID_NAMESPACE, text if occurrence == 1 else f"{text}\x1f#{occurrence}"))
