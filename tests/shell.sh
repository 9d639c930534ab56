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

# refuses WHAT PATTERN COMMAND...: the program must fail with one sentence that matches the extended regular expression.
refuses() {
    local what=$1 pattern=$2 status lines
    shift 2
    "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
    status=$?
    # the line of progress is no sentence about the error
    grep -vE '^(tuning|training): [0-9]+ of ' "$scratch/err" >"$scratch/said"
    lines=$(wc -l <"$scratch/said")
    if [ $status = 0 ]; then
        not_ok "$what: not refused"
    elif [ $status -ge 124 ]; then
        not_ok "$what: status $status"
    elif [ "$lines" != 1 ]; then
        not_ok "$what: $lines lines instead of one sentence"
    elif ! grep -qE '^([^ ]*/)?(lossbench|new-loss): .{15,}' "$scratch/said" || ! grep -qiE "$pattern" "$scratch/said"; then
        not_ok "$what: the sentence does not match '$pattern'"
    else
        ok "$what: $(sed "s|$scratch|..|g" "$scratch/said")"
        return
    fi
    head -n 12 "$scratch/err" | sed 's/^/    /'
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
