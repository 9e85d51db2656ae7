"""The reference lists: every row says where it comes from, codes are canonical, spans of one fact do not overlap."""

import csv
import datetime as dt
import re
from itertools import pairwise

import pytest
import yaml

from orchestration.paths import SEEDS

CODES = {
    "index_code": r"(\d{6}|H\d{5})\.(CNI|CSI|SH|SZ)|[A-Z]+\.HI",
    "etf_code": r"[15]\d{5}\.(SZ|SH)",
    "security_code": r"\d{5}\.HK|\d{6}\.(SZ|SH|BJ)",
    "sector_code": r"\d{6}|[A-Z_]+",
    "relation": "exact|broader|narrower|partial",
}
NAMES = sorted(path.stem for path in SEEDS.glob("*.csv"))


def rows(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def described(name: str) -> dict:
    (seed,) = yaml.safe_load((SEEDS / f"{name}.yml").read_text(encoding="utf-8"))["seeds"]
    return seed


@pytest.mark.parametrize("name", NAMES)
def test_every_row_has_evidence(name: str) -> None:
    assert rows(name)
    assert [row for row in rows(name) if not row["evidence"].strip()] == []


@pytest.mark.parametrize("name", NAMES)
def test_codes_are_canonical(name: str) -> None:
    wrong = [row for row in rows(name) for c, p in CODES.items() if c in row and not re.fullmatch(p, row[c])]
    assert wrong == []


@pytest.mark.parametrize("name", NAMES)
def test_columns_are_described_typed_and_have_a_unit(name: str) -> None:
    seed = described(name)
    columns = [column["name"] for column in seed["columns"]]
    assert columns == list(rows(name)[0]) == list(seed["config"]["column_types"])
    assert all(column["description"] and column["config"]["meta"]["unit"] for column in seed["columns"])


@pytest.mark.parametrize("name", NAMES)
def test_the_grain_holds_and_spans_do_not_overlap(name: str) -> None:
    grain = described(name)["config"]["meta"]["grain"].split(", ")
    keys = [tuple(row[column] for column in grain) for row in rows(name)]
    assert len(keys) == len(set(keys))
    spans: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for row in rows(name):
        for column in ("valid_from", "valid_to"):
            assert not row.get(column) or dt.date.fromisoformat(row[column])
        fact = tuple(row[column] for column in grain if column != "valid_from")
        spans.setdefault(fact, []).append((row.get("valid_from") or "0", row.get("valid_to") or "9"))
    for listed in spans.values():
        assert all(first < last for first, last in listed)
        assert all(before[1] <= after[0] for before, after in pairwise(sorted(listed)))


def test_what_the_lists_name_stands_in_the_lists_of_names() -> None:
    indices = {row["index_code"] for row in rows("indices")}
    for name in ("index_trackers", "theme_indices"):
        assert {row["index_code"] for row in rows(name)} <= indices, name
    sectors = rows("sectors")
    assert {row["theme"] for row in rows("theme_indices")} <= {row["sector_code"] for row in sectors}
    shenwan = [row for row in sectors if row["scheme"] == "SW2021"]
    assert len(shenwan) == len({row["sector_code"] for row in shenwan}) == 31
    assert len({row["industry_code"] for row in shenwan}) == 31
    codes = {row["sector_code"] for row in sectors}
    for row in rows("scheme_crosswalk"):
        for scheme, code in ((row["scheme_a"], row["code_a"]), (row["scheme_b"], row["code_b"])):
            assert scheme not in ("SW2021", "THEME") or code in codes
