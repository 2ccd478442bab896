# Everything runs in .venv, made by uv from uv.lock; only Python >= 3.11 and make are needed beforehand.
PYTHON ?= python3
SPEED ?= 30
UV := .uv/bin/uv
export UV_NO_PROGRESS := 1

.PHONY: setup drill test check bench proof docs screenshots clean
.DEFAULT_GOAL := drill

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "oddsock needs Python >= 3.11; set PYTHON=python3.x")'
	@$(PYTHON) -m venv .uv && .uv/bin/pip install -q --disable-pip-version-check uv

.venv/.runtime: $(UV) pyproject.toml uv.lock
	@$(UV) sync -q --locked --no-dev --inexact --python $(PYTHON) && touch $@

.venv/.dev: $(UV) pyproject.toml uv.lock
	@$(UV) sync -q --locked --python $(PYTHON) && touch $@ .venv/.runtime

setup: .venv/.dev

drill: .venv/.runtime
	@.venv/bin/oddsock drill incident-3 --speed $(SPEED)

test: .venv/.dev
	.venv/bin/pytest -n 2 --dist loadgroup -m "not proof and not bench"

check: .venv/.dev
	.venv/bin/ruff check src tests && .venv/bin/ruff format --check src tests
	.venv/bin/mypy && .venv/bin/lint-imports
	.venv/bin/pytest -q tests/house

proof: .venv/.dev
	.venv/bin/pytest -m proof --timeout 1800

bench: .venv/.dev
	@$(UV) sync -q --locked --group bench --python $(PYTHON)
	.venv/bin/pytest -q -s -m bench --timeout 1800

screenshots: .venv/.dev
	.venv/bin/python -m tests.browser.screenshots

docs: .venv/.dev
	.venv/bin/python -m tests.house.generated --write

clean:
	rm -rf .venv .uv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build dist
