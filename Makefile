# make help says what there is.
SWIFT  ?= swift
PREFIX ?= /usr/local
# Colours are a compiler flag: on a terminal and in a pipe they would build everything anew.
BUILD  := $(SWIFT) build --no-color-diagnostics
TALE   := .build/release/tale
# Optimised, since torture starts it thousands of times, with the bugs that can be planted.
TORTURED := .build/torture/release/tale
# Where `make install` puts things: below DESTDIR, which packagers set.
BIN  = $(DESTDIR)$(PREFIX)/bin
MAN  = $(DESTDIR)$(PREFIX)/share/man/man1
BASH = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ZSH  = $(DESTDIR)$(PREFIX)/share/zsh/site-functions
FISH = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d

.DEFAULT_GOAL := help
MINUTES ?= 5
.PHONY: help deps deps-test deps-bench build models run test torture torture-sites \
        torture-build torture-power torture-controls nights lint bench install uninstall clean

help: ## Show this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 26

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

test: deps-test ## Run every test, on the real models too, and of torture and nights a part
	$(BUILD) --build-tests
	.build/debug/tale models fetch
	SWIFT=$(SWIFT) scripts/run-tests --skip 'RealModel|real model'
	SWIFT=$(SWIFT) scripts/run-tests --filter 'RealModel|real model'
	$(MAKE) torture-sites torture-power torture-controls nights

torture-build: deps-test
	$(BUILD) -c release -Xswiftc -DDEBUG --product tale --scratch-path .build/torture

torture: torture-build ## Kill it, fail it, cut its power at every call that changes a file (hours)
	python3 Tests/Torture/torture.py --tale $(TORTURED) --all
	python3 Tests/Torture/power.py --tale $(TORTURED) --all
	$(MAKE) torture-controls

torture-sites: torture-build ## Of torture one call of each call site, and a control for each check
	python3 -m unittest discover -s Tests/Torture
	python3 Tests/Torture/torture.py --tale $(TORTURED) --sites

torture-power: torture-build ## Of torture as many losses of power as four minutes have room for
	python3 Tests/Torture/power.py --tale $(TORTURED)

torture-controls: torture-build ## Plant bugs, and see that torture finds each
	python3 Tests/Torture/controls.py --tale $(TORTURED)

nights: deps ## Simulate nights, with faults of all kinds, for MINUTES=5
	$(BUILD) -c release --product NightSimulation --scratch-path .build/nights
	.build/nights/release/NightSimulation --controls
	.build/nights/release/NightSimulation --minutes $(MINUTES)

lint: ## Check the format of every Swift file
	$(SWIFT) format lint -s -r -p Package.swift Sources Tests

bench: deps-bench models ## Measure what tale promises, against references in the same run
	$(BUILD) -c release --product CheckpointStandIn --static-swift-stdlib
	@scripts/bench $(TALE) $(PARTS)

# With TALE=... that binary is installed, and nothing is built.
install: $(if $(filter command,$(firstword $(origin TALE))),,build) ## Install binary, manual and completions below PREFIX
	install -d $(BIN) $(MAN) $(BASH) $(ZSH) $(FISH)
	install -s -m 755 $(TALE) $(BIN)/tale
	scripts/make-manual $(TALE) >$(MAN)/tale.1
	$(TALE) --generate-completion-script bash >$(BASH)/tale
	$(TALE) --generate-completion-script zsh >$(ZSH)/_tale
	$(TALE) --generate-completion-script fish >$(FISH)/tale.fish

uninstall: ## Remove what make install put below PREFIX; queues and models stay
	rm -f $(BIN)/tale $(MAN)/tale.1 $(BASH)/tale $(ZSH)/_tale $(FISH)/tale.fish

clean: ## Remove what was built; queue and models stay
	rm -rf .build
