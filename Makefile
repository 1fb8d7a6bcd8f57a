.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
QUIET := --quiet --disable-pip-version-check --constraint constraints.txt
export Q PATIENT
FIRST := hard-amara-okafor
SECOND := lee-watson

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

$(VENV)/core: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install $(QUIET) --editable .
	touch $@

$(VENV)/dev: $(VENV)/core
	$(BIN)/pip install $(QUIET) --editable '.[dev]'
	touch $@

# llama.cpp is built for any processor: a native build may use instructions (AMX) that a container forbids, and
# a wheel of such a build may lie in pip's cache. Its library for images is left out.
$(VENV)/all: $(VENV)/dev
	$(BIN)/pip install $(QUIET) --no-cache-dir --editable '.[dev,local]'
	CMAKE_ARGS="-DGGML_NATIVE=OFF -DLLAVA_BUILD=OFF" \
		$(BIN)/pip install $(QUIET) --no-cache-dir --no-binary llama-cpp-python --editable '.[llama]'
	touch $@

run: $(VENV)/core  ## ask the sample charts three questions (or yours: Q="..." PATIENT=...)
ifdef Q
	@$(BIN)/ehr-navigator ask "$$Q" --patient "$$PATIENT"
else
	@set -e; ask() { printf '\n> %s\n' "$$1"; $(BIN)/ehr-navigator ask "$$1" --patient "$$2"; }; \
	ask "What was the last HbA1c?" $(FIRST); \
	ask "What medications is she taking?" $(FIRST); \
	ask "Any allergies?" $(SECOND)
endif

check: $(VENV)/dev  ## format, lint, strict types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(VENV)/dev  ## the tests that need neither Java nor torch
	$(BIN)/pytest

test-all: $(VENV)/dev  ## the same tests, with a real HAPI, a real model server and the `local` extra
	$(BIN)/python -m tests.with_servers

# Both tools need a newer Node than many machines have: it comes as a package too.
.conformance/installed: Makefile
	npm install --prefix .conformance --no-audit --no-fund --no-package-lock --silent \
		node@22 @modelcontextprotocol/conformance@0.2.0-alpha.12 @modelcontextprotocol/inspector@2.12.0
	$(PYTHON) -m venv .conformance/venv
	.conformance/venv/bin/pip install $(QUIET) mcp
	touch $@

conformance: $(VENV)/dev .conformance/installed  ## the MCP conformance suite, both revisions, and clients of others (needs npm)
	$(BIN)/python -m tests.conformance .conformance/node_modules

bench: $(VENV)/core  ## speed, as ratios within one run
	$(BIN)/python -m evals bench

bench-tools: $(VENV)/core  ## what the chart tools cost, beside the plain FHIR that they ask for
	$(BIN)/python -m evals bench tools

hard-cases: $(VENV)/core  ## the hard cases of the sample charts: asked, right answer, what came
	$(BIN)/python -m evals hard-cases

evals: $(VENV)/core  ## the gold questions over the sample charts, by intent
	$(BIN)/python -m evals run

hapi: $(VENV)/core  ## build and start a real HAPI FHIR server with the sample charts (needs JDK 17 and Maven)
	$(BIN)/python -m fhir_fixtures.hapi --load

.PHONY: help run check test test-all conformance bench bench-tools hard-cases evals hapi
