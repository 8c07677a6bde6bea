#!/bin/sh
# Packs what bench/gpu needs on a machine that has an NVIDIA driver and no network, in pieces under 60 MB: sh bench/gpu/pack.sh FOLDER
#   --without-cuda    netrun and Node.js alone, for a machine that has CUDA 13 and cuDNN 9
#   --torch           PyTorch too, for the minor version of Python that is here
# FOLDER gets the pieces, LIST with the size and hash of each, and unpack.sh, which joins them there; then sh run.sh is npm run bench:gpu.
set -eu
folder=${1:?where to? sh bench/gpu/pack.sh FOLDER [--without-cuda] [--torch]}
shift
cuda=yes torch=
for option in "$@"; do
  case $option in
    --without-cuda) cuda= ;;
    --torch) torch=yes ;;
    *) echo "what is $option?" >&2 && exit 1 ;;
  esac
done
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
cd "$(dirname "$0")/../.."
[ -e dist/bench/gpu/main.js ] || { echo "npm run build first" >&2 && exit 1; }
stage=$(mktemp -d)
trap 'rm -r "$stage"' EXIT
python=${PYTHON:-python3}
version=$(node -p 'require("onnxruntime-node/package.json").version')

# An archive in pieces.
pieces() { # NAME FOLDER PATH...
  name=$1 from=$2
  shift 2
  tar -chf - -C "$from" "$@" | gzip -1 | split -b 55m - "$folder/$name.tar.gz."
}

cp "$(node -p process.execPath)" "$stage/node"
pieces netrun . package.json dist/lib dist/bench dist/spec/support bin proto models fixtures/goldens/layers bench/step bench/inference bench/results node_modules
pieces node "$stage" node
if [ -n "$cuda" ]; then
  "$python" -m pip download --quiet --only-binary=:all: --python-version 3.11 --platform manylinux_2_28_x86_64 \
    --platform manylinux_2_27_x86_64 --platform manylinux2014_x86_64 --dest "$stage/wheels" "onnxruntime-gpu[cuda,cudnn]==$version"
  for wheel in "$stage"/wheels/onnxruntime_gpu-*.whl "$stage"/wheels/nvidia_*.whl; do
    "$python" -m zipfile -e "$wheel" "$stage/cuda"
  done
  rm -f "$stage"/cuda/onnxruntime/capi/libonnxruntime_providers_tensorrt.so "$stage"/cuda/onnxruntime/capi/libonnxruntime.so.*
  pieces cuda "$stage" cuda/nvidia cuda/onnxruntime/capi
fi
if [ -n "$torch" ]; then
  "$python" -m pip install --quiet --target "$stage/torch" torch numpy
  pieces torch "$stage" torch
fi
cat > "$folder/unpack.sh" << 'UNPACK'
#!/bin/sh
# Joins the pieces beside it into the folder that it is run in.
set -eu
pieces=$(cd "$(dirname "$0")" && pwd)
(cd "$pieces" && sha256sum --quiet -c LIST.sha256)
for first in "$pieces"/*.tar.gz.aa; do
  cat "${first%aa}"* | tar -xzf -
done
libraries=node_modules/onnxruntime-node/bin/napi-v6/linux/x64
[ ! -d cuda ] || mv cuda/onnxruntime/capi/libonnxruntime_providers_*.so "$libraries/"
cat > run.sh << 'RUN'
#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
cd "$here"
LD_LIBRARY_PATH=$(find "$here/cuda/nvidia" -name lib -type d 2> /dev/null | tr '\n' ':')${LD_LIBRARY_PATH:-}
export LD_LIBRARY_PATH
[ ! -d torch ] || export PYTHONPATH="$here/torch"
exec ./node dist/bench/gpu/main.js "$@"
RUN
UNPACK
cd "$folder"
sha256sum ./*.tar.gz.* unpack.sh > LIST.sha256
wc -c ./*.tar.gz.* unpack.sh LIST.sha256 > LIST
cat LIST
