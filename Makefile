# Each target makes the virtual environment it needs from nothing; a second run finds it there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LOWEST := $(VENV)/lowest
NEWEST := $(VENV)/newest
# Two workers: most of the time goes into TensorFlow's tracing, which uses one core. A worker that has nothing left
# takes over tests of the other.
PYTEST := -m pytest -n 2 --dist worksteal
# The folders of tests of one room, of either half or both: tests/edge/bench, tests/export/targets/tflite, tests/edge.
ROOMS = $(if $(ROOM),$(wildcard $(addsuffix /$(ROOM),tests tests/edge tests/export tests/benchmarks)),tests)

.PHONY: demo quick test conformance random lowest newest check docs bench hashes audit clean
demo: $(INSTALLED)
	$(BIN)/deeprnn-edge demo

# For every day: all but what takes seconds, kills processes or opens a browser. Of one room: make quick ROOM=bench
quick: $(INSTALLED)
	@test -n "$(ROOMS)" || { echo "no tests of a room $(ROOM); a room is a folder of tests/edge or tests/export, such as bench"; exit 2; }
	$(BIN)/python $(PYTEST) -m "not slow and not process and not browser" $(ROOMS)

test: $(INSTALLED)
	$(BIN)/python $(PYTEST)

# Every row of the conformance table in every format; make test takes one in four for C.
conformance: $(INSTALLED)
	EVERY_ROW=1 $(BIN)/python $(PYTEST) tests/export/pipeline/test_conformance.py tests/export/targets/c/test_conformance.py

# Architectures that nobody has tried: make random COUNT=100; the same ones again: make random SEED=...
random: COUNT ?= 20
random: $(INSTALLED)
	@seed=$(or $(SEED),$$($(PYTHON) -c 'import random; print(random.randrange(1_000_000))')) && set -x && \
		$(BIN)/python -m benchmarks.exactness.random_architectures --count $(COUNT) --seed $$seed --output $(VENV)/random.json

# With the lowest version of each dependency that pyproject.toml allows and that has a wheel for this Python: the
# device's tests without the workshop, then the workshop's. The tools that test are the pinned ones.
lowest:
	$(call environment,$(LOWEST),--resolution lowest-direct --extra tflite --extra score)
	$(LOWEST)/bin/python $(PYTEST) tests/edge
	$(call environment,$(LOWEST),--resolution lowest-direct --extra export --extra score)
	$(LOWEST)/bin/python $(PYTEST) tests/export

# With the newest version of each dependency: what will the next release of Keras break?
newest:
	$(call environment,$(NEWEST),--extra export --extra dev --extra docs)
	$(NEWEST)/bin/python $(PYTEST)

# An environment of its own, with what uv resolves as it is told.
define environment
$(PYTHON) -m venv --clear $(1)
$(1)/bin/pip install --quiet --constraint pins.txt uv hatchling editables pytest pytest-xdist hypothesis
$(1)/bin/uv pip compile --quiet --python $(1)/bin/python --only-binary :all: $(2) --output-file $(1)/versions.txt pyproject.toml
$(1)/bin/uv pip install --quiet --python $(1)/bin/python --requirement $(1)/versions.txt
$(1)/bin/pip install --quiet --no-deps --no-build-isolation --editable .
endef

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python benchmarks/tables/fill.py --check
	$(BIN)/python -m supply.sbom --check
	$(BIN)/python -m supply.hashes --check
	$(MAKE) docs

# The site, into .site/, without the network; a link that leads nowhere, or a page outside the menu, is an error.
docs: $(INSTALLED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# The seed models, which the README's table is of; every workload: make bench SWEEP=--sweep
bench: $(VENV)/.peers
	$(BIN)/python benchmarks/peers/compare.py $(SWEEP)
	$(BIN)/python benchmarks/peers/overhead.py

# The hashes of the files of pins.txt, after it has changed.
hashes: $(VENV)/.supply
	$(BIN)/python -m supply.hashes $(VENV)/supply/bin/uv

# Known holes in the pinned packages; skipped, which it says, where there is no network for it.
audit: $(INSTALLED)
	@$(MAKE) --no-print-directory $(VENV)/.supply || { echo "audit skipped: pip-audit cannot be installed here" >&2; exit 0; }; \
		$(BIN)/python -m supply.audit $(VENV)/supply/bin/pip-audit

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

# Tools of an environment of their own: what they depend on is no matter of ours.
$(VENV)/.supply: $(INSTALLED)
	$(PYTHON) -m venv --clear $(VENV)/supply
	$(VENV)/supply/bin/pip install --quiet uv pip-audit
	@touch $@
