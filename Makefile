# `make run` starts Darkroom; `make test` is what CI runs. Python 3.11 (or 3.12) and make are all this needs.

PYTHON ?= python3.11
BIN := .venv/bin
# requirements.lock pins everything, pyproject.toml says what is wanted. A local build of torch 2.13.0 that pip can
# see (a CPU build, say) satisfies the pin and is preferred by pip.
INSTALL := $(BIN)/python -m pip install --no-compile --disable-pip-version-check --constraint requirements.lock

# Where a shell forbids bytecode (and pip, above, writes none), every process would compile torch and diffusers anew:
# twenty seconds of a slow core before a worker has begun.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-all stacks browsers engine others screenshot lint style types train evaluate bench load soak audit gpu-check clean chromium postgres

run: .venv/installed-to-run  ## start Darkroom; ARGS="--port 8001" passes settings
	@$(BIN)/darkroom up $(ARGS)

# Tests run as four parts side by side, and the types beside them, the longest first: one starts stacks and one
# browsers, which both wait some of their time, the others compute. Each prints when it is done, where make can hold
# output back (4.0 and later).
STACKS := tests/chaos tests/cli tests/deploy tests/e2e
BROWSERS := tests/web
ENGINE := tests/worker tests/parity
# Debian keeps the server off the PATH.
POSTGRES = { command -v initdb || ls /usr/lib/postgresql/*/bin/initdb; } 2>/dev/null
PARTS = --no-print-directory --jobs=5 $(addprefix --,$(filter output-sync,$(.FEATURES))) stacks browsers engine others types
# A net that does not answer is no reason to wait long.
APT = apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20
# The headless shell takes a third of the processor time that all of Chromium takes for a page.
CHROMIUM = { command -v chromium-headless-shell || command -v chromium; } >/dev/null
NEEDS = $$($(CHROMIUM) || echo ' and not browser')$$($(POSTGRES) >/dev/null || echo ' and not postgres')
TSC := web/node_modules/.bin/tsc
CHOSEN = -m "$(MARKS)$(NEEDS)"

test: style chromium postgres  ## everything but the slow tests
	@$(MAKE) $(PARTS) MARKS="not slow"

test-all: style chromium postgres  ## the slow tests too
	@$(MAKE) $(PARTS) MARKS="(slow or not slow)"

# Beside other work on the same cores, two threads wait for each other most of the time.
stacks browsers engine others: export OMP_NUM_THREADS = 1

stacks:
	@$(BIN)/pytest $(CHOSEN) $(STACKS)

browsers:
	@$(BIN)/pytest $(CHOSEN) $(BROWSERS)

engine:
	@$(BIN)/pytest $(CHOSEN) $(ENGINE)

others:
	@$(BIN)/pytest $(CHOSEN) $(addprefix --ignore=,$(STACKS) $(BROWSERS) $(ENGINE))

screenshot: .venv/installed-to-test chromium  ## make docs/studio.png anew
	SCREENSHOT=docs/studio.png $(BIN)/pytest tests/e2e/test_page.py -k develops

lint: style types

style: .venv/installed-to-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: .venv/installed-to-test
	$(BIN)/mypy
	@if $(MAKE) --no-print-directory --silent $(TSC); then cd web && ../$(TSC) --project jsconfig.json; \
	else echo "TypeScript cannot be fetched here (npm): the types in web/static/js were not checked."; fi

# Its version and its parts' hashes stand in package-lock.json.
$(TSC): web/package-lock.json
	@command -v npm >/dev/null && cd web && npm ci --ignore-scripts --no-audit --no-fund --silent && touch ../$@

train: .venv/installed-to-test  ## train the bundled model from scratch; ARGS="--minutes 60" bounds it
	$(BIN)/python -m worker.training $(ARGS)

evaluate: .venv/installed-to-test  ## measure the bundled model; ARGS="--pictures 100" for a quick look
	$(BIN)/python -m worker.training evaluate $(ARGS)

bench: .venv/installed-to-test  ## measure the engine against six other ways of serving; ARGS="--minutes 10" bounds it
	$(BIN)/python -m bench.engine $(ARGS)

load: .venv/installed-to-test  ## clients by the thousand, fairness, scaling; on a quiet machine. ARGS="--write" keeps the table
	$(BIN)/python -m bench.load $(ARGS)

soak: .venv/installed-to-test  ## ten minutes of overload, then eight hours of traffic and kills; ARGS="--hours 1"
	$(BIN)/python -m tests.chaos.soak $(ARGS)

# Advisories change by the day and come from the net, so this is no test. Its packages are no business of ours.
audit: .venv/audit/bin/pip-audit  ## holes that are known in what requirements.lock pins; asks pypi.org
	@.venv/audit/bin/pip-audit --requirement requirements.lock --no-deps --disable-pip --strict >.venv/audit/report 2>&1; \
	status=$$?; cat .venv/audit/report; \
	if [ $$status != 0 ] && ! grep -q "^Found " .venv/audit/report; then \
	    echo "Nothing was audited: the advisories cannot be reached" >&2; exit 2; \
	fi; exit $$status

.venv/audit/bin/pip-audit: | $(BIN)/pip
	$(BIN)/python -m venv .venv/audit
	.venv/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1

gpu-check: .venv/installed-to-test  ## parity, independence, step times and the benchmark on a CUDA device; ten minutes
	$(BIN)/python -m bench.gpu_check $(ARGS)

clean:  ## remove what make made; data/ and runs/ stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Chromium's headless shell for the browser tests: from apt where we may. All of Chromium does as well; without either
# they are left out, but never in CI.
chromium:
	@command -v chromium-headless-shell >/dev/null && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing Chromium's headless shell for the browser tests"; \
	    $(APT) update && DEBIAN_FRONTEND=noninteractive $(APT) install -y chromium-headless-shell >/dev/null; \
	fi; \
	$(CHROMIUM) && exit 0; \
	if [ -n "$$CI" ]; then echo "No Chromium, and CI leaves no test out" >&2; exit 1; fi; \
	echo "No Chromium on the PATH: the browser tests are left out (Debian: apt install chromium-headless-shell)"

# PostgreSQL for the library's tests, which start a server of their own; as with Chromium.
postgres:
	@$(POSTGRES) >/dev/null && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing PostgreSQL for the library's tests"; \
	    $(APT) update && DEBIAN_FRONTEND=noninteractive $(APT) install -y --no-install-recommends postgresql >/dev/null; \
	fi; \
	$(POSTGRES) >/dev/null && exit 0; \
	if [ -n "$$CI" ]; then echo "No PostgreSQL, and CI leaves no test out" >&2; exit 1; fi; \
	echo "No PostgreSQL: the library is tested on SQLite alone (Debian: apt install postgresql)"

$(BIN)/pip:
	@command -v $(PYTHON) >/dev/null || { \
	    echo "Darkroom needs Python 3.11 or 3.12: make PYTHON=/path/to/python3.12 names another one" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed-to-run: pyproject.toml requirements.lock | $(BIN)/pip
	@echo "Installing what Darkroom needs; the first time takes some minutes"
	@$(INSTALL) --editable '.[worker]'
	@touch $@

.venv/installed-to-test: pyproject.toml requirements.lock | $(BIN)/pip
	$(INSTALL) --quiet --editable '.[worker,train,dev]'
	@touch $@ .venv/installed-to-run
