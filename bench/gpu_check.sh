#!/usr/bin/env bash
# Build, test, sanitize and measure fastmi on a GPU, unattended and without network.
#
#   bench/gpu_check.sh [OUT] [--dry-run]
#
# Needs nvcc, cmake, ninja, a C++ compiler, and a python3 with pybind11, numpy, pytest and torch;
# scikit-build-core if there is one, else plain cmake does. OUT (default build/gpu) gets gpu.json,
# bnaf_gpu.json, stages.tsv and the log of each stage in logs.tgz. A stage that fails or runs out of its time does
# not stop the next, except that nothing runs without a build. The limits add up to 9 minutes.
#
# Exit status: 0 if every stage passed, 1 if one failed, 77 without a GPU ("no GPU: not measured").
# --dry-run prints the commands and runs none.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=$root/build/gpu
dry_run=
for argument in "$@"; do
  case $argument in
    --dry-run) dry_run=1 ;;
    -*) echo "unknown option $argument; usage: bench/gpu_check.sh [OUT] [--dry-run]" >&2; exit 2 ;;
    *) out=$argument ;;
  esac
done
python=${PYTHON:-python3}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
begin=$SECONDS

# stage NAME SECONDS COMMAND...: run with a limit, keep the log, record the outcome.
stage() {
  local name=$1 limit=$2 start=$SECONDS status=0
  shift 2
  if [[ -n $dry_run ]]; then
    printf '\n# %s, at most %s s: %s\n' "$name" "$limit" "$3"
    declare -f "${3%% *}"
    return 0
  fi
  echo "== $name (at most $limit s)"
  timeout --kill-after=10 "$limit" "$@" >"$out/$name.log" 2>&1 </dev/null || status=$?
  case $status in
    0) ;;
    124 | 137) echo "$name: out of time" ;;
    *) echo "$name: exit status $status" ;;
  esac
  if ((status)); then
    failed=1
    tail -n 15 "$out/$name.log"
  fi
  printf '%s\t%s\t%s\n' "$name" "$status" "$((SECONDS - start))" >>"$out/stages.tsv"
  return "$status"
}

# The toolkit's folder is often not on the PATH.
command -v nvcc >/dev/null || PATH=$PATH:${CUDA_HOME:-/usr/local/cuda}/bin

# Empty without a GPU: nvidia-smi says what is wrong on stdout.
capability() {
  { nvidia-smi --query-gpu=compute_cap --format=csv,noheader -i 0 ||
    "$python" -c 'import torch; print("%d.%d" % torch.cuda.get_device_capability())'; } 2>/dev/null |
    sed -n 's/^ *\([0-9]\{1,\}\)\.\([0-9]\{1,\}\) *$/\1\2/p'
}

if [[ -z $dry_run ]]; then
  rm -f "$out"/{gpu.json,bnaf_gpu.json,stages.tsv,*.log}
  if [[ -z $(capability) ]]; then
    echo "no GPU: not measured"
    exit 77
  fi
fi
# Machine code for this GPU alone: the other targets would cost minutes.
architecture=$(capability)-real
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/pyproject.toml")

environment() {
  nvidia-smi
  nvcc --version
  cmake --version
  "$python" --version
  "$python" -m pip list 2>/dev/null | grep -iE '^(torch|numpy|cupy|pybind11|scikit.build|pytest) ' || true
}
build_pip() {
  "$python" -m pip install --no-index --no-build-isolation --no-deps --target "$work/site" \
    -Ccmake.define.FASTMI_CUDA=ON -Ccmake.define.CMAKE_CUDA_ARCHITECTURES="$architecture" \
    -Cbuild-dir="$work/pip" "$root"
}
build_cmake() {
  cmake -S "$root" -B "$work/cmake" -G Ninja -DSKBUILD=2 -DSKBUILD_PROJECT_VERSION="$version" \
    -DFASTMI_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES="$architecture" \
    -DPython_EXECUTABLE="$(command -v "$python")" \
    -Dpybind11_DIR="$("$python" -m pybind11 --cmakedir)" &&
    cmake --build "$work/cmake" && rm -rf "$work/site" && mkdir -p "$work/site" &&
    cp -r "$root/fastmi" "$work/site/" && rm -f "$work"/site/fastmi/_c*.so &&
    cp "$work"/cmake/csrc/_cpu*.so "$work"/cmake/csrc/cuda/_cuda*.so "$work/site/fastmi/"
}
build() { build_pip || { echo "pip could not; plain cmake"; build_cmake; }; }
show() { "$python" -c 'import fastmi; fastmi.show_config(); assert fastmi.config()["cuda"]["available"]'; }
# From an empty folder: at the root, `import fastmi` would find the source tree. A test that finds
# no way to the GPU fails instead of being skipped.
tests() {
  local status=0
  # Needs no pytest, and says first whether any kernel is wrong.
  "$python" "$root/bench/gpu_sanitize.py" || status=1
  FASTMI_REQUIRE_GPU=1 "$python" -m pytest -q -p no:cacheprovider --continue-on-collection-errors -W default --rootdir "$root" -k "gpu or cuda" \
    "$root"/tests/test_{bnaf_cuda,capture,device,device_arrays,count,knn,ksg,sweep,pairwise,permutation}.py || status=1
  return "$status"
}
sanitize() {
  compute-sanitizer --target-processes all --tool "$1" --error-exitcode 9 \
    "$python" "$root/bench/gpu_sanitize.py" --n "$2"
}
measure() { "$python" "$root/bench/bench_gpu.py" --seconds 70 --json "$out/gpu.json"; }
flows() { "$python" "$root/bench/bench_bnaf_gpu.py" --seconds 40 --json "$out/bnaf_gpu.json"; }
# One of the two may have failed.
table() { find "$out" -maxdepth 1 -name '*gpu.json' -exec "$python" "$root/bench/render.py" {} +; }

export root out work python architecture version PYTHONPATH="$work/site${PYTHONPATH:+:$PYTHONPATH}" PYTHONDONTWRITEBYTECODE=1
export -f environment build_pip build_cmake build show tests sanitize measure flows table

cd "$work" || exit 1
stage environment 20 bash -c 'environment'
if stage build 115 bash -c 'build' && stage show 20 bash -c 'show'; then
  stage tests 80 bash -c 'tests'
  stage measure 100 bash -c 'measure'
  stage flows 80 bash -c 'flows'
  stage memcheck 45 bash -c 'sanitize memcheck 333'
  stage racecheck 45 bash -c 'sanitize racecheck 150'
  stage synccheck 25 bash -c 'sanitize synccheck 150'
  stage table 10 bash -c 'table'
fi

if [[ -z $dry_run ]]; then
  echo "== in all $((SECONDS - begin)) s"
  column -t "$out/stages.tsv" 2>/dev/null || cat "$out/stages.tsv"
  [[ -f $out/table.log ]] && cat "$out/table.log"
  (cd "$out" && tar czf logs.tgz ./*.log && rm -f ./*.log)
  exit "$failed"
fi
