#!/usr/bin/env bash
# The rest of the table of docs/portable.md, with network access: other versions of NumPy and, where pyenv has or finds
# one, of Python, and all trainings on an emulated ARM64. Prints a line for each; ends with 1 if a digest differs or a
# row is not available.
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

row() { # of a version of Python, and a version of NumPy
    local other=python$1 numpy="$scratch/$1-$2"
    if "$python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --python-version "$1" --target "$numpy" "numpy==$2" 2>/dev/null; then
        PYTHONPATH="$numpy:$here" "$other" tests/portable/trainings.py "$scratch/root" >"$scratch/found"
        compare "$scratch/found" "Python $1, NumPy $2"
    else
        echo "not available for Python $1: NumPy $2" && result=1
    fi
}

minor=$("$python" -c 'import sys; print(sys.version_info[1])')
newest=$("$python" -c 'import numpy; print(numpy.__version__)')
[ -n "${PYENV_ROOT-}" ] || PYENV_ROOT=$HOME/.pyenv
PATH="$here/.venv/bin$(printf ':%s' "$PYENV_ROOT"/versions/3.1[1-9]*/bin):$PATH"
row "3.$minor" 1.26.4
row "3.$minor" 2.0.2
for other in 3.11 3.12 3.13 3.14; do
    [ "$other" = "3.$minor" ] && continue
    if "python$other" -c '' 2>/dev/null; then row "$other" "$newest"; else echo "not on this machine: Python $other"; fi
done
if tests/portable/arm64.sh "$scratch/arm64" "$scratch/root" >"$scratch/found"; then
    compare "$scratch/found" "ARM64, emulated"
else
    echo "not available here: ARM64" && result=1
fi
exit $result
