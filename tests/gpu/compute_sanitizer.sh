#!/usr/bin/env bash
# Runs a short part of the tests that need a GPU under compute-sanitizer, which comes with the CUDA toolkit.
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! command -v compute-sanitizer >/dev/null; then
  echo "compute-sanitizer: expected it in PATH, found none; install the CUDA toolkit, and add its bin folder to PATH" >&2
  exit 2
fi

export AERNET_REQUIRE_GPU=1
for tool in memcheck racecheck initcheck; do
  echo "== $tool"
  compute-sanitizer --tool "$tool" --error-exitcode 1 --target-processes all \
    python -m pytest -q -m gpu tests/gpu/test_runner.py -k "any_frame or nv12 or stay or tints"
done
