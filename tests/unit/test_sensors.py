"""When a dropped file starts a run: once for a batch, not before it has settled, not again for what stays unread."""

import os

import dagster as dg
import pytest

from orchestration.jobs import REFRESH, refresh_job
from orchestration.locking import run_lock
from orchestration.sensors import PATIENCE, Look, decide, landing_sensor

RATES = "pair,kind,rate_date,rate\nHKDCNY,central_parity,2025-04-24,0.93\n"


class Watch:
    """Looks at ``landing/`` as the daemon does, keeping cursor and instance."""

    def __init__(self, home):
        self.home, self.cursor, self.instance = home, None, dg.DagsterInstance.ephemeral()
        self.sensor = landing_sensor(refresh_job(), home.settings)

    def look(self):
        """The run key asked for, or the words in which nothing was."""
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        found = self.sensor.evaluate_tick(context)
        self.cursor = found.cursor
        return found.run_requests[0].run_key if found.run_requests else found.skip_message


@pytest.fixture
def watch(home):
    return Watch(home)


def test_a_new_file_starts_one_run_once_two_looks_agree(home, watch):
    assert "every landed file" in watch.look()
    home.land("fx_rates/a.csv", RATES)
    assert "may still be on their way" in watch.look()
    key = watch.look()
    assert len(key) == 64
    assert watch.look() == key, "the same state asks for the same run, which Dagster starts once"
    home.run()
    assert "every landed file" in watch.look()


def test_a_batch_is_one_run_and_waits_for_its_last_file(home, watch):
    home.land("fx_rates/a.csv", RATES)
    watch.look()
    home.land("fx_rates/b.csv", RATES.replace("24", "25"))
    assert "1 of 2 new files" in watch.look()
    assert len(watch.look()) == 64


def test_a_slow_copy_is_not_read_while_it_grows(home, watch):
    for part in range(1, 4):
        home.land("fx_rates/a.csv", RATES[: 12 * part])
        assert "may still be" in watch.look()
    home.land("fx_rates/a.csv", RATES)
    assert "may still be" in watch.look()
    assert len(watch.look()) == 64


def test_a_copy_that_stalls_with_the_file_open_is_not_read(home, watch):
    path = home.land("fx_rates/a.csv", RATES)
    with path.open("a"):
        for _ in range(3):
            assert "may still be" in watch.look()
    assert len(watch.look()) == 64


def test_a_copy_that_keeps_an_old_time_settles_like_any_other(home, watch):
    path = home.land("fx_rates/a.csv", RATES[:30])
    os.utime(path, (1_000_000_000, 1_000_000_000))
    watch.look()
    home.land("fx_rates/a.csv", RATES)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert "may still be" in watch.look()
    assert len(watch.look()) == 64


def test_unfinished_names_start_nothing(home, watch):
    for name in ("a.csv.part", ".a.csv.Xy12", "a.tmp", "~$a.xlsx"):
        home.land(f"fx_rates/{name}", RATES)
    assert "every landed file" in watch.look()


def test_one_file_that_never_settles_does_not_stop_the_others_for_ever(home, watch):
    home.land("fx_rates/a.csv", RATES)
    path = home.land("fx_rates/growing.csv", RATES)
    found = []
    for _ in range(PATIENCE + 2):
        with path.open("a") as handle:
            handle.write("\n")
        found.append(watch.look())
    assert [len(words) == 64 for words in found].count(True) == 1


def test_a_run_in_progress_or_asked_for_is_waited_for(home, watch):
    home.land("fx_rates/a.csv", RATES)
    watch.look()
    with run_lock(home.settings.lock):
        assert watch.look() == "a run is in progress"
    watch.instance.add_run(dg.DagsterRun(job_name=REFRESH, run_id="a" * 32, status=dg.DagsterRunStatus.STARTING))
    assert "has not begun" in watch.look()


def test_a_refused_file_starts_no_second_run(home, watch):
    home.land("fx_rates/bad.csv", "nonsense\n1\n")
    watch.look()
    assert len(watch.look()) == 64
    home.run()
    assert "every landed file" in watch.look()


def test_what_another_run_left_unread_is_a_new_state_once_the_ledger_has_moved(home, watch):
    home.land("fx_rates/a.csv", RATES)
    watch.look()
    first = watch.look()
    home.land("fx_rates/b.csv", RATES.replace("24", "25"))
    home.run()
    (home.settings.landing / "fx_rates/b.csv").unlink()
    home.land("fx_rates/c.csv", RATES.replace("24", "26"))
    watch.look()
    assert watch.look() != first


def test_a_cursor_of_another_version_is_no_look():
    assert Look.from_cursor("2025-04-24") == Look.from_cursor('{"marks": 3}') == Look.from_cursor(None) == Look()
    assert decide(Look(), [], frozenset()) == (Look(), True, "")
