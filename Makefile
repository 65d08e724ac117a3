# make          what can be made
# make demo     the whole way, on this machine, with a page to look at
# make test     every test, as the CI runs them

PORT ?= 8080
DATA ?= demo-data
MILLRACE = .build/debug/millrace

.DEFAULT_GOAL := help
.PHONY: help setup build demo test test-swift test-javascript test-peers check bench fuzz format clean

help:
	@echo "make demo     set up, build, start an org and the gateway, and serve the page (PORT=$(PORT) DATA=$(DATA))"
	@echo "make test     set up, build, and run every test: Swift, JavaScript, the Python peers, the style"
	@echo "make build    the executable and the tests, for debugging: $(MILLRACE)"
	@echo "make bench    the benchmarks (a package of its own, built for release)"
	@echo "make fuzz     strangers' bytes into every parser, a minute each (a package of its own; docs/fuzzing.md)"
	@echo "make format   swift format, in place"
	@echo "make check    style, file lengths, layers, leftovers"
	@echo "make clean    remove what was built, and the demo's data"

setup:
	@scripts/setup

# Exactly these flags everywhere: others would build everything a second time.
build:
	swift build --build-tests

demo:
	@scripts/setup run
	swift build --build-tests
	$(MILLRACE) demo --port $(PORT) --data $(DATA)

test: setup build test-swift test-javascript test-peers check

test-swift:
	@scripts/test-swift

test-javascript:
	cd clients/javascript && node --test test/*.test.mjs
	cd salesforce && node --test test/*.test.mjs

test-peers:
	.venv/bin/python -m pytest Tests/peers -q

check:
	@scripts/check-style

bench: setup build
	swift build -c release --package-path Benchmarks --disable-index-store
	.venv/bin/python scripts/bench-avro
	Benchmarks/.build/release/bench bus
	Benchmarks/.build/release/bench log
	Benchmarks/.build/release/bench match
	Benchmarks/.build/release/bench query
	Benchmarks/.build/release/bench bulk
	Benchmarks/.build/release/bench org
	scripts/bench-start
	scripts/bench-rest
	scripts/bench-push
	scripts/bench-push-peers
	scripts/bench-latency
	scripts/bench-replica

fuzz:
	@scripts/fuzz

format:
	@scripts/check-style --fix

clean:
	rm -rf .build Benchmarks/.build Fuzzing/.build .venv .venv27 $(DATA)
