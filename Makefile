# Two commands on a fresh machine: `make demo` and `make test`. PYTHON chooses another interpreter (3.11 or newer).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test lint bench clean

demo: $(VENV)/installed
	$(BIN)/sottovoce demo

test: $(VENV)/installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

bench: $(VENV)/installed-dev
	$(BIN)/python benchmarks/extraction.py
	$(BIN)/python benchmarks/bank.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/augmentation.py
	$(BIN)/python benchmarks/translation.py
	$(BIN)/python benchmarks/timeline.py
	$(BIN)/python benchmarks/changes.py
	$(BIN)/python benchmarks/prediction.py
	$(BIN)/python benchmarks/export.py

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 -e '.[offline,espeak]'
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 -e '.[offline,espeak,dev]'
	touch $@

clean:
	rm -rf $(VENV) runs build src/*.egg-info
