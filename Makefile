# Each target makes the virtual environment it needs from nothing; a second run finds it there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LOWEST := $(VENV)/lowest

.PHONY: demo test lowest check docs bench clean
demo: $(INSTALLED)
	$(BIN)/deeprnn-edge demo

# Two workers: most of the time goes into TensorFlow's tracing, which uses one core.
test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2

# The device's tests with the lowest version of each of its dependencies that pyproject.toml allows and that has a
# wheel for this Python, without the workshop. The tools that test are the pinned ones.
lowest:
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/pip install --quiet --constraint pins.txt uv hatchling editables pytest pytest-xdist hypothesis
	$(LOWEST)/bin/uv pip compile --quiet --python $(LOWEST)/bin/python --resolution lowest-direct --only-binary :all: \
		--extra tflite --extra score --output-file $(LOWEST)/lowest.txt pyproject.toml
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python --requirement $(LOWEST)/lowest.txt
	$(LOWEST)/bin/pip install --quiet --no-deps --no-build-isolation --editable .
	$(LOWEST)/bin/python -m pytest -n 2 tests/edge

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python benchmarks/tables/fill.py --check
	$(MAKE) docs

# The site, into .site/, without the network; a link that leads nowhere, or a page outside the menu, is an error.
docs: $(INSTALLED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# The seed models, which the README's table is of; every workload: make bench SWEEP=--sweep
bench: $(VENV)/.peers
	$(BIN)/python benchmarks/peers/compare.py $(SWEEP)
	$(BIN)/python benchmarks/peers/overhead.py

clean:
	rm -rf $(VENV) demo

# pins.txt constrains the versions; pyproject.toml says what is wanted. The build back end comes first,
# so that its version is pinned too.
$(INSTALLED): pyproject.toml pins.txt
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "deeprnn-edge needs Python 3.11 or newer, found " + sys.version.split()[0] + "; name another with: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --constraint pins.txt hatchling editables
	$(BIN)/pip install --quiet --constraint pins.txt --no-build-isolation --editable '.[export,dev,docs]'
	@touch $@

# PyTorch and OpenVINO, which only the comparison with peers needs.
$(VENV)/.peers: $(INSTALLED)
	$(BIN)/pip install --quiet --constraint pins.txt --no-build-isolation --editable '.[export,dev,docs,peers]'
	@touch $@
