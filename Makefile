# Everything runs in the project's own environment, .venv; no activated environment is needed.
PYTHON ?=
TORCH_INDEX ?=
ARGS ?=
PEERS_PYTHON ?= python3.11
CHECKED := tests/test_repository.py tests/test_public_face.py tests/test_gallery.py tests/base tests/codec/format tests/drawing tests/repro/test_*.py tests/studies/*/test_*_plots.py
BIN := $(if $(filter Windows_NT,$(OS)),.venv/Scripts,.venv/bin)

.DEFAULT_GOAL := help
.PHONY: help setup reproduce report check test fuzz bench peers lint lab lock resolve bsds500 kodak paper-tiny paper-full-random map gallery docs findings clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile
	@echo "  PYTHON=PATH makes setup take that Python (3.11 to 3.14) instead of the first that fits"
	@echo "  TORCH_INDEX=URL makes setup take torch from another index, such as PyTorch's for CPU-only builds"

setup: ## install the locked environment and the embedded weights (a few minutes, once)
	@sh tools/set_up.sh "$(PYTHON)" "$(TORCH_INDEX)"

reproduce: setup ## regenerate every figure and table of the embedded profile (ARGS passes options on)
	$(BIN)/smicnb run $(ARGS)

report: setup ## write a page of every figure and table to .smicnb/report (ARGS="--open" opens it)
	$(BIN)/smicnb report $(ARGS)

check: setup ## lint, types, and the tests that matter most for an edit: within a minute (ARGS passes options on to pytest)
	$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet . && $(BIN)/pyrefly check
	$(BIN)/python -m pytest -n 2 --quiet $(CHECKED) $(ARGS)

test: setup ## lint and types, then run all tests (ARGS passes options on to pytest)
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/pyrefly check
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

fuzz: setup ## read 20 000 damaged and forged .smic files (make test reads 400), and SIC's of all Kodak images
	SMICNB_FUZZ=20000 $(BIN)/python -m pytest --timeout 1800 tests/codec/format/test_fuzz.py tests/learned/files/test_shipped_sic.py

bench: setup ## print speed ratios against peers, measured here (ARGS passes options on)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --upgrade \
	  --target build/bench spams-bin==2.6.14 || true
	$(BIN)/python benchmarks/run.py $(ARGS)

peers: build/peers/ready ## compare layers, tables and coder of the learned codecs with CompressAI's (PEERS_PYTHON: a Python 3.11)
	PYTHONPATH=. build/peers/bin/python benchmarks/peers.py

build/peers/ready: benchmarks/peers.txt
	$(PEERS_PYTHON) -m venv --clear build/peers
	build/peers/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --requirement benchmarks/peers.txt
	@touch $@

lint: setup ## mend what ruff can mend
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

lab: setup ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab notebooks

bsds500: setup ## rerun what is measured on BSDS500: make bsds500 BSDS500=PATH
	$(BIN)/smicnb run --recipe recipes/bsds500.yaml --set collection=bsds500:$(BSDS500) $(ARGS)

kodak: setup ## rerun what is measured on the Kodak images: make kodak KODAK=PATH
	$(BIN)/smicnb run --recipe recipes/kodak.yaml --set collection=kodak:$(KODAK) $(ARGS)

paper-tiny: setup ## run the paper profile's code on tiny models with random weights, which mean nothing
	$(BIN)/python tools/tiny_models.py .smicnb/tiny
	$(BIN)/smicnb run --recipe paper-tiny $(ARGS)

paper-full-random: setup ## the same at full size, on random weights of 7 GB: writes memory and time into its guide
	$(BIN)/python tools/full_size_models.py .smicnb/full-size
	$(BIN)/python tools/measure_full_size.py $(ARGS)

map: setup ## write docs/reproduction.md and parts of docs/results.md from the committed data, and the tree of docs/architecture.md
	$(BIN)/python tools/write_reproduction.py $(ARGS)
	$(BIN)/python tools/write_tree.py

gallery: setup ## write docs/notebooks: the notebooks with their committed figures and tables, to be read on a code host
	$(BIN)/python tools/write_gallery.py

docs: setup ## write one site of all pages, notebooks, the reference and the report to .smicnb/site
	$(BIN)/python tools/write_site.py

lock: setup ## resolve pyproject.toml into the lock files and environment.yml (ARGS=--upgrade: to the newest of all)
	$(BIN)/python -m pip install --quiet --no-build-isolation --only-binary :all: --editable '.[lock]'
	$(BIN)/python tools/lock.py $(ARGS)

resolve: setup ## ask the package index whether each locked package has a wheel for every promised Python and system
	$(BIN)/python tools/resolve.py

findings: setup ## run what was found in other people's software again, in environments of its own (ARGS names some)
	$(BIN)/python tools/list_findings.py --run $(ARGS)

clean: ## remove the environment and what runs leave behind
	rm -rf .venv .smicnb build
