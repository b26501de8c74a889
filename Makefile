# Two commands matter: `make demo` and `make test`. Needs Python 3.11, make and (for missing system parts) apt.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
PY     := $(VENV)/bin/python
GM     := $(VENV)/bin/geo-minzheng
OUT    ?= out/demo
SERVE  ?= yes
PORT   ?= 8501
JOBS   ?= 2

.PHONY: demo test faults soak setup setup-test serve lint bench bundle sbom audit-deps lock assets demo-data clean

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
	$(VENV)/bin/ruff format --check src tests bench .ci app.py
	$(VENV)/bin/ruff check src tests bench .ci app.py
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
	$(PY) .ci/bundle.py out/bundle

sbom: setup
	$(PY) .ci/sbom.py out/sbom.cdx.json

# Advisories for the check of known vulnerabilities: make audit-deps ADVISORIES=all.zip
audit-deps: setup
	$(PY) .ci/audit.py $(if $(ADVISORIES),--advisories $(ADVISORIES))

lock: setup
	$(PYTHON) -m venv build/lock && build/lock/bin/python -m pip install --quiet uv
	build/lock/bin/uv pip compile pyproject.toml --extra test --extra bench --extra build --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header --quiet --upgrade -o requirements.lock

demo-data: setup
	$(PY) -m geo_minzheng.services.synthesis data/demo layers/demo

clean:
	rm -rf out build dist .pytest_cache .mypy_cache .ruff_cache .coverage*
