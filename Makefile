# Everything here needs Python 3.11 or newer, make and a network; each target is complete on its own.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
# What is installed, and again whenever the project's file changes.
RUN := .venv/.installed-run
DEV := .venv/.installed-dev

.PHONY: help demo sim test conformance lint serve bench determinism teeth clean

help:
	@echo "make demo    play the stateful-service guide on SQLite, Valkey and PostgreSQL"
	@echo "make sim     what strong and eventual buy, on simulated clusters; pages under reports/"
	@echo "make test    run all tests, on real servers, and check the coverage of the core"
	@echo "make conformance  the whole kit on all our stores, and on the broken ones; see reports/"
	@echo "make lint    ruff, mypy and pyright"
	@echo "make serve   Dapr's state API on http://127.0.0.1:3500, with ./etagere.db behind it"
	@echo "make determinism  the simulator in many processes: the same seeds do the same"
	@echo "make teeth   plant faults in the simulated protocols, and see that each is caught"
	@echo "make bench   etagere against one driver call per operation"

demo: $(RUN)
	@$(BIN)/python -m examples.stateful_service

sim: $(RUN)
	@$(BIN)/python -m etagere_sim.tour $(ARGS)

serve: $(RUN)
	@$(BIN)/etagere serve

# Only what tests the core by itself is traced: to trace all the rest as well more than doubles its time.
CORE := tests/core tests/histories/test_recording.py
PYTEST := pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test: $(DEV)
ifdef ARGS
	$(BIN)/pytest $(ARGS)
else
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m $(PYTEST) $(CORE)
	@$(BIN)/coverage combine -q
	$(BIN)/coverage report --fail-under=95
	$(BIN)/$(PYTEST) $(CORE:%=--ignore=%)
endif

conformance: $(DEV)
	$(BIN)/python -m tests.conformance $(or $(ARGS),--soak 300)
	ETAGERE_CONFORMANCE=whole $(BIN)/pytest --numprocesses 2 tests/conformance

lint: $(DEV)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright

bench: $(DEV)
	@$(BIN)/python -m benchmarks.batching $(ARGS)

determinism: $(DEV)
	@$(BIN)/python -m etagere_sim.determinism $(ARGS)

teeth: $(DEV)
	@$(BIN)/etagere simulate mutants --workers auto $(ARGS)

clean:
	rm -rf .venv .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build

$(RUN): pyproject.toml | .venv
	$(BIN)/pip install -q --disable-pip-version-check -e '.[demo]'
	@touch $@

$(DEV): pyproject.toml | .venv
	$(BIN)/pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@

.venv:
	@test -n "$(PYTHON)" || { echo "etagere needs Python 3.11 or newer"; exit 1; }
	$(PYTHON) -m venv .venv
