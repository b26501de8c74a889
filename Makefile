# Two commands matter: `make demo` and `make test`. Needs Python 3.11, make and (for missing system parts) apt.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
PY     := $(VENV)/bin/python
GM     := $(VENV)/bin/geo-minzheng
OUT    ?= out/demo
SERVE  ?= yes
PORT   ?= 8501
JOBS   ?= 2

.PHONY: demo test faults soak setup setup-test serve lint bench bundle lock assets demo-data clean

$(VENV)/.ready: requirements.lock pyproject.toml
	PYTHON=$(PYTHON) sh .ci/venv $(VENV)
	touch $@

setup: $(VENV)/.ready

setup-test: setup
	sh .ci/system

demo: setup
	$(GM) demo --out $(OUT)
	@if [ "$(SERVE)" = yes ]; then $(GM) serve --home $(OUT)/home --port $(PORT); fi

serve: setup
	$(GM) serve --port $(PORT)

lint: setup
	$(VENV)/bin/ruff format --check src tests bench app.py
	$(VENV)/bin/ruff check src tests bench app.py
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

test: setup-test lint
	$(PY) -m pytest tests --ignore=tests/faults -n $(JOBS) --dist loadfile --cov --cov-report=term:skip-covered

faults: setup-test
	$(PY) -m pytest tests/faults -n $(JOBS) --dist loadfile

soak: setup-test
	GEO_MINZHENG_SOAK=1 $(PY) -m pytest tests/faults

bench: setup
	$(PY) bench/run.py

bundle: setup
	sh .ci/bundle $(VENV) out/bundle

lock: setup
	$(PY) -m pip install --quiet uv
	$(VENV)/bin/uv pip compile pyproject.toml --extra test --extra bench --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header --quiet --upgrade -o requirements.lock

demo-data: setup
	$(PY) -m geo_minzheng.services.synthesis data/demo layers/demo

clean:
	rm -rf out build dist .pytest_cache .mypy_cache .ruff_cache .coverage*
