#!/usr/bin/env bash
# The rest of the table of docs/portable.md, with network access: other versions of NumPy, and all trainings on an
# emulated ARM64. Prints a line for each; ends with 1 if a digest differs or a row is not available.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1 OPENBLAS_NUM_THREADS=1
python="$here/.venv/bin/python"
cd "$here"
"$python" -m tests.portable.test_hashes "$scratch/root" # prepares the data
result=0

compare() { # what was printed, and of what
    if cmp -s "$1" "$here/tests/portable/hashes.json"; then echo "same digests: $2"; else echo "OTHER: $2" && result=1; fi
}

for version in 1.26.4 2.0.2; do
    if "$python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --target "$scratch/numpy-$version" "numpy==$version" 2>/dev/null; then
        PYTHONPATH="$scratch/numpy-$version:$here" "$python" tests/portable/trainings.py "$scratch/root" >"$scratch/found"
        compare "$scratch/found" "NumPy $version"
    else
        echo "not available for this Python: NumPy $version" && result=1
    fi
done
if tests/portable/arm64.sh "$scratch/arm64" "$scratch/root" >"$scratch/found"; then
    compare "$scratch/found" "ARM64, emulated"
else
    echo "not available here: ARM64" && result=1
fi
exit $result
