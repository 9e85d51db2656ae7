# make run and make test need nothing before them but Python 3.11, make and git.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: run test stress soak test-clients superset-smoke ui lint format clean bench bench-scale docs pictures lock licences

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Test processes side by side; each takes up to 1.5 GB.
WORKERS ?= 2
# Runs that make stress kills.
KILLS ?= 200

export DO_NOT_TRACK := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONDONTWRITEBYTECODE

# The environment of requirements.lock, made once and remade when the lock or the package's own metadata changes.
# Compiled bytecode matters: without it every start costs twice the time.
$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is needed (set PYTHON=/path/to/python3.11)"; exit 2; }
	@echo "Setting up $(VENV) (once, about a minute) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

run: $(READY) ## land the sample, build, check, publish, print the note
	@$(BIN)/sector sample
	@$(BIN)/sector run
	@$(BIN)/sector note

test: $(READY) ## all tests that this machine can run
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

stress: $(READY) ## kill -9 by the hundred (KILLS=200), readers by the dozen (three quarters of an hour on two cores)
	@$(BIN)/python -m tests.stress.kills --kills $(KILLS)
	@$(BIN)/python -m tests.stress.readers
	@$(BIN)/python -m pytest -m stress --durations 10

soak: $(READY) ## 250 daily runs in a row: nothing may creep (two hours)
	@$(BIN)/python -m tests.stress.soak

test-clients: $(READY) ## the published file in other programs' versions (makes 750 MB of environments once)
	@$(BIN)/python -m pytest tests/clients --ignore tests/clients/superset -m "clients or not clients"

superset-smoke: $(READY) ## a Superset of its own with the desk's dashboard (some minutes, makes 850 MB of environment once)
	@$(BIN)/python -m pytest tests/clients/superset -m superset

ui: $(READY) ## the Dagster UI on http://127.0.0.1:3000
	@$(BIN)/sector ui

lint: $(READY) ## ruff, mypy, sqlfluff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/sqlfluff lint dbt_project/models --processes 2 --disable-progress-bar

format: $(READY)
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .
	@$(BIN)/sqlfluff fix dbt_project/models --processes 2 --disable-progress-bar

bench: $(READY) ## where the time of a run goes, ingest beside DuckDB's own reader, the gate beside plain SQL, damage caught (some minutes, 3 GB of disk)
	@$(BIN)/python -m tests.benchmarks.where_time_goes
	@$(BIN)/python -m tests.benchmarks.ingest
	@$(BIN)/python -m tests.benchmarks.gate
	@$(BIN)/python -m tests.benchmarks.damage

bench-scale: $(READY) ## what history costs: a small market of one and five years beside a bare DuckDB script, questions to ten
	@$(BIN)/python -m tests.benchmarks.scale --years 1
	@$(BIN)/python -m tests.benchmarks.scale --years 5
	@$(BIN)/python -m tests.benchmarks.queries --years 10

docs: $(READY) ## a page for every mart under docs/marts, from the models' descriptions
	@$(BIN)/python -m warehouse.mart_pages

pictures: $(READY) ## screenshots of the sample's note, checks and assets under docs/pictures (needs Chromium)
	@$(BIN)/python -m tests.browser.pictures

lock: $(READY) ## resolve pyproject.toml anew (needs uv)
	@uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-strip-extras --output-file requirements.lock

licences: $(READY) ## list what the locked packages are licensed under
	@$(BIN)/python -m tests.support.licences

clean: ## remove what can be made again: environment, caches, build files. Data and releases stay
	@rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .clients logs
	@rm -rf dbt_project/target dbt_project/logs warehouse/build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
