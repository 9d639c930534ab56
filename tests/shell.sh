# For the shell tests, which source it at the top of the tree: one line per check, a scratch directory, the program.
# shellcheck shell=bash
set -u
LOSSBENCH=${LOSSBENCH:-${BUILD:-build}/lossbench}
export LC_ALL=C.UTF-8
scratch=$(mktemp -d "${TMPDIR:-/tmp}/lossbench-test.XXXXXX")
# shellcheck disable=SC2034 # the exit status of the test that sources this
checks_failed=0

ok() { echo "ok - $*"; }

not_ok() {
    echo "not ok - $*"
    # shellcheck disable=SC2034
    checks_failed=1
}

skip() { echo "skip - $*"; }

# check WHAT COMMAND...: ok when the command succeeds; its output is shown when it does not.
check() {
    local what=$1
    shift
    if "$@" >"$scratch/check.log" 2>&1; then
        ok "$what"
    else
        not_ok "$what"
        tail -n 20 "$scratch/check.log" | sed 's/^/    /'
    fi
}

# Two OUT trees hold the same files with the same bytes. The store is compared by content: its pages depend on the order of writing.
same_trees() { diff -r --exclude='runs.sqlite*' "$1" "$2" && [ "$(store_content "$1")" = "$(store_content "$2")" ]; }

# Hash over all trials and scores, without the time they took.
store_content() {
    sqlite3 "$1/results/runs.sqlite" \
        'SELECT key, description, outcome, prior_logit, prior_loss, train_loss, weights FROM trial ORDER BY key;
         SELECT key, place, name, goods, hex(data) FROM scores ORDER BY key, place;' | sha256sum
}

store_is_sound() { [ "$(sqlite3 "$1/results/runs.sqlite" 'PRAGMA integrity_check')" = ok ]; }
