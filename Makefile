# Latchkey. `make` alone lists the targets.
#
# Every tool is called as `.venv/bin/python -m …`. The scripts in .venv/bin contain the folder's
# absolute path, and stop working when the folder is moved or has a space in its path.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:

VENV := .venv
PY := $(VENV)/bin/python
# --no-deps, because the lists are complete. Otherwise pip asks the index for each package that is
# required with an extra, and fails when the index has a newer one than the pinned one.
PIP := $(PY) -m pip --no-input --disable-pip-version-check
NODE := $(shell command -v node 2>/dev/null)

# The first interpreter that is new enough. PYTHON=/path/to/python replaces the search.
PYTHON ?= $(shell for p in python3 python python3.15 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)

unexport PYTHONDONTWRITEBYTECODE # otherwise each process of the tests would compile every module

.PHONY: help run test test-fast check bench stories fuzz mutants pictures lock clean FORCE

help: ## list the targets
	@echo "Latchkey: JWT sessions for Flask. Each target installs first what it needs."
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-17s %s\n", $$1, $$2}'
	@echo
	@echo "  PORT=8080 make run                            another port"
	@echo "  ARGS='-n0 tests/http' make test               some tests, in one process"
	@echo "  ARGS=app.infra.throttle JOBS=2 make mutants   one module, two processes"
	@echo "  EXAMPLES=2000 make fuzz                       more examples of each request"

run: $(VENV)/.runtime ## serve on http://localhost:8000; Ctrl-C stops everything
	@$(checked_workers); exec $(PY) -m gunicorn wsgi:app

# Four processes, even on two cores, because half of the tests wait for a server or a browser.
# ARGS=-n2 changes the number; ARGS='-n0 path' runs the tests of that path in one process.
test: $(VENV)/.dev ## all tests, with real databases, servers and Chromium
	@$(chromium)
	@$(curl_and_pgbouncer)
	@$(PY) -m pytest -n4 --dist=worksteal --cov --cov-report=term:skip-covered $(ARGS)

# Without browser, gunicorn, PostgreSQL and random requests, and without the plugins that only those
# use: a minute on three cores, 80 seconds on two.
test-fast: $(VENV)/.dev ## unit and http tests on SQLite, in about a minute
	@$(PY) -m pytest -n logical --maxprocesses=4 --dist=worksteal -p no:schemathesis -p no:playwright \
		$(or $(ARGS),tests/unit tests/http --ignore=tests/http/test_fuzz.py -k "not postgresql")

check: $(VENV)/.dev ## format, lint, types, import rules
	@echo "ruff format"; $(PY) -m ruff format --check --quiet --diff .
	@echo "ruff check"; $(PY) -m ruff check --quiet .
	@echo "mypy"; $(PY) -m mypy
	@echo "import rules"; $(PY) $(VENV)/bin/lint-imports --no-logo
ifeq ($(NODE),)
	@echo "tsc: skipped, because there is no node on the PATH; install Node.js to check the scripts"
else
	@$(MAKE) --no-print-directory node_modules/.stamp
	@echo "tsc"; node node_modules/typescript/bin/tsc --project tsconfig.json
endif

bench: $(VENV)/.dev ## what requests cost, compared with other packages
	@$(PY) -m bench $(ARGS)

stories: $(VENV)/.dev ## 10,000 bound refreshes on a bad network, 1,000 thefts
	@$(PY) -m bench stories $(ARGS)

fuzz: $(VENV)/.dev ## random requests, sessions, tokens and proofs, for minutes
	@FUZZ_EXAMPLES=$(or $(EXAMPLES),500) HYPOTHESIS_PROFILE=long \
		$(PY) -m pytest -n logical --maxprocesses=4 --dist=worksteal --timeout=0 $(or $(ARGS),tests/http/test_fuzz.py tests/fuzz)

mutants: $(VENV)/.dev ## change the core one operator at a time: the tests must notice
	@$(PY) -m tests.mutation $(ARGS)

pictures: $(VENV)/.dev ## take the pictures of README
	@$(chromium)
	@$(PY) -m tests.pictures

lock: ## pin the newest versions for requirements*.in (needs uv)
	@for name in requirements requirements-dev; do \
		uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --no-header --no-annotate $$name.in -o $$name.txt || exit 1; done

clean: ## remove .venv, node_modules and caches; users stay
	@rm -rf $(VENV) node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov

# -- prerequisites of the targets ----------------------------------------------------------

# A stamp file is touched only after pip has finished, so an interrupted installation is repeated
# and a finished one is skipped. An interrupted `venv` leaves a Python without pip.
$(VENV)/.runtime: requirements.txt $(PY)
	@echo "Installing the $$(awk '/==/ {n++} END {print n}' requirements.txt) packages that Latchkey runs on into $(VENV): about half a minute ..."
	@$(PY) -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear $(VENV)
	@$(call install,requirements.txt)
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	@echo "Installing the $$(awk '/==/ {n++} END {print n}' requirements-dev.txt) packages of tests and checks into $(VENV), 600 MB in all: about a minute ..."
	@$(call install,requirements-dev.txt)
	@touch $@

