#!/bin/sh
# Puts onnxruntime's provider for CUDA, of the version of onnxruntime-node here, where the specs look for it: from PyPI's wheel (250 MB).
set -eu
cd "$(dirname "$0")/../.."
version=$(node -p 'require("onnxruntime-node/package.json").version')
folder="${NETRUN_CUDA_PROVIDER:-${XDG_CACHE_HOME:-$HOME/.cache}/netrun/onnxruntime-gpu-$version}"
[ ! -e "$folder/libonnxruntime_providers_cuda.so" ] || exit 0
wheels=$(mktemp -d)
trap 'rm -r "$wheels"' EXIT
"${PYTHON:-python3}" -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.11 \
  --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 --dest "$wheels" "onnxruntime-gpu==$version"
mkdir -p "$folder"
"${PYTHON:-python3}" - "$wheels" "$folder" << 'PYTHON'
import pathlib, sys, zipfile
wheels, folder = map(pathlib.Path, sys.argv[1:])
wheel = zipfile.ZipFile(next(wheels.glob("*.whl")))
for name in ("libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"):
    # Whole or not there: the second is what is looked for.
    part = folder / (name + ".part")
    part.write_bytes(wheel.read("onnxruntime/capi/" + name))
    part.rename(folder / name)
PYTHON
