# Everything runs from a virtual environment in .venv, made on first use.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# A file of tests at a time in each of two processes: integration tests wait more than they work.
TWO_AT_A_TIME := --numprocesses 2 --dist loadfile
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: lock manifest platforms dist help venv demo test test-fast lint bench profile faults steady scale deploy-check image-check sbom audit docs docs-check otelcol clean

##@ Start

help: ## this list
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: .venv/dev ## virtual environment with everything for development

.venv/base: setup.py clients/pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "Python 3.11, 3.12 or 3.13 is needed. Name one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Installing into .venv …" >&2
	@"$(PYTHON)" -m venv .venv
	@$(INSTALL) --editable ./clients --editable '.[clients,dashboard]'
	@touch $@

.venv/dev: .venv/base
	@$(INSTALL) --editable '.[dev]'
	@touch $@

demo: .venv/base ## a broker, traffic, the pipeline and the dashboard; Ctrl-C ends it
	@$(BIN)/tracing-aggregator demo

##@ Test

test: .venv/dev ## all tests, those on real brokers, Flink and browsers too (20 min on two cores)
	@echo "Running all tests, two files at a time, those that start brokers, Flink and browsers too: some 20 minutes on two cores." >&2
	@echo "Java and jars are downloaded on first use. What starts no server takes some 5 minutes: make test-fast" >&2
	@$(BIN)/python -m pytest $(TWO_AT_A_TIME)

test-fast: .venv/dev ## the tests that start no server (5 min)
	@echo "Running the tests that start no server, two files at a time: some 5 minutes on two cores." >&2
	@$(BIN)/python -m pytest -m 'not integration' $(TWO_AT_A_TIME)

lint: .venv/dev docs-check ## style, types, layers and generated documents
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

trust: .venv/dev ## 10,000 generated histories against the reference
	@$(BIN)/python -m tests.long_run --histories 10000

fuzz: .venv/dev ## a minute of atheris on each fuzzed target
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(INSTALL) atheris
	@for target in trace batch envelope file date configuration request output scrape; do $(BIN)/python -m tests.fuzz $$target || exit 1; done

soak: .venv/dev ## five days of event time: does state or memory grow
	@$(BIN)/python -m tests.soak

##@ Measure

bench: .venv/dev ## throughput, latency, CPU and memory of each runner
	@$(BIN)/python -m bench

profile: .venv/dev ## flame graphs of each runner, into build/profile
	@PATH="$(PWD)/$(BIN):$$PATH" $(BIN)/python -m bench.fast.profile

faults: .venv/dev ## break a Flink cluster, a broker and the input in turn, and count what comes out (20 min)
	@$(BIN)/python -m bench.faults

steady: .venv/dev ## half an hour at a fixed rate on a Flink cluster: memory, state, checkpoints
	@$(BIN)/python -m bench.steady

scale: .venv/dev ## how cost grows with rate, partitions, groups, open messages and retention, as curves (20 min)
	@$(BIN)/python -m bench.scale measure --write-docs

##@ Ship

# Not on PyPI: built from source by Go, into the virtual environment.
$(BIN)/helm:
	@GOBIN="$(PWD)/$(BIN)" GOFLAGS= go install helm.sh/helm/v3/cmd/helm@v3.22.0

deploy-check: .venv/dev $(BIN)/helm ## Dockerfiles, compose file, chart and alert rules, with all tools; needs Go, promtool and systemd
	@PATH="$(PWD)/$(BIN):$$PATH" $(BIN)/python -m pytest tests/deploy tests/tracing_aggregator/metrics/test_deploy.py

manifest: $(BIN)/helm ## deploy/kubernetes/flink-deployment.yaml from the chart
	@{ echo '# The aggregator as an application on Flink, by the Flink Kubernetes operator, see docs/deployment.md. Written by'; \
	echo '# `make manifest`. Yours: image, storage class (all pods mount one volume), bootstrap.servers.'; \
	$(BIN)/helm template tracing deploy/helm/tracing-aggregator --kube-version 1.31 --set flink.enabled=true,dashboard.enabled=false 2>/dev/null \
		| sed '/managed-by: Helm/d; /helm.sh\/chart:/d; s/ *$$//'; } >deploy/kubernetes/flink-deployment.yaml

image-check: .venv/base ## builds the image without Docker and starts it on a real broker; Debian, root
	@deploy/try-image.sh

sbom: .venv/dev ## what we are made of, Python packages and jars, in CycloneDX
	@mkdir -p build
	@$(BIN)/python -m tools.sbom >build/sbom.json

# In an environment of its own: it must not change what it looks at.
audit: .venv/dev ## known vulnerabilities: of the advisories that PyPI has, or of saved ones with ADVISORIES=FILE, offline
ifdef ADVISORIES
	@$(BIN)/python -m tools.audit $(ADVISORIES)
else
	@test -x build/audit/bin/pip-audit || { "$(PYTHON)" -m venv build/audit; build/audit/bin/python -m pip install --quiet 'pip-audit>=2.9,<3'; }
	@build/audit/bin/pip-audit --strict --skip-editable --path "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
endif

lock: .venv/dev ## what the image installs, with hashes for each platform, and the list of licences
	@$(BIN)/python -m tools.lock_packages
	@$(BIN)/python -m tools.licences

platforms: .venv/dev ## has every dependency a wheel for Linux on x86 and ARM, and for macOS
	@$(BIN)/python -m tools.lock_packages --check

dist: .venv/base ## wheels of the aggregator and of the clients, into dist
	@rm -rf dist build/lib build/bdist*
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist . ./clients
	@ls dist

##@ Documents and tools

docs: .venv/base ## write the generated documents again
	@$(BIN)/python -m tools.generate_docs

docs-check: .venv/base
	@$(BIN)/python -m tools.generate_docs --check

otelcol: ## the OpenTelemetry collector, built by Go in minutes: a test of `sink otlp` runs where it is
	@cd tools/otelcol && go build -mod=readonly -o "$(HOME)/.cache/tracing-aggregator/bin/otelcol" .

clean: ## remove the virtual environment, caches and build output
	@rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
