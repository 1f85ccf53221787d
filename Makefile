# Every target creates or updates .venv itself; nothing but python3 and make is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?= ../shared/data
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
PACKAGES := bot handlers knowledge storage tests benchmarks

.PHONY: help run test cover screens check bench lock format clean
.DEFAULT_GOAL := help

help: ## 显示各命令
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "需要 Python 3.11–3.13，可用 make PYTHON=python3.12 指定"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

run: $(RUNTIME) ## 启动程序（SQLite、示例知识库、网页咨询，无需令牌）
	@$(BIN)/wenban run

test: $(DEV) ## 运行测试；参数用 ARGS 传入，如 make test ARGS="-k desk"
	$(BIN)/python -m pytest -n auto --dist loadscope $(ARGS)

cover: $(DEV) ## 运行测试并列出没有测到的行
	$(BIN)/python -m pytest -n auto --dist loadscope --cov --cov-report=term:skip-covered $(ARGS)

screens: $(DEV) ## 用浏览器走一遍工作台，更新 docs/images 里的画面
	SCREENS=docs/images $(BIN)/python -m pytest tests/e2e/test_screens.py

check: $(DEV) ## 检查代码规范、类型与依赖方向
	$(BIN)/ruff check $(PACKAGES)
	$(BIN)/ruff format --check $(PACKAGES)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEV) ## 整理代码格式
	$(BIN)/ruff check --fix $(PACKAGES)
	$(BIN)/ruff format $(PACKAGES)

bench: $(DEV) ## 测量准确率与速度；数据目录用 DATA 指定
	$(BIN)/python -m benchmarks.matching $(DATA)
	$(BIN)/python -m benchmarks.strangers $(DATA)
	$(BIN)/python -m benchmarks.speed
	$(BIN)/python -m benchmarks.figures_speed --cases 50000

lock: $(DEV) ## 重新锁定依赖（含哈希，不含地址）
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
	  pyproject.toml requirements-build.in -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
	  pyproject.toml requirements-build.in --group dev -o requirements-dev.lock

clean: ## 删除虚拟环境与缓存（不动 var/ 中的数据）
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
