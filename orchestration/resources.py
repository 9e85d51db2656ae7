"""Dagster resources: the run itself (lock, moment, settings) and what asks providers.

Belongs here: turning run configuration into a ``Refresh`` and holding the run lock around all of a run's steps. Does
not belong here: what the steps do.
"""

from collections.abc import Callable, Iterator
from typing import Any, cast

import dagster as dg

from orchestration.alerts.telling import after_death, after_steps
from orchestration.durable import make_folder
from orchestration.locking import run_lock
from orchestration.moments import read_moment
from orchestration.refresh import Progress, Refresh, silent
from orchestration.settings import Settings

REFRESH_CONFIG = {
    "as_of": dg.Field(
        dg.Noneable(str),
        default_value=None,
        description="Moment that cuts the build: 2025-04-24, '2025-04-24 10:30' (market time) or with a zone. "
        "Empty: the moment the run begins, and no release when nothing has become known since the current one.",
    ),
    "make_current": dg.Field(
        dg.Noneable(bool),
        default_value=None,
        description="Whether the release becomes current. Empty: yes without as_of, no with it.",
    ),
    "force": dg.Field(bool, default_value=False, description="Build even when nothing has become known."),
}


def refresh_resource(
    settings: Settings,
    progress: Progress | None = None,
    on_start: Callable[[Refresh], None] | None = None,
) -> dg.ResourceDefinition:
    """The resource ``refresh``: one ``Refresh`` per run, under the run lock from its first step to its last.

    ``progress`` hears what each stage did; by default the run's log does. ``on_start`` is given the run's ``Refresh``.
    """

    @dg.resource(config_schema=REFRESH_CONFIG, description="This run: its moment, its lock, its stages.")
    def refresh(context: dg.InitResourceContext) -> Iterator[Refresh]:
        config = context.resource_config
        as_of = read_moment(config["as_of"]) if config["as_of"] else None
        make_current = config["make_current"]
        make_folder(settings.home)
        tell = progress or (context.log.info if context.log else silent)
        with run_lock(settings.lock) as died:
            if died is not None:
                after_death(settings, died, tell)
            this = Refresh(
                settings,
                as_of=as_of,
                make_current=as_of is None if make_current is None else make_current,
                force=config["force"],
                progress=tell,
            )
            if on_start:
                on_start(this)
            try:
                yield this
            finally:
                this.close()
                failures = _failures(context)
                if not failures & INTERRUPTIONS:
                    after_steps(this, succeeded=not failures)

    return refresh


INTERRUPTIONS = frozenset({"DagsterExecutionInterruptedError", "KeyboardInterrupt"})
"""Errors of steps that a person or the system has ended: nobody has to be told."""


def _failures(context: dg.InitResourceContext) -> set[str]:
    """Names of the errors that ended steps of this run (none where no run is: in a test of the resource alone)."""
    if context.instance is None or context.run is None:
        return set()
    found = set()
    for entry in context.instance.all_logs(context.run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        error = entry.get_dagster_event().step_failure_data.error
        found.add(error.cls_name or "" if error else "")
    return found


def transport_resource(settings: Settings) -> dg.ResourceDefinition:
    """The resource ``transport``: one polite client for the providers of a run."""

    @dg.resource(description="Asks providers at their pace, with an end to every wait.")
    def transport(_: dg.InitResourceContext) -> Iterator[Any]:
        from orchestration.fetching import open_transport

        with open_transport(settings) as client:
            yield client

    return transport


def current_refresh(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> Refresh:
    """The run's ``Refresh``."""
    return cast(Refresh, context.resources.refresh)
