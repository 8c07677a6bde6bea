#!/bin/sh
# Makes a Python environment with PyTorch beside the benchmark where there is none, and prints its Python.
# PyPI's package for Linux brings CUDA's libraries along: some 5 GB. PYTHON names the Python to make it from.
set -eu
folder="${NETRUN_BENCH_ENVIRONMENT:-bench/step/environment}"
if [ ! -x "$folder/bin/python" ]; then
  "${PYTHON:-python3}" -m venv "$folder"
  "$folder/bin/pip" install --quiet torch numpy >&2
fi
echo "$folder/bin/python"
