# Gatehouse. `make` alone lists what there is.
# CAMERA=rtsp://user:password@host/path adds a camera to `make demo`; PORT=5000 and DATA=data move it,
# AUTH=local lets it begin as it does without the demo: with its first user.

PORT ?= 5000
AUTH ?= open
DATA ?= data
KILLS ?= 50
BASE ?= HEAD
TOLERANCE ?= 0.25
OUTAGE ?= 60
PY := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup demo check format test tools kills faults outages compose bench bench-compare docs manifests screenshots clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.ready ## make .venv with everything locked in uv.lock (needs Python 3.11+, no root)

.venv/.ready: pyproject.toml uv.lock scripts/bootstrap.py
	@scripts/python3 scripts/bootstrap.py
	@touch $@

demo: setup ## record a synthetic camera (and CAMERA=rtsp://..., if given); web app at http://localhost:5000
	@GATEHOUSE_AUTH__MODE=$(AUTH) .venv/bin/gatehouse up --demo --data $(DATA) --port $(PORT) $(if $(CAMERA),--camera 'camera=$(CAMERA)')

check: setup ## formatting, lint, types, the dependency rule
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: setup ## format and mend what ruff can
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

tools: ## install what the tests drive: Chromium, ffmpeg, an RTSP server, QEMU (apt or brew; root or sudo)
	scripts/install-test-tools

test: setup tools check ## everything: the check above, then all tests
	scripts/test $(TESTS)

kills: setup ## the kill -9 test, KILLS times (50)
	GATEHOUSE_TEST_KILLS=$(KILLS) .venv/bin/pytest -q tests/faults/test_kill.py

faults: setup tools ## every fault, as long as the targets say (about 3 hours, as root); the report is docs/reliability.md
	scripts/faults $(FAULTS)

outages: setup ## kill every service and take away broker, database and store for OUTAGE seconds each (60)
	GATEHOUSE_TEST_OUTAGE_S=$(OUTAGE) .venv/bin/pytest -q tests/integration/cluster

compose: setup ## start docker-compose.yml for real: targets, footage, an upgrade, the index (Docker; 3 minutes)
	$(PY) scripts/try_compose.py $(COMPOSE)

bench: setup ## measure against ffmpeg side by side; a table, bench/results.json and docs/figures.md (hours; BENCH=P3 for one)
	$(PY) -m bench $(BENCH)

bench-compare: setup ## what figures have become worse since BASE (HEAD), by more than TOLERANCE (0.25)
	@TOLERANCE=$(TOLERANCE) $(PY) -m bench.compare $(BASE)

docs: setup ## regenerate the reference pages and schemas under docs/
	$(PY) scripts/generate_docs.py

manifests: ## render deploy/k8s/overlays into deploy/k8s/rendered (needs kubectl 1.27 or newer)
	$(PY) scripts/render_manifests.py

screenshots: setup tools ## make the pictures of the README anew, docs/images (2 minutes)
	$(PY) scripts/make_screenshots.py

clean: ## remove .venv and caches; recordings under data/ stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
