"""How refusals are grouped for people."""

from orchestration.status import kind_of


def test_reasons_that_differ_only_in_what_was_found_are_one_kind() -> None:
    first = kind_of("close: found '1.2x', expected a number; trade_date: 2025-04-26 is no session of its market")
    assert first == kind_of("close: found 'abc', expected a number; trade_date: 2024-01-06 is no session of its market")
    assert first != kind_of("open: found 'abc', expected a number; trade_date: 2024-01-06 is no session of its market")
