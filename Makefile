# Two commands matter on a fresh machine: `make demo` and `make test`. Both set up `.venv` first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.setup-done
LOCKS := requirements/bootstrap.txt requirements/dev.txt

.PHONY: setup demo test lint types slow app lock train bench bench-llm clean

setup: $(STAMP)

$(STAMP): $(LOCKS) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Wordbond needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Call make PYTHON=/path/to/a/newer/python3.") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "No virtual environment could be made; install the venv module of $(PYTHON) (Debian: python3-venv)." >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	$(BIN)/uv pip sync --quiet --system-certs --python $(BIN)/python --require-hashes requirements/bootstrap.txt requirements/dev.txt \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

demo: setup
	$(BIN)/wordbond demo

test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile

app: setup
	$(BIN)/wordbond app

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup
	$(BIN)/mypy

slow: setup
	$(BIN)/python -m pytest -m slow -n 0

lock: setup
	$(BIN)/uv pip compile --system-certs pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet --upgrade -o requirements/core.txt
	$(BIN)/uv pip compile --system-certs pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet --upgrade -o requirements/dev.txt

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

train: setup
	$(BIN)/python eval/training/fit.py

bench: setup
	$(BIN)/python eval/bench/speed.py

bench-llm: setup
	$(BIN)/python eval/bench/llm_speed.py --seconds 40
	$(BIN)/python eval/bench/llm_tokens.py
	$(BIN)/python eval/bench/cascade.py
	$(BIN)/python eval/bench/redaction.py
	$(BIN)/python eval/bench/redaction_forms.py
