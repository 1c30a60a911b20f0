# `make demo` shows what tlsconf does; `make test` proves it on real servers. Both need git, make and python3 with venv.

PYTHON ?= python3
VENV ?= .venv
# More workers than cores: most of the time goes into waiting for servers.
PYTEST_ARGS ?= -n 5 --dist worksteal

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
CONSTRAINTS := tests/constraints.txt
SOURCES := pyproject.toml $(CONSTRAINTS)

# Python's bytecode is kept: without it, every run compiles the program again.
unexport PYTHONDONTWRITEBYTECODE

# For what pip and build install to build with; newer releases of pip look at the second.
export PIP_CONSTRAINT := $(CONSTRAINTS)
export PIP_BUILD_CONSTRAINT := $(CONSTRAINTS)

.PHONY: help demo test lab lint types wheel lab-roots bench clean

help:
	@echo 'make demo       install into $(VENV), render an example and show it'
	@echo 'make test       run all tests; those with real servers where they can be built (root on Debian)'
	@echo 'make lab        send messages through every real server, and print what held (root on Debian; LAB_ARGS=--help)'
	@echo 'make lint       ruff: rules and format'
	@echo 'make types      mypy'
	@echo 'make wheel      build the wheel into dist/'
	@echo 'make lab-roots  build the real servers for the tests, outside this folder (TLSCONF_LAB_CACHE)'
	@echo 'make bench      measure the speed'
	@echo 'make clean      remove what the other targets made here'

demo: $(VENV)/.demo
	@out=$$(mktemp -d) && $(BIN)/tlsconf render examples/edge/profile.yaml -o "$$out" && cd "$$out" && \
	echo && echo "Written to $$out:" && find . -type f | sort | xargs wc -l && \
	echo && echo '==> postfix/main.cf' && cat postfix/main.cf

test: $(VENV)/.test
	$(BIN)/python -m tests.lab.roots --if-possible
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lab: $(VENV)/.test
	$(BIN)/python -m tests.lab $(LAB_ARGS)

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.lint $(VENV)/.test
	$(BIN)/mypy

wheel: $(VENV)/.lint
	$(BIN)/python -m build --wheel --outdir dist .

lab-roots: $(VENV)/.test
	$(BIN)/python -m tests.lab.roots

bench: $(VENV)/.test
	$(BIN)/python -m tests.bench

clean:
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find tlsconf tests -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'tlsconf needs Python 3.11 or later: `make PYTHON=python3.11 ...`' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) has no venv module: on Debian, apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(SOURCES) | $(BIN)/python
	$(PIP) install --quiet --editable .
	@touch $@

$(VENV)/.test: $(SOURCES) | $(BIN)/python
	$(PIP) install --quiet --editable '.[test]'
	@touch $@ $(VENV)/.demo

$(VENV)/.lint: $(SOURCES) | $(BIN)/python
	$(PIP) install --quiet --editable '.[lint]'
	@touch $@ $(VENV)/.demo
