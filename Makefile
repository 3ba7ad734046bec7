# Thin: each target is the line that it runs. Needs git, python3 (>= 3.11), python3-venv and make; no root.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: demo test check bench simulate fuzz lint clean

demo: $(VENV)/.core       ## the main job with no hardware, step by step
	$(BIN)/smsgwd demo $(if $(KEEP),--keep)

test: $(VENV)/.test       ## the whole suite
	$(BIN)/python -m pytest $(ARGS)

check: lint test          ## what CI runs

lint: $(VENV)/.check
	$(BIN)/ruff check smsgwd tests bench fuzz docs hardware
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.test      ## side by side with the peers that are installed
	$(BIN)/python -m bench $(ARGS)

simulate: $(VENV)/.test   ## SEEDS histories from one seed each, from FROM on
	$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),100) --from $(or $(FROM),0) $(ARGS)

fuzz: $(VENV)/.fuzz       ## coverage-guided, for SECONDS in all
	$(BIN)/python -m fuzz --seconds $(or $(SECONDS),60) $(ARGS)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: $(VENV)/bin/python setup.cfg pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.test: $(VENV)/.core
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@

$(VENV)/.check: $(VENV)/.test
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[check]'
	touch $@

$(VENV)/.fuzz: $(VENV)/.test
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info
