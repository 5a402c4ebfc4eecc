# The one door: `make demo` and `make test` work on a machine with Python 3.11 or newer, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Some tests wait, for a PSA that does not answer or a process that ends: two more than there are cores fill the time.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(2 + (os.cpu_count() or 1))')
# A process that is killed for real mostly waits for what it waited for.
TORTURE_WORKERS ?= $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1))')

.DEFAULT_GOAL := help
.PHONY: help demo test torture lint typecheck format bench docs rulebook security schemas components lock clean

help: ## what can be made
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

# Each stamp holds one set of requirements, installed from the lock with hashes; the larger set includes the smaller.
$(VENV)/.run: requirements/run.txt pyproject.toml
	$(PYTHON) requirements/setup_venv.py $(VENV) requirements/run.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml
	$(PYTHON) requirements/setup_venv.py $(VENV) requirements/dev.txt
	@touch $@ $(VENV)/.run

$(VENV)/.bench: requirements/bench.txt pyproject.toml
	$(PYTHON) requirements/setup_venv.py $(VENV) requirements/bench.txt
	@touch $@ $(VENV)/.dev $(VENV)/.run

demo: $(VENV)/.run ## the whole tour on the embedded sandbox
	$(BIN)/reconciler demo

test: $(VENV)/.dev ## the whole test suite
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

torture: $(VENV)/.dev ## the protocol of applying under everything that may go wrong, at the sizes of a release
	$(BIN)/python -m pytest -q tests/torture tests/security/test_canaries.py --release-size -n $(TORTURE_WORKERS) --dist worksteal --figures docs/torture-results.md

lint: $(VENV)/.dev ## format, lint and the dependency rule
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

typecheck: $(VENV)/.dev ## mypy, strict
	$(BIN)/mypy

format: $(VENV)/.dev ## rewrites the sources in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.bench ## measures and prints, side by side with what it is compared to
	$(BIN)/python -m bench

rulebook: $(VENV)/.dev ## rebuilds docs/rulebook.md from the rules and the scenarios
	$(BIN)/python docs/build_rulebook.py

schemas: $(VENV)/.run ## regenerates schemas/ from the models
	$(BIN)/python -m reconciler.cli.schema_files schemas

security: $(VENV)/.dev ## rebuilds docs/security.md from the rows and the marks of the tests
	$(BIN)/python docs/build_security.py

docs: $(VENV)/.dev ## checks that every page and link of the documentation holds
	$(BIN)/python -m pytest -q tests/docs

components: $(VENV)/.run ## writes reconciler.cdx.json: every locked package with its hashes, as CycloneDX
	$(BIN)/python requirements/bill_of_materials.py > reconciler.cdx.json

lock: $(VENV)/.dev ## renews requirements/*.txt from pyproject.toml
	$(BIN)/python requirements/lock.py

clean: ## removes what was made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .reconciler
