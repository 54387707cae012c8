# One Makefile for a person and for CI. `make help` lists the targets.

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV ?= .venv
PYTHON := $(VENV)/bin/python
WITH_SYSTEM := $(PYTHON) -m scripts.local exec --
# Two processes, each with a PostgreSQL of its own. PYTEST_ARGS= for one.
PYTEST_ARGS ?= -n 2 --dist loadscope
ARGS ?=

# The newest Python that is new enough; PYTHON3=... chooses another.
PYTHON3 ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$p && break; done)

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} \
	/^##@ / {printf "\n%s\n", substr($$0, 5)} \
	/^[a-z0-9-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Run without Docker

.PHONY: run stop status logs seed import migrate
run: $(VENV)/.for-run ## Start everything (first start: makes the database and example data); Ctrl-C stops
	@exec $(PYTHON) -m scripts.local run

stop: $(VENV)/.for-run ## Stop what `make run` started
	@$(PYTHON) -m scripts.local stop

status: $(VENV)/.for-run ## Say whether it runs, and as which processes
	@$(PYTHON) -m scripts.local status

logs: ## Follow the log of `make run`
	@tail -n 100 -F var/log/aiff.log

seed: $(VENV)/.for-run ## Make example data (SEED_SCALE=0.1 for less)
	@$(WITH_SYSTEM) $(PYTHON) scripts/seed_data.py $(ARGS)

import: $(VENV)/.for-run ## Import tickets (FILE=records.csv MAPPING=docs/mappings/boston311.yml)
	@$(WITH_SYSTEM) $(PYTHON) scripts/import_tickets.py --mapping $(MAPPING) $(FILE) $(ARGS)

migrate: $(VENV)/.for-run ## Bring the database to the newest shape
	@$(WITH_SYSTEM) $(PYTHON) -m db.migrate $(ARGS)

##@ Run with Docker

COMPOSE := docker compose

.PHONY: up down docker-logs
up: ## Build and start the containers
	$(COMPOSE) up --build --detach

down: ## Stop the containers (data is kept)
	$(COMPOSE) down

docker-logs: ## Follow the log of the containers
	$(COMPOSE) logs --follow --tail=100

##@ Operate

.PHONY: admin rotate-keys backup restore rollup-verify sla-rebuild reprice eval-forecast eval-anomalies eval-chat pgadmin
admin: $(VENV)/.for-run ## Make an administrator (ARGS="--username anna --email anna@example.org")
	@$(WITH_SYSTEM) $(PYTHON) -m auth_service.make_admin $(ARGS)

rotate-keys: $(VENV)/.for-run ## Make a new key pair for access tokens; old tokens live on until they end
	@$(WITH_SYSTEM) $(PYTHON) -m auth_service.rotate_keys $(ARGS)

backup: $(VENV)/.for-run ## Write the whole database to backups/ (TO=file.dump)
	@$(PYTHON) -m scripts.local.backup save $(TO)

restore: $(VENV)/.for-run ## Put a backup into an empty database (FROM=file.dump)
	@$(PYTHON) -m scripts.local.backup restore $(FROM)

rollup-verify: $(VENV)/.for-run ## Prove that the roll-ups equal a recount of the events
	@$(WITH_SYSTEM) $(PYTHON) -m tickets_service.rollup_verify $(ARGS)

sla-rebuild: $(VENV)/.for-run ## Work out all deadlines anew from the events
	@$(WITH_SYSTEM) $(PYTHON) -m tickets_service.rebuild_sla $(ARGS)

reprice: $(VENV)/.for-run ## Put all tickets of an SLA policy under a version of it (POLICY=3; ARGS=--preview)
	@$(WITH_SYSTEM) $(PYTHON) -m tickets_service.reprice $(POLICY) $(ARGS)

eval-forecast: $(VENV)/.for-run ## Judge the forecast against its baseline on time-ordered hold-outs
	@$(WITH_SYSTEM) $(PYTHON) -m analytics_service.evaluation $(ARGS)

eval-anomalies: $(VENV)/.for-run ## Judge how odd days are found that were planted into real records
	@$(WITH_SYSTEM) $(PYTHON) -m analytics_service.planted $(ARGS)

eval-chat: $(VENV)/.for-run ## Ask the assistant its own questions and print what it got right
	@$(PYTHON) -m ai_service.evaluation $(ARGS)

PGADMIN_PORT ?= 8083
PGADMIN := $(VENV)-pgadmin
pgadmin: $(VENV)/.for-run ## pgAdmin on port 8083 (an installation of its own: 600 MB, some minutes)
	@$(PYTHON) -m scripts.local.pgadmin $(PGADMIN) $(PGADMIN_PORT)

##@ Develop

.PHONY: test test-faults lint format coverage bench e2e api-docs migration requirements browser
test: lint browser ## All checks and all tests: what CI does
	$(PYTHON) -m pytest $(PYTEST_ARGS)

test-faults: $(VENV)/.for-tests ## Only the tests that kill and starve parts of the running system
	$(PYTHON) -m pytest -m faults

lint: $(VENV)/.for-tests ## Style, types, import rules
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: $(VENV)/.for-tests ## Put the code into its form
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

coverage: $(VENV)/.for-tests ## All tests, with branch coverage
	$(PYTHON) -m pytest --cov --cov-report=term-missing:skip-covered $(PYTEST_ARGS)

e2e: $(VENV)/.for-tests browser ## Only the tests through gateway and browser
	$(PYTHON) -m pytest tests/e2e $(PYTEST_ARGS)

bench: $(VENV)/.for-tests ## Measure cost per request beside the smallest honest service
	$(PYTHON) -m bench $(ARGS)

api-docs: $(VENV)/.for-run ## Write the OpenAPI document and the Postman collection from the code
	$(PYTHON) scripts/build_api_docs.py $(ARGS)

migration: $(VENV)/.for-run ## Write a migration from what db/ declares (NAME=what_it_does)
	$(PYTHON) scripts/new_migration.py $(NAME)

browser: # installs Chromium as root on Debian; elsewhere browser tests say why they are skipped
	@bash scripts/ensure_chromium.sh

requirements: $(VENV)/.for-tests ## Compile the pins anew from requirements/*.in
	for part in base local dev; do $(VENV)/bin/pip-compile --quiet --generate-hashes \
		--strip-extras --allow-unsafe --no-emit-index-url --no-emit-trusted-host \
		--no-emit-find-links --no-header --output-file requirements/$$part.txt \
		requirements/$$part.in; done

##@ Clean

.PHONY: clean clean-data
clean: ## Remove caches and the environment; data in var/ stays
	rm -rf $(VENV) $(PGADMIN) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache htmlcov .coverage
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

clean-data: ## Remove the local database, for good (asks first)
	@read -r -p "Remove var/ with the local database for good? Type yes: " answer && [ "$$answer" = yes ]
	@$(PYTHON) -m scripts.local stop
	rm -rf var

# --- the environment: made on first use, again when the pins change -----------

$(VENV)/bin/python:
	@test -n "$(PYTHON3)" || { echo "Python 3.11 or newer is needed; PYTHON3=/path/to/python names one."; exit 1; }
	@$(PYTHON3) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$(PYTHON3) cannot make an environment; on Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/.for-run: requirements/local.txt | $(VENV)/bin/python
	@echo "Installing what the system needs into $(VENV) (once) …"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/local.txt
	@touch $@

$(VENV)/.for-tests: requirements/dev.txt $(VENV)/.for-run
	@echo "Installing what the tests need into $(VENV) (once) …"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@
