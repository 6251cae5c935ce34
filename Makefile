# `make demo` and `make test` do all the set-up: a virtual environment in .venv, and on Debian and
# Ubuntu the system libraries that Qt needs (when root or sudo allows; else the command is printed).

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3.14 python3; do \
	if $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then echo $$p; break; fi; done)
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
GROUPS := --group test --group bench --group lint

# seconds after which the window of `make demo` closes by itself; empty: when you close it
SECONDS ?=

.PHONY: demo run test bench lint clean system
.DEFAULT_GOAL := demo

demo: .venv/ready system
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || [ "$$(uname)" = Darwin ]; then \
		$(BIN)/tapeprint --demo $(if $(SECONDS),--seconds $(SECONDS)); \
	else \
		mkdir -p build && QT_QPA_PLATFORM=offscreen $(BIN)/tapeprint snapshot demo -o build/tapeprint-demo.png --size 1600x900 --scale 2 && \
		echo "No display here: wrote the picture to build/tapeprint-demo.png"; \
	fi

run: .venv/ready system
	$(BIN)/tapeprint

test: .venv/ready-to-test system
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -m "not gl" -n 2
	LIBGL_ALWAYS_SOFTWARE=1 QT_QPA_PLATFORM=xcb xvfb-run --auto-servernum --server-args="-screen 0 1920x1080x24" \
		$(BIN)/python -m pytest -m gl

bench: .venv/ready-to-test system
	mkdir -p build
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest tests/benchmarks --override-ini addopts= --override-ini python_files="bench_*.py" \
		--benchmark-json build/benchmarks.json --benchmark-columns median,stddev,rounds -s

lint: .venv/ready-to-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

clean:
	rm -rf .venv build .pytest_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info

system:
	@sh setup-system.sh

.venv/ready: pyproject.toml constraints.txt
	@if [ -z "$(PYTHON)" ]; then echo "Tapeprint needs Python 3.11 to 3.14, and found none" >&2; exit 1; fi
	@sh setup-system.sh venv "$(PYTHON)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(INSTALL) --editable .
	@touch $@

.venv/ready-to-test: .venv/ready
	$(INSTALL) $(GROUPS)
	@touch $@
