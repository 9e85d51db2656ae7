"""What the pipeline tests look at in the shared run of the sample."""

import pytest


@pytest.fixture(scope="session")
def note(release):
    rows = release.execute("select claim_id, value, value_text, status from marts.rpt_market_note").fetchall()
    assert {status for *_, status in rows} == {"reproduced"}
    return {claim: (value, text) for claim, value, text, _ in rows}
