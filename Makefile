# `make demo` and `make test` do all the set-up: a virtual environment in .venv, and on Debian and
# Ubuntu the system packages that are missing (when root or sudo allows; else the command is printed).

# the Python of .venv; empty: the first of 3.11 to 3.15 that is found
PYTHON ?=
# seconds after which the window of `make demo` closes by itself; empty: when you close it
SECONDS ?=
# a commit that `make bench` compares this checkout with, both by turns; empty: the last one that was measured
BASE ?=

VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install --constraint constraints.txt
BENCH := $(BIN)/python -m pytest tests/benchmarks --override-ini addopts= --override-ini python_files="bench_*.py" \
	-p no:randomly --benchmark-columns median,stddev,rounds -s
GROUPS := --group test --group bench --group lint

.PHONY: demo run test test-pythons bench soak lint clean system
.DEFAULT_GOAL := demo

demo: $(VENV)/ready system
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || [ "$$(uname)" = Darwin ]; then \
		$(BIN)/tapeprint --demo $(if $(SECONDS),--seconds $(SECONDS)); \
	else \
		mkdir -p build && QT_QPA_PLATFORM=offscreen $(BIN)/tapeprint snapshot demo -o build/tapeprint-demo.png --size 1600x900 --scale 2 --quiet && \
		echo "There is no display to open the window on, so here is its picture: build/tapeprint-demo.png"; \
	fi

run: $(VENV)/ready system
	$(BIN)/tapeprint

# first all that needs no screen, then what draws through OpenGL: on a display of its own, with Mesa's software driver
test: $(VENV)/ready-to-test system
	@sh setup-system.sh xvfb
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -m "not gl" -n 2
	@if command -v xvfb-run >/dev/null; then \
		LIBGL_ALWAYS_SOFTWARE=1 QT_QPA_PLATFORM=xcb \
			xvfb-run --auto-servernum --server-args="-screen 0 1920x1080x24" $(BIN)/python -m pytest -m gl; \
	elif [ "$$(uname)" = Darwin ]; then \
		QT_QPA_PLATFORM=cocoa $(BIN)/python -m pytest -m gl; \
	else \
		echo "The tests that draw through OpenGL need xvfb-run, which is in your system's package of Xvfb" >&2; exit 1; \
	fi

# the tests on each promised Python that this machine has, each in an environment of its own; names those it has not
test-pythons:
	@failed=""; left=""; for version in 3.11 3.12 3.13 3.14 3.15; do \
		if python="$$(sh setup-system.sh exactly $$version)"; then \
			echo "Testing on $$("$$python" --version) ($$python)"; \
			$(MAKE) test PYTHON="$$python" VENV=build/venv-$$version GROUPS="--group test" || failed="$$failed $$version"; \
		else left="$$left $$version"; fi; \
	done; \
	if [ -n "$$left" ]; then echo "not run, since not found on this machine: Python$$left"; fi; \
	if [ -n "$$failed" ]; then echo "failed: Python$$failed" >&2; exit 1; fi

bench: $(VENV)/ready-to-test system
ifneq ($(BASE),)
	$(BIN)/python -m tests.benchmarks.by_turns $(BASE)
else
	@mkdir -p build
	QT_QPA_PLATFORM=offscreen $(BENCH) -m "not gl" --benchmark-json build/benchmarks.json
	@sh setup-system.sh xvfb
	LIBGL_ALWAYS_SOFTWARE=1 QT_QPA_PLATFORM=xcb xvfb-run --auto-servernum --server-args="-screen 0 1920x1080x24" \
		$(BENCH) -m gl --benchmark-json build/benchmarks-gl.json
	$(BIN)/python -m tests.benchmarks.history build/benchmarks.json build/benchmarks-gl.json
endif

# everything that can go wrong, for as long as it takes: some thirty minutes, then which promises hold in build/RELIABILITY.md
soak: $(VENV)/ready-to-test system
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m tests.faults.soak; \
		QT_QPA_PLATFORM=offscreen $(BIN)/python -m tests.faults.report

lint: $(VENV)/ready-to-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python -m tests.words

clean:
	rm -rf .venv build .pytest_cache .ruff_cache .hypothesis .import_linter_cache .benchmarks *.egg-info

system:
	@sh setup-system.sh qt

$(VENV)/ready: pyproject.toml constraints.txt build_package.py
	@python="$$(PYTHON='$(PYTHON)' sh setup-system.sh python)" && echo "Setting up $(VENV) with $$python" && "$$python" -m venv $(VENV)
	@$(PIP) --upgrade pip
	@$(PIP) --build-constraint constraints.txt --editable .
	@touch $@

$(VENV)/ready-to-test: $(VENV)/ready
	@$(PIP) $(GROUPS)
	@touch $@
