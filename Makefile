# `make up` runs Podshell, `make test` tests it; both set up what they need. Everything else is for developers.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: help up test check fmt bench soak e2e lock setup ui tools-up browser tools-image tools-image-needs image-early clean

help: ## show the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

up: setup ui tools-up ## set up and run Podshell for one user on this machine (ARGS="--sandbox --port 8642")
	@exec $(BIN)/podshell up $(ARGS)

test: ## set up and run everything that CI runs
	@$(MAKE) --no-print-directory -j2 ui $(if $(filter-out image,$(ARGS)),browser,image-early)
	@PYTHON=$(PYTHON) $(BIN)/python tests/run.py $(ARGS)

check: setup ui ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	cd web && ../$(BIN)/python ../hatch_build.py npm run --silent check

fmt: setup ## format the code
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: setup ui browser ## measure against peers, interleaved; writes bench/results/
	$(BIN)/python -m bench.run $(ARGS)

soak: setup ui browser ## the long endurance run: 64 MiB, 200 cuts
	PODSHELL_SOAK=1 $(BIN)/pytest tests/integration -m soak $(ARGS)

e2e: setup ## the end-to-end suite on any cluster: make e2e KUBECONFIG=...
	PODSHELL_E2E_KUBECONFIG="$(KUBECONFIG)" $(BIN)/pytest tests/e2e $(ARGS)

tools-image: tools-image-needs ## build the image of debug and node shells: an OCI archive in build/tools-image/ (ARGS="--arch arm64")
	@$(PYTHON) images/tools/build.py $(ARGS)

lock: ## pin dependencies again (needs uv)
	uv pip compile --python-version 3.11 --universal --generate-hashes --no-emit-index-url -q requirements/runtime.in -o requirements/runtime.txt
	uv pip compile --python-version 3.11 --universal --generate-hashes --no-emit-index-url -q requirements/dev.in -o requirements/dev.txt

setup: $(VENV)/.ready

$(VENV)/.ready: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Podshell needs Python 3.11 or newer; run: make PYTHON=/path/to/python3.11 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# not compiled at once: most of it is never imported, and what is gets compiled then
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-compile --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

ui: setup ## build the console when its sources changed
	@$(BIN)/python hatch_build.py

tools-up:
	@$(BIN)/python tests/machine.py busybox dtach

browser:
	@$(PYTHON) tests/machine.py chromium headless busybox zsh tmux dtach

tools-image-needs:
	@$(PYTHON) tests/machine.py mmdebstrap

# Beside the other set-up, which leaves a processor idle. What is missing for it, or goes wrong, the part "image" of the tests says.
image-early: browser
	@$(MAKE) --no-print-directory tools-image-needs
	@PYTHONPATH=tests/image $(PYTHON) -c 'import sys, image_needs; sys.exit(bool(image_needs.missing()))' || exit 0; \
		$(PYTHON) images/tools/build.py || echo "the tools image was not built: the tests will try again" >&2

clean: ## remove what the build made
	rm -rf $(VENV) web/node_modules web/dist src/podshell/gateway/ui build .mypy_cache .ruff_cache .pytest_cache
