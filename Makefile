# Needs Python >= 3.11 and make; everything else is installed here, pinned and hashed.
# Five environments, because the SAM CLI, the AWS emulator and checkov pin other releases of boto3:
#   .venv        the project, its command line, tests and checks
#   .venv-sam    aws-sam-cli
#   .venv-cloud  the AWS emulator of `make demo`
#   .venv-lambda AWS's Lambda runtime, in which tests run the built functions
#   .venv-checks scanners of `make check` and `make audit`

# The first interpreter that really runs (a pyenv shim may not) and can make environments.
# 3.13 comes first: it is what the functions run on in the cloud.
CANDIDATES := $(PYTHON) python3.13 $(wildcard $(PYENV_ROOT)/versions/3.13.*/bin/python3.13) python3.12 python3.11 python3
override PYTHON := $(shell for python in $(CANDIDATES); do \
	"$$python" -c 'import ensurepip, ssl, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& command -v "$$python" && break; done)

export SAM_CLI_TELEMETRY := 0
export UV_PYTHON_DOWNLOADS := never

UV := .venv/bin/uv
INSTALL := $(UV) pip install --quiet --require-hashes --python
CONFIG_ENV ?= default
JOBS ?= auto

# What the layers' makefiles call when `sam build` runs them. Byte-code is for 3.13 or for nobody.
export LAYER_UV := $(CURDIR)/$(UV)
export LAYER_PYTHON := $(CURDIR)/.venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup chromium screenshots demo test check audit build sam-local deploy bench simulate mutate docs lock clean
.DELETE_ON_ERROR:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.installed .venv-sam/.installed .venv-cloud/.installed .venv-lambda/.installed ## make the environments

# Browser tests drive the system's Chromium; where it cannot be had they skip and say so.
chromium:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
		{ apt-get install -qq -y --no-install-recommends chromium >/dev/null 2>&1 || \
		{ apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium; } >/dev/null 2>&1; } } || \
		echo "there is no Chromium, and no right to install it: the browser tests will skip"

screenshots: setup chromium ## drive the console in a browser, and keep the README's pictures of it
	.venv/bin/python -m pytest tests/browser $(ARGS)
	mkdir -p docs/screenshots && cp build/screenshots/readme/*.png docs/screenshots/

demo: setup ## a day of business on this machine; KEEP=1 stays up, SEED=n picks the day
	.venv/bin/connector demo $(if $(KEEP),--keep) $(if $(SEED),--seed $(SEED))

test: setup chromium ## every test; JOBS=n in so many processes
	.venv/bin/python -m pytest -n $(JOBS) $(ARGS)

check: .venv/.installed .venv-sam/.installed .venv-checks/.installed ## lint, types, template, security
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/cfn-lint template.yaml
	.venv-checks/bin/cfn-lint --config-file .ci/cfn-lint-serverless.yaml
	AWS_DEFAULT_REGION=us-east-1 .venv-sam/bin/sam validate --lint
	.venv/bin/python -m local.gradual Canary10Percent5Minutes template.yaml build/gradual.json
	AWS_DEFAULT_REGION=us-east-1 .venv-sam/bin/sam validate --lint --template-file build/gradual.json
	.venv-checks/bin/checkov --config-file .ci/checkov.yaml --file template.yaml
	.venv-checks/bin/bandit -q -ll -r layers/connector functions cli

audit: .venv-checks/.installed ## known vulnerabilities in the pins; says so where PyPI's advisories cannot be reached
	.ci/audit

build: .venv/.installed .venv-sam/.installed ## build the functions and layers for AWS
	find functions layers -name __pycache__ -prune -exec rm -rf {} +
	.venv-sam/bin/sam build --cached --parallel
	@du -sh .aws-sam/build/Dependencies .aws-sam/build/Connector

sam-local: setup build ## every file of events/ through `sam local invoke`, where a container engine is present
	.venv/bin/python -m local.sam_local

deploy: build ## deploy to AWS; CONFIG_ENV=name picks the section of samconfig.toml, GRADUAL=Canary10Percent5Minutes shifts by and by
	$(if $(GRADUAL),.venv/bin/python -m local.gradual $(GRADUAL))
	.venv-sam/bin/sam deploy $(if $(GRADUAL),--template-file .aws-sam/build/gradual.json) --config-env $(CONFIG_ENV) $(ARGS)

bench: setup ## measure; the last line is JSON
	.venv/bin/python -m bench

simulate: .venv/.installed ## break everything, count what is lost or doubled; DOCUMENTS=n SEED=s, or BACKLOG=n; the last line is JSON
	.venv/bin/connector $(if $(BACKLOG),simulate-backlog --documents $(BACKLOG),simulate-faults) $(if $(DOCUMENTS),--documents $(DOCUMENTS)) $(if $(SEED),--seed $(SEED)) $(ARGS)

mutate: .venv/.installed ## change the code a little, many times: how often do the tests notice? ARGS="--group ledger"
	.venv/bin/python -m tests.mutation $(ARGS)

docs: .venv/.installed ## make docs/mapping-tables.md from the code
	.venv/bin/python -m tests.docs.mapping_tables > docs/mapping-tables.md

lock: .venv/.installed ## pin the newest releases that the .in files allow
	cd layers/dependencies && "$(CURDIR)/$(UV)" pip compile $(LOCK) requirements.in -o requirements.txt
	cd requirements && for name in bootstrap dev sam cloud lambda checks; do \
		"$(CURDIR)/$(UV)" pip compile $(LOCK) $$name.in -o $$name.txt || exit 1; done

LOCK := --quiet --upgrade --generate-hashes --no-annotate --no-header --universal --python-version 3.11

clean: ## remove everything made here
	rm -rf .venv .venv-sam .venv-cloud .venv-lambda .venv-checks .aws-sam build dist *.egg-info \
		.mypy_cache .pytest_cache .ruff_cache .hypothesis .simulate
	find . -name __pycache__ -prune -exec rm -rf {} +

# --- environments: each is stamped, and made again only when its pins change ---

$(UV): requirements/bootstrap.txt
	@test -n "$(PYTHON)" || { echo "No Python >= 3.11 with venv and pip was found; name one: make PYTHON=/path/to/python3" >&2; exit 2; }
	@echo "making .venv with $(PYTHON)"
	@"$(PYTHON)" -m venv --clear .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

.venv/.installed: $(UV) requirements/dev.txt pyproject.toml
	@$(INSTALL) .venv/bin/python -r requirements/dev.txt
	@$(UV) pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

# Compiled at installation: they are large, and started anew at every use.
.venv-sam/.installed .venv-cloud/.installed .venv-lambda/.installed .venv-checks/.installed: .venv-%/.installed: requirements/%.txt | $(UV)
	@echo "making .venv-$*"
	@$(UV) venv --quiet --clear --python .venv/bin/python .venv-$*
	@UV_COMPILE_BYTECODE=1 $(INSTALL) .venv-$*/bin/python -r $<
	@touch $@