# Made again when it is missing, and when it is a link to a Python that no longer exists.
$(PY): $(if $(wildcard $(PY)),,FORCE)
	@$(refuse_bad_start)
	@"$(PYTHON)" -m venv --clear $(VENV)

node_modules/.stamp: package-lock.json
	@echo "Installing TypeScript, which checks the scripts, into node_modules (30 MB): a few seconds ..."
	@npm ci --silent --no-audit --no-fund || { \
		echo "npm cannot install TypeScript: check the network, then run make again." >&2; exit 1; }
	@touch $@

# Installs a list, or prints one sentence that says why not. With --no-deps, pip does not notice
# that a list lacks a package; `pip check` does.
define install
	rm -f $(VENV)/pip.log; \
	said=$$($(PIP) install --quiet --quiet --no-deps --require-hashes --log $(VENV)/pip.log -r $(1) 2>&1) || { \
		case "$$(cat $(VENV)/pip.log 2>/dev/null)" in \
			*"No space left on device"*) why="the disk is full: make room";; \
			*"DO NOT MATCH THE HASHES"*) why="a package is not the file that $(1) names: do not use it, and find out what your index or proxy has put in its place";; \
			*ConnectionError*|*"timed out"*|*ProxyError*|*SSLError*|*"Connection broken"*|*"Connection aborted"*) \
				why="the package index does not answer: check the network, and HTTPS_PROXY or PIP_INDEX_URL where you use them";; \
			*) why="pip stopped: $$(printf '%s\n' "$$said" | sed -n 's/^ERROR: //p' | sed -n '$$p')";; \
		esac; \
		printf '%s\n' "Latchkey cannot install its packages, because $$why. Then run make again; it continues where it stopped. pip's log is $(VENV)/pip.log." >&2; exit 1; }; \
	said=$$($(PIP) check 2>&1) || { printf '%s\n' "The packages of $(1) do not fit together:" "$$said" >&2; exit 1; }
endef

# gunicorn reads WEB_CONCURRENCY before gunicorn.conf.py, and fails with a traceback when it is not
# a number.
define checked_workers
	case "$$WEB_CONCURRENCY" in "") unset WEB_CONCURRENCY;; *[!0-9]*) $(PY) config.py || exit 1;; esac
endef

define refuse_bad_start
	[ -n "$(PYTHON)" ] && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Latchkey needs Python 3.11 or newer, and found $$("$(or $(PYTHON),python3)" --version 2>/dev/null || echo none): install one, or name it with PYTHON=/path/to/python3." >&2; exit 1; }; \
	"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This Python has no venv module: on Debian and Ubuntu install it with 'apt-get install python3-venv', then try again." >&2; exit 1; }; \
	{ mkdir -p $(VENV) && : > $(VENV)/.probe; } 2>/dev/null || { \
		echo "Latchkey cannot write $(VENV) in $(CURDIR): make the folder writable for $$(id -un), or clone it elsewhere." >&2; exit 1; }
endef

# $CHROMIUM, or `chromium` on the PATH, or Debian's package, or the one that Playwright installs.
# Without any of them the browser tests are skipped; with CI set they fail.
define chromium
	if [ -n "$$CHROMIUM" ] || command -v chromium >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && [ -f /etc/debian_version ] && command -v apt-get >/dev/null; then \
		echo "Installing Chromium with apt-get: about a minute ..."; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium chromium-headless-shell; } >$(VENV)/chromium.log 2>&1 \
			|| echo "apt-get could not install Chromium; its output is in $(VENV)/chromium.log"; \
	else \
		echo "Installing Chromium with playwright: about a minute ..."; \
		$(PY) -m playwright install chromium >$(VENV)/chromium.log 2>&1 \
			|| echo "playwright could not install Chromium; its output is in $(VENV)/chromium.log"; \
	fi
endef

# Installs Debian's packages when root on Debian. Without them, the tests that use curl or PgBouncer
# are skipped; with CI set they fail. RUNLEVEL=1 keeps Debian from starting its PgBouncer service.
define curl_and_pgbouncer
	for name in curl pgbouncer; do \
		if PATH="$$PATH:/usr/sbin" command -v $$name >/dev/null; then :; \
		elif [ "$$(id -u)" = 0 ] && [ -f /etc/debian_version ] && command -v apt-get >/dev/null; then \
			echo "Installing $$name with apt-get: a few seconds ..."; \
			{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $$name; } >$(VENV)/$$name.log 2>&1 \
				|| echo "apt-get could not install $$name; its output is in $(VENV)/$$name.log"; \
		fi; \
	done
endef
