# make quickstart   makes .venv, installs, trains on synthetic data, prints a table
# make test         makes .venv, installs, runs all tests but the long ones
# make test-long    makes .venv, installs, runs the long tests
# make coverage     as make test, and prints which lines of the library were run
# make mutation     tells how many wrong versions of the library its tests notice
# make gpu          measures on a GPU, in 8 minutes, to runs/gpu.json;
#                   GOLDEN=DIR adds parity with a recording
# make docs         builds the site of the documentation, runs/site/index.html
# make lint         checks style and types
# PYTHON=python3.12 make test   does it with another Python, in its own environment

PYTHON ?= python3
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
VENV ?= .venv$(if $(filter-out python3,$(PYTHON)),-$(VERSION))
BIN := $(VENV)/bin

.PHONY: quickstart test test-long coverage mutation gpu docs lint install clean

quickstart: install
	$(BIN)/python -m experiments.quickstart --workdir runs/quickstart

test: install
	$(BIN)/python -m pytest

test-long: install
	$(BIN)/python -m pytest -m long

# Python 3.12 and later watch lines without slowing down.
coverage: install
	$(BIN)/python -m coverage erase
	COVERAGE_CORE=sysmon $(BIN)/python -m coverage run -m pytest
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

mutation: install
	$(BIN)/python -W ignore -m tests.mutation --json runs/mutation.json

gpu: install
	$(BIN)/python -m experiments.benchmarks.gpu --json runs/gpu.json \
		$(if $(GOLDEN),--golden $(GOLDEN))

# Material for MkDocs tells of its successor, which reads the same mkdocs.yml.
docs: install
	$(BIN)/python -m pip install --quiet -r docs/requirements.txt
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --site-dir runs/site

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: $(VENV)/installed

$(VENV)/installed: requirements.txt setup.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps -e .
	touch $@

clean:
	rm -rf .venv* build *.egg-info runs/quickstart
