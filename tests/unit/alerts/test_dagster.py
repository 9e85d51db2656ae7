"""A run that Dagster starts tells of its end like one of the command line: the resource around its steps does it."""

import json

import dagster as dg
import pytest

from orchestration.resources import current_refresh, refresh_resource
from orchestration.settings import Settings


def titles(settings: Settings) -> list[str]:
    path = settings.home / "alerts.jsonl"
    return [json.loads(line)["title"] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.filterwarnings("ignore::Warning")
def test_a_step_that_fails_outside_of_every_stage_is_a_failed_run_and_a_run_that_looked_ends_it(tmp_path, monkeypatch):
    settings = Settings(home=tmp_path, alert_file="alerts.jsonl")
    raises: list[BaseException] = [ValueError("no such luck")]

    @dg.op(required_resource_keys={"refresh"})
    def step(context: dg.OpExecutionContext) -> None:
        if raises:
            raise raises[0]
        assert not current_refresh(context).has_news()

    @dg.job(resource_defs={"refresh": refresh_resource(settings)})
    def job() -> None:
        step()

    with dg.DagsterInstance.ephemeral() as instance:
        assert not job.execute_in_process(instance=instance, raise_on_error=False).success
        assert not job.execute_in_process(instance=instance, raise_on_error=False).success
        assert titles(settings) == ["sector: failed run: sector run"]
        raises[0] = KeyboardInterrupt()
        assert not job.execute_in_process(instance=instance, raise_on_error=False).success
        assert len(titles(settings)) == 1, "an interruption is nobody's trouble, and ends none"
        raises.clear()
        made = type("Made", (), {"release_id": "x", "as_of": None, "carried_over": ()})()
        monkeypatch.setattr("orchestration.refresh.nothing_new", lambda *_: made)
        monkeypatch.setattr("orchestration.refresh.conclude", _nothing_new)
        assert job.execute_in_process(instance=instance).success
    assert titles(settings)[1:] == ["sector: over: failed run: sector run"]


def _nothing_new(run, succeeded):
    from orchestration.refresh import Outcome

    assert succeeded
    return Outcome(run.as_of, message="nothing new is known"), 0
