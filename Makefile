# The one place to start everything from. `make help` lists the targets.
#
# Everything can be run again at once: what is there already is not made again. `sudo` is needed where packages are
# installed or BPF is used.
BUILD    ?= build
JOBS     ?= $(shell nproc)
PYTHON   := /usr/bin/python3
FUZZ_SECONDS ?= 300
CORPUS   ?= ../shared/corpus

.DEFAULT_GOAL := help
.PHONY: help deps deps-checks build demo test stress sanitize bench fuzz check format corpus test-clients test-kernels install clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

deps: ## installs what building and testing need, from Debian's packages (only what is missing)
	@deploy/dev/install-dependencies.sh

deps-checks: ## the same, and what `make check` and `make fuzz` need
	@deploy/dev/install-dependencies.sh --with-checks

$(BUILD)/build.ninja: CMakePresets.json CMakeLists.txt | deps
	@cmake --preset release -B $(BUILD) $(CMAKE_FLAGS) > $(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log

build: deps $(BUILD)/build.ninja ## builds everything into build/
	@cmake --build $(BUILD) -j $(JOBS)

demo: deps $(BUILD)/build.ninja ## real clients, a local LLM server, the agent: what was spent, checked against the server
	@cmake --build $(BUILD) -j $(JOBS) --target llmsnoop llm_server
	@$(PYTHON) deploy/dev/demo.py --build $(BUILD)

test: build ## builds and runs every test; live tests need root and say so loudly where they cannot run (other kernels: test-kernels; stress)
	@ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS) -LE 'vm|stress'

stress: build ## not part of test: thousands of processes, connections and probes, and agents restarted under load: what the agent holds before and after (root)
	@LLMSNOOP_STRESS=full $(PYTHON) tests/stress/test_stress.py --build $(BUILD)

sanitize: deps ## the tests again, built with AddressSanitizer and UndefinedBehaviorSanitizer
	@cmake --preset sanitize > /dev/null && cmake --build --preset sanitize -j $(JOBS)
	@ctest --test-dir build-sanitize --output-on-failure -j $(JOBS) -LE 'kernel|stress|vm|npm|deploy'

bench: build ## bytes/s of every stage beside memcpy, and the cost of being watched beside the floor (root)
	@tests/bench/run.sh $(BUILD)

fuzz: deps-checks ## builds every fuzz target and runs each for FUZZ_SECONDS (300)
	@cmake --preset fuzz > /dev/null && cmake --build --preset fuzz -j $(JOBS)
	@tests/fuzz/run.sh build-fuzz $(FUZZ_SECONDS) $(JOBS)

check: deps-checks $(BUILD)/build.ninja ## clang-format and clang-tidy, warnings as errors
	@tests/style/check.sh $(BUILD) $(JOBS)

format: ## applies clang-format
	@git ls-files '*.cpp' '*.h' '*.c' | grep -v '^vmlinux/' | xargs clang-format -i

corpus: build ## replays the recorded exchanges of CORPUS (../shared/corpus) in every mode, where they are present
	@tests/corpus/run.sh $(BUILD) $(CORPUS)

test-clients: build ## live: SDKs, runtimes and command-line agents of npm (about 1 GB), and a table of what was seen of each
	@$(PYTHON) tests/kernel/test_npm_clients.py --build $(BUILD) --agents

test-kernels: build ## the live tests on other kernels, in virtual machines
	@$(PYTHON) tests/vm/run.py --build $(BUILD)

install: build ## installs the agent below PREFIX (/usr/local)
	@cmake --install $(BUILD) --prefix $(or $(PREFIX),/usr/local)

clean: ## removes what was built
	@rm -rf $(BUILD) build-sanitize build-fuzz
