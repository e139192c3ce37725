# Needs Python 3.11 or newer and make; everything else is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
export HF_HUB_OFFLINE := 1
# Where it is set, each of the hundreds of processes that tests start compiles every module anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help env demo explore browser test torture check editor bench-scale clean

help:            ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

env: .venv/ready ## make .venv with the command .venv/bin/howtree and all that tests need

PIP := TMPDIR='$(CURDIR)/.venv/tmp' $(BIN)/pip install --quiet --disable-pip-version-check -c constraints/constraints.txt

# A build of torch for the processor alone: on Linux the package index has one with gigabytes of CUDA, which is taken
# where TORCH_INDEX is empty or cannot be reached.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
TORCH := $(PIP) --no-deps --retries 2 $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch

# Runs $(1), and says every three seconds how much is in .venv by now (what is still being downloaded, too): pip is silent.
define watched
	@seconds=0; while sleep 3 >/dev/null 2>&1 && kill -0 $$$$ 2>/dev/null; do seconds=$$((seconds + 3)); \
		du -sm .venv 2>/dev/null | { read -r size _; echo "  $$seconds s: $${size:-0} MB in .venv"; }; done & \
	watch=$$!; $(1); code=$$?; kill $$watch; exit $$code
endef

.venv/build: pyproject.toml constraints/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "howtree needs Python 3.11 or newer; set PYTHON=...")'
	@echo 'Installing what builds knowledge bases into .venv, 2 GB: a minute or two, and the time to download 530 MB.'
	$(call watched,$(PYTHON) -m venv .venv && mkdir -p .venv/tmp && $(TORCH) && $(PIP) -e '.[build]')
	@touch $@

.venv/ready: .venv/build
	@echo 'Installing what checks and tests need into .venv: a minute or more.'
	$(call watched,$(PIP) -e '.[dev]')
	@touch $@

demo: .venv/build ## build a knowledge base from the sample articles and print a tree
	$(BIN)/howtree build data/sample -o demo.duckdb
	$(BIN)/howtree tree "Host a Dinner Party" --kb demo.duckdb --depth 4
	$(BIN)/howtree info --kb demo.duckdb
	@echo
	@echo 'Next, with .venv/bin on your path (. .venv/bin/activate) and HOWTREE_KB=demo.duckdb:'
	@echo '  howtree search clean house'
	@echo '  howtree tree "Start a Vegetable Garden" --depth 6'
	@echo '  howtree sql "FROM links ORDER BY probability DESC LIMIT 10"'
	@echo '  howtree build YOUR-PAGES -o kb.duckdb'

explore: demo    ## look at the sample knowledge base in the browser
	$(BIN)/howtree explore demo.duckdb

browser:         ## install Chromium, which the browser tests drive, where it is missing and may be installed
	@command -v chromium chromium-browser || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& apt-get update -qq && apt-get install -y -qq chromium fonts-liberation; } \
		|| echo 'No Chromium here, and it cannot be installed: the browser tests will skip. Set HOWTREE_CHROMIUM to one.'

check: env       ## linters, type checker, import contracts, licences of what an install brings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tests/support/dependencies.py

# Three files at a time, the longest first (tests/conftest.py): many tests wait for what they started. One thread for
# each: processes with two threads on two cores wait for each other, and take several times as long.
test: check browser ## check, then every test
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

torture: env browser ## the tests that are slow by nature: kills, power cuts, damage, scarcity, hostile sources and visitors
	OMP_NUM_THREADS=1 $(BIN)/pytest -m torture --timeout 1800 --numprocesses 2 --dist loadfile --no-loadscope-reorder

editor:          ## bundle the editor of the explorer's queries anew; needs Node.js and its registry
	cd kb/explorer/editor && npm ci --no-audit --no-fund && npm run build

bench-scale: env ## link a slice of a corpus of full size and say what the whole costs; needs HOWTREE_REAL_DATA
	$(BIN)/python tests/benchmarks/full_scale.py

clean:           ## remove what the targets made
	rm -rf .venv demo.duckdb demo.duckdb.work demo.duckdb.reviews.jsonl build *.egg-info
