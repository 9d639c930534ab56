#!/usr/bin/env bash
# The mean error of the simulation at every iteration beside that of the same rule in numpy, written by itself.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/shell.sh
. tests/shell.sh
trap 'rm -rf "$scratch"' EXIT
python=${PYTHON:-/usr/bin/python3}

if ! "$python" -c 'import numpy' 2>/dev/null; then
    skip "numpy is not installed (Debian: python3-numpy)"
    exit 0
fi
check "the same mean errors as numpy, and the time of both" env PYTHON="$python" tests/bench/simulation 200 1 diou
exit "$checks_failed"
