"""What is used of Dagster and dbt beyond their public names: an upgrade that moves it fails here, with the name, not in
a run.

Dagster 1.13 has no public storage of events to derive from, no public way to give an instance another one, and no
public name for a job of assets that is not resolved yet; dagster-dbt none for an event of a dbt that runs in this
process. dbt 1.11 has no public way to read a parsed project from a file, to end a call, or to close its database.
"""

import inspect
from importlib import import_module

import pytest

from orchestration.journal import KeptOpenEventLog


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("dagster._core.instance.ref", "InstanceRef"),
        ("dagster._core.storage.event_log", "SqliteEventLogStorage"),
        ("dagster._core.storage.event_log", "SqlEventLogStorage"),
        ("dagster._core.storage.event_log.schema", "AssetCheckExecutionsTable"),
        ("dagster._core.storage.sqlite", "SQLITE_BUSY_TIMEOUT_SECONDS"),
        ("dagster._core.definitions.unresolved_asset_job_definition", "UnresolvedAssetJobDefinition"),
        ("dagster_dbt.core.dbt_cli_event", "DbtCoreCliEventMessage"),
        ("dbt.contracts.graph.manifest", "Manifest"),
        ("dbt.adapters.factory", "FACTORY"),
        ("dbt.adapters.duckdb.connections", "DuckDBConnectionManager"),
    ],
)
def test_private_names_are_where_they_were(module: str, name: str) -> None:
    where = "orchestration/journal.py, jobs.py, transform.py and assets/dbt.py"
    assert hasattr(import_module(module), name), f"{module}.{name} is gone: see {where}"


@pytest.mark.parametrize(
    ("module", "owner", "name"),
    [
        ("dbt.contracts.graph.manifest", "Manifest", "from_msgpack"),
        ("dbt.adapters.base.impl", "BaseAdapter", "cancel_open_connections"),
        ("dbt.adapters.duckdb.connections", "DuckDBConnectionManager", "close_all_connections"),
        ("dagster_dbt.core.dbt_cli_event", "DbtCoreCliEventMessage", "to_default_asset_events"),
    ],
)
def test_what_is_called_of_them_is_there(module: str, owner: str, name: str) -> None:
    assert callable(getattr(getattr(import_module(module), owner), name)), f"{owner}.{name} is gone"


@pytest.mark.parametrize("name", ["has_table", "_has_asset_key_col_on_connection"])
def test_the_event_log_still_asks_for_what_the_journal_remembers(name: str) -> None:
    [base] = KeptOpenEventLog.__bases__
    assert name in KeptOpenEventLog.__dict__
    assert hasattr(base, name), f"{name} is gone: see orchestration/journal.py"
    theirs = [*inspect.signature(getattr(base, name)).parameters]
    assert [*inspect.signature(getattr(KeptOpenEventLog, name)).parameters] == theirs


@pytest.mark.parametrize("name", ["_connect", "conn_string_for_shard", "_initdb", "dispose"])
def test_the_event_log_still_has_what_the_journal_overrides_or_calls(name: str) -> None:
    [base] = KeptOpenEventLog.__bases__
    theirs = inspect.signature(getattr(base, name))
    assert list(theirs.parameters)[:2] in (["self"], ["self", "shard"], ["self", "shard_name"], ["self", "engine"])
    assert list(inspect.signature(getattr(KeptOpenEventLog, name)).parameters) == list(theirs.parameters)
