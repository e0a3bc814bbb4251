#!/usr/bin/env bash
# Runs tests/portable/trainings.py on an emulated ARM64 processor: arm64.sh FOLDER ROOT [NAME ...]
#
# FOLDER: where an ARM64 Python and NumPy are put, once, from Debian's packages and NumPy's wheel; ROOT, NAME: as for
# trainings.py. Needs a Debian with the Python of .venv, and root if the emulator is not installed; exits with 77 if
# something can't be had.
set -euo pipefail
folder=$(realpath -m "$1") && shift
here=$(cd "$(dirname "$0")/../.." && pwd)
python=$("$here/.venv/bin/python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
numpy=$("$here/.venv/bin/python" -c 'import numpy; print(numpy.__version__)')

set_up() {
    rm -rf "$folder"
    mkdir -p "$folder"/{lists/partial,cache/archives/partial,debs}
    touch "$folder/status" # of a system without packages
    if ! command -v qemu-aarch64-static >/dev/null; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends qemu-user-static >/dev/null
    fi
    local foreign=(-qq -oAPT::Architecture=arm64 -oAPT::Architectures=arm64 -oDir::State::Lists="$folder/lists"
        -oDir::Cache="$folder/cache" -oDir::State::status="$folder/status" -oAPT::Sandbox::User=root)
    apt-get "${foreign[@]}" update
    local package
    for package in libc6 libgcc-s1 libstdc++6 zlib1g libexpat1 libssl3 libbz2-1.0 liblzma5 libffi8 libsqlite3-0 \
        libuuid1 libncursesw6 libtinfo6 libreadline8 libdb5.3 libcrypt1 \
        "lib$python-minimal" "lib$python-stdlib" "$python-minimal" "$python"; do
        (cd "$folder/debs" && apt-get "${foreign[@]}" download "$package") # two of a newer Debian have other names
    done
    for package in "$folder"/debs/*.deb; do dpkg -x "$package" "$folder/system"; done
    "$here/.venv/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --python-version "${python#python}" --implementation cp --platform manylinux_2_28_aarch64 \
        --platform manylinux_2_27_aarch64 --platform manylinux2014_aarch64 -d "$folder" "numpy==$numpy"
    "$here/.venv/bin/python" -m zipfile -e "$folder"/numpy-*.whl "$folder/numpy"
    touch "$folder/ready"
}

if [ "${SET_UP-}" ]; then # by the call below: Bash ignores failures of a function that is a condition
    set_up
    exit
fi
if [ ! -e "$folder/ready" ] && ! SET_UP=1 "$0" "$folder" >"$folder.log" 2>&1; then
    tail -n 1 "$folder.log" >&2
    exit 77
fi
# -S leaves this machine's own packages out.
PYTHONPATH="$folder/numpy:$here" PYTHONDONTWRITEBYTECODE=1 OPENBLAS_NUM_THREADS=1 \
    qemu-aarch64-static -L "$folder/system" "$folder/system/usr/bin/$python" -S "$here/tests/portable/trainings.py" "$@"
