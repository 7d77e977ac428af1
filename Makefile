# Everything a user or CI runs. Nothing here touches the system outside this folder.
PYTHON ?= python3
UV_VERSION := 0.13.8
BIN := .venv/bin
TEST := $(BIN)/pytest -n auto

# the tools find each other, Ansible the project's configuration, whatever the caller's environment
export PATH := $(CURDIR)/$(BIN):$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export ANSIBLE_HOME := $(CURDIR)/.cache/ansible
export ANSIBLE_REMOTE_TMP := $(CURDIR)/.cache/ansible/tmp
export ANSIBLE_SSH_CONTROL_PATH_DIR := $(CURDIR)/.cache/ansible/cp
export XDG_CACHE_HOME := $(CURDIR)/.cache
export XDG_CONFIG_HOME := $(CURDIR)/.cache/config
export PYTHONDONTWRITEBYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: help demo lab lab-stop web-packages test lint lint-tsql unit molecule molecule-docker sweep bench pins clean

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 17

demo: .venv/ready ## install, use and remove session state on a lab server of its own
	$(BIN)/python -m lab.demo

lab: .venv/ready ## start a lab server in the background, on 127.0.0.1:14330
	$(BIN)/python -m lab.control start --agent

lab-stop: .venv/ready ## stop it, and its web nodes; its data stays in .lab/
	$(BIN)/python -m lab.web stop
	$(BIN)/python -m lab.control stop

web-packages: ## install what the lab's web nodes need: root on Debian or Ubuntu
	tools/web-packages

test: lint ## everything CI runs: lint, all tests, the molecule scenario
	$(TEST) -m "not sweep"
	$(MAKE) --no-print-directory molecule

unit: .venv/ready ## the tests that need neither Ansible nor a server
	$(TEST) tests/unit

molecule: .venv/ready ## the scenarios: installed, idempotent and removed; drifted, found and mended
	$(BIN)/python -m lab.own_server $(BIN)/molecule test -s default
	$(BIN)/python -m lab.own_server $(BIN)/molecule test -s drift

molecule-docker: .venv/ready ## the scenario with web hosts, in containers; needs a Docker engine
	$(BIN)/python -m tools.molecule_docker

sweep: .venv/ready ## every kill point, not only a sample
	$(TEST) -m sweep

bench: .venv/ready ## speed, as ratios within one run
	$(BIN)/python -m lab.bench

lint: .venv/ready ## ruff, yamllint, ansible-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/yamllint --strict .
	$(BIN)/ansible-lint --offline --strict

lint-tsql: .venv/ready ## the shipped T-SQL, by Microsoft's parser for SQL Server 2012; needs Mono
	$(BIN)/python -m tools.lint_tsql

pins: .venv/ready ## resolve requirements*.in anew
	.venv/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links \
	    --custom-compile-command 'make pins' requirements.in -o requirements.txt
	.venv/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links \
	    --custom-compile-command 'make pins' requirements-dev.in -o requirements-dev.txt

.venv/ready: requirements.txt requirements-dev.txt Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo '$(PYTHON) is older than Python 3.11: make PYTHON=python3.11 ...'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	    { echo 'this Python has no ensurepip: install the package python3-venv (Debian, Ubuntu)'; exit 1; }
	@rm -rf .venv
	@$(PYTHON) -m venv .venv/uv
	@.venv/uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@.venv/uv/bin/uv venv --quiet --allow-existing --python $(PYTHON) .venv
	@.venv/uv/bin/uv pip install --quiet --python .venv -r requirements-dev.txt
	@touch $@

clean: ## remove what the other targets made
	rm -rf .venv .lab .cache .pytest_cache .ruff_cache .hypothesis
