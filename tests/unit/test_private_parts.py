"""What is used of Dagster beyond its public names: an upgrade that moves it fails here, with the name, not in a run.

Dagster 1.13 has no public storage of events to derive from, no public way to give an instance another one, none to tell
dagster-dbt its version or to leave its adapter out, and no public name for a job of assets that is not resolved yet.
"""

import inspect
from importlib import import_module

import pytest
from dagster_dbt import DbtCliResource

from orchestration.journal import KeptOpenEventLog
from orchestration.resources import Dbt


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("dagster._core.instance.ref", "InstanceRef"),
        ("dagster._core.storage.event_log", "SqliteEventLogStorage"),
        ("dagster._core.storage.sqlite", "SQLITE_BUSY_TIMEOUT_SECONDS"),
        ("dagster._core.definitions.unresolved_asset_job_definition", "UnresolvedAssetJobDefinition"),
    ],
)
def test_private_names_are_where_they_were(module: str, name: str) -> None:
    assert hasattr(import_module(module), name), f"{module}.{name} is gone: see orchestration/journal.py and jobs.py"


@pytest.mark.parametrize("name", ["_connect", "conn_string_for_shard", "_initdb", "dispose"])
def test_the_event_log_still_has_what_the_journal_overrides_or_calls(name: str) -> None:
    [base] = KeptOpenEventLog.__bases__
    theirs = inspect.signature(getattr(base, name))
    assert list(theirs.parameters)[:2] in (["self"], ["self", "shard"], ["self", "shard_name"], ["self", "engine"])
    assert list(inspect.signature(getattr(KeptOpenEventLog, name)).parameters) == list(theirs.parameters)


@pytest.mark.parametrize("name", ["_cli_version", "_initialize_dbt_core_adapter"])
def test_dagster_dbt_still_asks_for_what_we_answer(name: str) -> None:
    """Overriding a name that nobody calls any more would silently bring back a process and an import in every run."""
    assert name in Dbt.__dict__
    used = inspect.getsource(import_module(DbtCliResource.__module__)).count(f"self.{name}")
    assert used > 0, f"dagster-dbt no longer uses {name}: see orchestration/resources.py"
