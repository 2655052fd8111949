# make help says what there is.
SWIFT  ?= swift
PREFIX ?= /usr/local
# Colours are a compiler flag: on a terminal and in a pipe they would build everything anew.
BUILD  := $(SWIFT) build --no-color-diagnostics
TALE   := .build/release/tale

.DEFAULT_GOAL := help
.PHONY: help deps deps-test deps-bench build models run test lint bench install clean

help: ## Show this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

deps: ## Install what is missing (apt-get; sudo when not root)
	@scripts/install-dependencies

deps-test: deps
	@scripts/install-dependencies --for-tests

deps-bench: deps
	@scripts/install-dependencies --for-bench

build: deps ## Build .build/release/tale
	$(BUILD) -c release --product tale --static-swift-stdlib

models: build ## Fetch the default models and their server, once for all checkouts
	$(TALE) models fetch

run: models ## Take an example from the inbox to the outbox
	@scripts/run-example $(TALE)

test: deps-test ## Run every test, on the real models too
	$(BUILD) --build-tests
	.build/debug/tale models fetch
# One test at a time: many wait, within limits, for processes that need the machine for themselves,
# and the models want it alone.
	$(SWIFT) test --skip-build --no-parallel --skip 'RealModel|real model'
	$(SWIFT) test --skip-build --no-parallel --filter 'RealModel|real model'

lint: ## Check the format of every Swift file
	$(SWIFT) format lint -s -r -p Package.swift Sources Tests

bench: deps-bench models ## Measure what tale promises, against references in the same run
	@scripts/bench $(TALE) $(PARTS)

install: build ## Install the binary to PREFIX/bin
	install -D -m 755 $(TALE) $(DESTDIR)$(PREFIX)/bin/tale

clean: ## Remove what was built; queue and models stay
	rm -rf .build
