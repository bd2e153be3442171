# What a developer types. `make` alone says what there is.

SHELL := /bin/bash
.DEFAULT_GOAL := help
SEEDS ?= 2000
SECONDS ?= 60

.PHONY: help setup build demo test test-full sim chaos bench bench-sync fuzz dashboard dashboard-test screenshots chart-test book packages release deploy-test fmt lint

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

setup: ## what build and tests need; installs what is missing where it may, else says what to install
	@scripts/setup

build: ## the three binaries, optimised, in target/release
	@scripts/setup build
	cargo build --release --locked

demo: ## a controller and one agent on this machine, with the examples; Ctrl-C ends it
	@scripts/setup build
	@scripts/demo

test: setup ## everything there is, in under 25 minutes on two cores
	@scripts/test

test-full: setup ## what does not fit into `make test`: the whole kill matrix, ten minutes of chaos, long fuzzing
	@scripts/test --full

chaos: setup ## a pair of controllers, MariaDB and three agents under faults by dice; SECONDS=600 SEED=7 for longer, and the same again
	cargo build --locked --workspace
	PULSE_TEST_SECONDS=$(SECONDS) PULSE_TEST_SEED=$(SEED) cargo test --locked -p pulse-controller --test e2e -- chaos::a_pair --nocapture

bench: setup ## PULSE beside the limits of the machine; BENCH="latency throughput sqlite" for some of it, QUICK=1 to see that it works, NOW=1 on a busy machine
	cargo build --release --locked -p pulse-controller -p pulse-agent -p pulse-bench --bins
	scripts/with-mariadb target/release/bench $(if $(QUICK),--quick) $(if $(NOW),--now) $(BENCH)

sim: setup ## SEEDS worlds in which everything breaks (docs/reliability.md); SEED=k plays one alone, line by line
	@SEEDS=$(SEEDS) cargo test --locked -p pulse-sim --test sim -- --nocapture whatever_happens

bench-sync: setup ## from a push to what is live, with the limit beside each figure; BENCH="http lost" for some of it
	cargo build --release --locked -p pulse-controller --bin pulse-controller --example bench_sync
	scripts/with-mariadb target/release/examples/bench_sync $(BENCH)

fuzz: setup ## every reader of outside text under bent input; SECONDS=600 for longer
	@scripts/fuzz $(SECONDS)

dashboard: ## makes the dashboard's bundle anew, after a change of controller/dashboard/src; it is kept in git
	@scripts/with-node scripts/dashboard build

dashboard-test: ## the dashboard: is its bundle current, its units, and a real browser against the real binaries
	@scripts/with-node scripts/dashboard test

screenshots: ## every page in both themes, at the size of a desk and of a phone, into docs/screenshots
	@scripts/with-node scripts/dashboard screenshots

chart-test: setup ## the Helm chart: lint, renderings by Helm itself, Kubernetes' schemas, a release's life, its pods run by the real binaries
	cargo build --locked --workspace
	@scripts/with-mariadb scripts/chart-test

packages: build ## Debian packages of controller, agent and command line, into target/packages
	@scripts/packages target/packages

release: ## static programs, archive, packages and SHA256SUMS, into target/release-files
	@scripts/setup build
	@scripts/release target/release-files

deploy-test: setup ## packages, units and install-agent.sh on a machine with systemd of their own; Dockerfile, workflows, compose file
	cargo build --locked -p pulse-controller -p pulse-agent -p pulse-cli --bins
	@scripts/deploy-test

fmt: ## formats the code
	cargo fmt --all

book: ## the pages of docs/ as a book: target/book/index.html
	@scripts/book

lint: setup ## format and lints, warnings are errors
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
