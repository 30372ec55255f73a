# Two commands do everything, each in a .venv of this folder: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test faults lint types fuzz clean

demo: .venv/ready
	HF_HUB_OFFLINE=1 $(BIN)/polyrefuse demo --out demo-out

test: .venv/ready
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile

# kill -9, full disks and the like at 50 moments of every command (`make test`: at three); prints what it did.
faults: .venv/ready
	OMP_NUM_THREADS=1 FAULTS_KILLS=$${FAULTS_KILLS:-50} $(BIN)/pytest tests/faults -n 2 -rP --show-capture=stdout

lint: .venv/ready
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: .venv/ready
	$(BIN)/mypy

# Bad input, guided by coverage: FUZZ_SECONDS for each kind of file (docs/bad-input.md).
FUZZ_SECONDS ?= 20
fuzz: .venv/ready
	$(BIN)/pip install -q -c constraints.txt -e ".[fuzz]"
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz.run --seconds $(FUZZ_SECONDS)

# Made again whenever the dependencies change. The CPU build of torch is enough for everything here.
.venv/ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install -q -c constraints.txt torch
	$(BIN)/pip install -q -c constraints.txt -e ".[fast,ray,test]"
	touch $@

clean:
	rm -rf .venv demo-out build *.egg-info
