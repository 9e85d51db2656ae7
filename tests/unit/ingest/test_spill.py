"""Rows that wait on disk become what they would have become in memory."""

from orchestration.ingest import spill
from tests.support.warehouse_home import Home

HEADER = "security_code,visit_date,visit_way,visitor_org,visitor_names,notice_date"


def _story(home: Home) -> tuple[list, list, list]:
    """Quoted rows (no plain lines), refused ones, conflicts, repeats, joined names, two runs."""
    rows = [
        f'"60{day:04d}.SH","2025-04-{day % 28 + 1:02d}","实地","机构{day}","张{day}","2025-05-06"' for day in range(60)
    ]
    broken = [f'"60{n:04d}.HK","2025-04-01","实地","机构","张","2025-05-06"' for n in range(20)]
    home.land("broker_visits/a.csv", "\n".join([HEADER, *rows, *broken]))
    home.land("broker_visits/b.csv", "\n".join([HEADER, *rows[:10], rows[0].replace("张0", "李")]))
    home.land("broker_visits/c.csv", "security,other\n1,2\n")
    first = home.run()["broker_visits"]
    home.land(
        "broker_visits/d.csv", "\n".join([HEADER, *(row.replace("05-06", "05-07") for row in rows[:30]), *broken])
    )
    second = home.run()["broker_visits"]
    told = ("_file", "row_number", "file", "reason", "raw_text")
    quarantine = [{name: line[name] for name in line if name in told} for line in home.quarantine()]
    raw = [{name: value for name, value in row.items() if name != "_batch_id"} for row in home.raw("broker_visits")]
    counts = [
        (b.file, b.rows_landed, b.rows_accepted, b.rows_quarantined, b.rows_repeated)
        for report in (first, second)
        for b in report.batches
    ]
    return raw, quarantine, counts


def test_what_waits_on_disk_is_what_would_have_waited_in_memory(tmp_path, monkeypatch) -> None:
    held = _story(Home(tmp_path / "held"))
    monkeypatch.setattr(spill, "HELD_BYTES", 1)
    home = Home(tmp_path / "spilled")
    assert _story(home) == held
    assert [landed for _, landed, *_ in held[2]] == [80, 11, 0, 50]
    assert len(held[1]) == 20 + 1 + 20
    assert not list(home.settings.home.rglob("*.staged"))
