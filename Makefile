# Every target makes its own environment, and only when it has to: Python 3.11 or newer and make are all that must be there.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV = .venv/bin/uv
# Lock files hold names, versions and hashes; from where packages come is the machine's own business.
COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11

.PHONY: help demo test up lint types format bench soak score lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: .venv/run.done ## analyse the sample on real servers, or your own: make demo VIDEO=path
	.venv/bin/valence demo $(VIDEO)

up: .venv/run.done ## the whole system on this machine, until Ctrl-C
	.venv/bin/valence local up

test: .venv/test.done ## every test, on real servers
	.venv/bin/pytest --numprocesses 2 --dist loadgroup --no-loadscope-reorder --ignore tests/acceptance/test_soak.py
	.venv/bin/pytest --numprocesses 2 tests/acceptance/test_soak.py

lint: .venv/test.done ## ruff
	.venv/bin/ruff check
	.venv/bin/ruff format --check

types: .venv/test.done ## mypy, strict
	.venv/bin/mypy

format: .venv/test.done ## ruff, in place
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

bench: .venv/test.done ## measure what the README claims, into benchmarks/results/
	.venv/bin/python -m benchmarks

soak: .venv/test.done ## kill everything while it works, and count
	.venv/bin/python -m benchmarks.soak

score: .venv/test.done ## recompute the text model's scores from its weights (VALENCE_DATA_DIR names the data; ffmpeg with flite speaks some of it)
	.venv/bin/python -m model.training score

lock: .venv/uv.done ## resolve every dependency anew
	$(COMPILE) pyproject.toml requirements/build.in --all-extras --upgrade -o requirements/all.lock
	$(COMPILE) pyproject.toml requirements/build.in --extra bundled --extra local -c requirements/all.lock -o requirements/run.lock
	$(COMPILE) pyproject.toml requirements/build.in --extra hub -c requirements/all.lock -o requirements/hub.lock
	$(COMPILE) pyproject.toml requirements/build.in --extra bundled --extra hub --extra sagemaker --extra local --extra train --extra test --extra lint \
		-c requirements/all.lock -o requirements/test.lock

clean: ## forget the environment
	rm -rf .venv

.venv/uv.done: requirements/installer.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Valence needs Python 3.11 or newer, this is " + sys.version)'
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/installer.lock
	touch $@

.venv/run.done: .venv/uv.done requirements/run.lock pyproject.toml
	$(UV) pip install --quiet --require-hashes -r requirements/run.lock
	$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

.venv/test.done: .venv/run.done requirements/test.lock
	$(UV) pip install --quiet --require-hashes -r requirements/test.lock
	touch $@
