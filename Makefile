# `make repro` runs the pipeline, `make test` the tests; each sets .venv up first. Paths are relative, so that a space
# in the checkout's path does no harm.

PYTHON ?= python3
PORT ?= 5000
# Some shells set a variable of this name: only `make ui HOST=...` counts.
HOST := 127.0.0.1
PY := .venv/bin/python
# Stages are started by name (`python -m src.fetch`): they must find this project's Python first.
IN_VENV := PATH="$(CURDIR)/.venv/bin:$$PATH"

.DEFAULT_GOAL := help
.PHONY: help setup repro doctor test test-all test-faults test-portable lint format ui bench lock clean

help: ## Show this list
	@echo "make TARGET [PYTHON=python3.12] [PORT=5000] [HOST=0.0.0.0] [UV=]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# uv, if it is on the path, installs in parallel; otherwise, or with UV=, pip installs the same. Each takes its index,
# mirrors and certificates from its own variables and files. Python compiles a module when it is first imported, which
# is half the work of compiling all; unless it may not write.
UV := $(shell command -v uv 2>/dev/null)
ifneq ($(UV),)
new_venv = "$(PYTHON)" -m venv --clear --without-pip $(1)
install = "$(UV)" pip install --quiet --python $(1) $(if $(PYTHONDONTWRITEBYTECODE),--compile-bytecode)
else
new_venv = "$(PYTHON)" -m venv --clear $(1)
install = $(1)/bin/python -m pip install --quiet --disable-pip-version-check \
	$(if $(PYTHONDONTWRITEBYTECODE),,--no-compile)
endif
LOCKED := --no-deps --require-hashes -r requirements.lock

setup: # .venv from requirements.lock; again only for another lock, place, or PYTHON that was asked for
	@lock="$$(cksum < requirements.lock)$$(cd .venv 2>/dev/null && pwd -P)"; \
	ready=$$(cat .venv/ready 2>/dev/null || true); \
	if [ -x $(PY) ] && [ "$(origin PYTHON)" = file ] && [ "$${ready#Python * }" = "$$lock" ]; then exit 0; fi; \
	"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || { \
		echo "error: PYTHON=$(PYTHON): Python 3.11, 3.12 or 3.13 is needed, as in: make $(MAKECMDGOALS) PYTHON=python3.13" >&2; \
		exit 2; }; \
	version=$$("$(PYTHON)" -V); \
	if [ -x $(PY) ] && [ "$$ready" = "$$version $$lock" ]; then exit 0; fi; \
	if [ -L .venv ]; then \
		echo "error: .venv is a link to $$(readlink .venv), which does not have what requirements.lock lists; remove it" >&2; \
		exit 2; fi; \
	echo "Setting up .venv ($$version) with $(if $(UV),uv,pip); this takes $(if $(UV),half a minute,a minute or two)"; \
	rm -f .venv/ready && \
	$(call new_venv,.venv) && \
	$(call install,.venv) $(LOCKED) && \
	echo "$$version $$(cksum < requirements.lock)$$(cd .venv && pwd -P)" > .venv/ready

repro: IN_VENV := PATH=".venv/bin:$$PATH" # a path with a colon in it can't be named in PATH
repro: setup ## Run the pipeline (dvc repro): fetch, split, normalize, train, evaluate, studies
	@$(PY) -m src.doctor --fix | grep -vx 'all is well' || true # what it can't mend may not concern the pipeline
	@$(PY) -m src.check # whose error is clearer than DVC's if params.yaml is damaged
	@$(IN_VENV) $(PY) -m dvc repro

doctor: setup ## List what is wrong in this checkout, such as what a killed process left
	@$(PY) -m src.doctor

test: setup ## Run the everyday tests: all but long fault counts, browsers, lessons and whole pipelines
	@$(IN_VENV) $(PY) -m pytest -m "not slow" -n auto --dist worksteal

test-all: test ## Run all tests: the everyday ones, then the slow ones
	@$(IN_VENV) $(PY) -m pytest -m slow -n auto --dist loadfile --no-loadscope-reorder

test-faults: setup ## Run tests/faults at full count (test-all runs a twentieth), and print how each fault ended
	@$(IN_VENV) $(PY) -m pytest tests/faults --all-faults -n auto --dist worksteal

test-portable: setup ## Compare portable trainings over kernels, threads, versions of NumPy and an emulated ARM64
	@$(IN_VENV) $(PY) -m pytest tests/portable
	@tests/portable/everywhere.sh

lint: setup ## Check style, types, and that params.yaml is up to date
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) -m src.compose --check

format: setup ## Format the code
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

ui: setup ## Open the MLflow UI on this machine's runs, the best first (PORT=5000; HOST=0.0.0.0 lets others in)
	@$(PY) -m src.recording.ui "$(HOST)" "$(PORT)"

bench: setup ## Time an epoch against its products and other libraries (benchmarks/README.md)
	@[ benchmarks/.venv/ready -nt benchmarks/requirements.txt ] || { \
		$(call new_venv,benchmarks/.venv) && \
		$(call install,benchmarks/.venv) $(LOCKED) && \
		$(call install,benchmarks/.venv) -r benchmarks/requirements.txt && \
		touch benchmarks/.venv/ready; }
	@benchmarks/.venv/bin/python -m benchmarks.epoch
	@benchmarks/.venv/bin/python -m benchmarks.flat

lock: # What pyproject.toml allows, pinned for every Python from 3.11 on; needs uv
	uv pip compile pyproject.toml --extra test --extra lint --universal --python-version 3.11 --fork-strategy fewest \
		--generate-hashes --no-emit-index-url --no-header --quiet -o requirements.lock

clean: ## Remove environments and caches; data, runs and the store are kept
	rm -rf .venv benchmarks/.venv .pytest_cache .mypy_cache .ruff_cache .hypothesis outputs multirun
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
