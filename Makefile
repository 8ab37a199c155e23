# Everything runs in the project's own environment, .venv; no activated environment is needed.
PYTHON ?= python3.11
TORCH_INDEX ?=
ARGS ?=
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup reproduce report test fuzz bench lint lab lock bsds500 kodak paper-tiny map findings clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile
	@echo "  TORCH_INDEX=URL makes setup take torch from another index, such as PyTorch's for CPU-only builds"

setup: .venv/ready ## install the locked environment and the embedded weights (a few minutes, once)

reproduce: .venv/ready ## regenerate every figure and table of the embedded profile (ARGS passes options on)
	$(BIN)/smicnb run $(ARGS)

report: .venv/ready ## write a page of every figure and table to .smicnb/report (ARGS="--open" opens it)
	$(BIN)/smicnb report $(ARGS)

test: .venv/ready ## lint, then run all tests (ARGS passes options on to pytest)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

fuzz: .venv/ready ## read 20 000 damaged and forged .smic files (make test reads 400), and SIC's of all Kodak images
	SMICNB_FUZZ=20000 $(BIN)/python -m pytest --timeout 1800 tests/codec/test_fuzz.py tests/learned/test_shipped_sic.py

bench: .venv/ready ## print speed ratios against peers, measured here (ARGS passes options on)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target build/bench spams-bin==2.6.14 || true
	$(BIN)/python benchmarks/run.py $(ARGS)

lint: .venv/ready ## mend what ruff can mend
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

lab: .venv/ready ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab notebooks

bsds500: .venv/ready ## rerun what is measured on BSDS500: make bsds500 BSDS500=PATH
	$(BIN)/smicnb run --recipe recipes/bsds500.yaml --set collection=bsds500:$(BSDS500) $(ARGS)

kodak: .venv/ready ## rerun what is measured on the Kodak images: make kodak KODAK=PATH
	$(BIN)/smicnb run --recipe recipes/kodak.yaml --set collection=kodak:$(KODAK) $(ARGS)

paper-tiny: .venv/ready ## run the paper profile's code on tiny models with random weights, which mean nothing
	$(BIN)/python tools/tiny_models.py .smicnb/tiny
	$(BIN)/smicnb run --recipe paper-tiny $(ARGS)

map: .venv/ready ## write docs/reproduction.md and the README's map from the committed data
	$(BIN)/python tools/write_reproduction.py $(ARGS)

findings: ## run what was found in other people's software again, in environments of its own (ARGS names some)
	$(PYTHON) tools/list_findings.py --run $(ARGS)

lock: .venv/ready ## resolve pyproject.toml anew into the lock files and environment.yml
	$(BIN)/pip install --quiet --editable '.[lock]'
	$(BIN)/python tools/lock.py

clean: ## remove the environment and what runs leave behind
	rm -rf .venv .smicnb build

# Two locks: the second holds torch and the CUDA libraries that its default Linux build brings, which
# TORCH_INDEX replaces by torch and torchvision of the same versions from that index.
TORCH_PINS = $(shell sed -nE 's/^(torch|torchvision)==([^ ]+).*/\1==\2/p' requirements-torch.lock)

.venv/ready: pyproject.toml requirements.lock requirements-torch.lock
	@$(PYTHON) -c 'import sys, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' || { \
	  echo "found no usable '$(PYTHON)'; needed: Python 3.11 with its venv module;" \
	       "install it (Debian: apt install python3.11-venv) or say make PYTHON=/path/to/python"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	  --requirement requirements.lock
ifeq ($(TORCH_INDEX),)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	  --requirement requirements-torch.lock
else
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --index-url $(TORCH_INDEX) $(TORCH_PINS)
endif
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/smicnb weights fetch --embedded
	@touch $@
