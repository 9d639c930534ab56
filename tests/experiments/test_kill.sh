#!/usr/bin/env bash
# Kill -9 of a worker, of the parent and of the whole process group at random moments, then a run to the end: the results
# must be those of an undisturbed run, byte for byte. Also: a second run trains nothing, and JOBS=1 and JOBS=2 agree.
# Moments and victims come from a printed seed: tests/experiments/test_kill.sh SEED repeats them.
# shellcheck disable=SC2317 # functions that `check` and `trap` call
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/shell.sh
. tests/shell.sh
cleanup() {
    [ -z "$leader" ] || kill -9 -- "-$leader" 2>/dev/null
    rm -rf "$scratch"
}
trap cleanup EXIT

RANDOM=${1:-20261124}
echo "# seed ${1:-20261124}"
kills=${KILLS:-5}
leader=

run() { "$LOSSBENCH" run --experiments tests/experiments/tiny --out "$1" --jobs "$2" --datasets "$scratch/none"; }
milliseconds() { echo $(($(date +%s%N) / 1000000)); }

# --- undisturbed ----------------------------------------------------------------------------------------------------
check "a run with 1 worker" run "$scratch/one" 1
began=$(milliseconds)
check "a run with 2 workers" run "$scratch/two" 2
length=$(($(milliseconds) - began))
check "1 and 2 workers leave the same files and the same trials" same_trees "$scratch/one" "$scratch/two"
trials=$(sqlite3 "$scratch/two/results/runs.sqlite" 'SELECT count(*) FROM trial')
echo "# $trials trials, $length ms with 2 workers"

cp -r "$scratch/two" "$scratch/again"
before=$(sqlite3 "$scratch/two/results/runs.sqlite" 'SELECT total(seconds), count(*) FROM trial')
check "a second run succeeds" run "$scratch/two" 2
trained_nothing() {
    ! grep -q 'trials (' "$scratch/check.log" &&
        [ "$before" = "$(sqlite3 "$scratch/two/results/runs.sqlite" 'SELECT total(seconds), count(*) FROM trial')" ]
}
if trained_nothing; then ok "and trains nothing"; else not_ok "the second run trained something"; fi
check "and leaves the same files" same_trees "$scratch/again" "$scratch/two"

# --- killed ---------------------------------------------------------------------------------------------------------
workers_of() { pgrep -P "$leader" 2>/dev/null; }

# Status 0 when something was there to be killed.
kill_one() {
    local workers
    case $1 in
    worker)
        mapfile -t workers < <(workers_of)
        [ ${#workers[@]} != 0 ] && kill -9 "${workers[RANDOM % ${#workers[@]}]}" 2>/dev/null
        ;;
    parent) kill -9 "$leader" 2>/dev/null ;;
    group) kill -9 -- "-$leader" 2>/dev/null ;;
    esac
}

# Nothing of a killed run may go on computing or hold the store.
gone() {
    for _ in $(seq 50); do
        pgrep -s "$leader" >/dev/null || return 0
        sleep 0.1
    done
    return 1
}

start() {
    setsid "$LOSSBENCH" run --experiments tests/experiments/tiny --out "$1" --jobs 2 --datasets "$scratch/none" >"$1.log" 2>&1 &
    leader=$!
}

running() { [ -n "$leader" ] && kill -0 "$leader" 2>/dev/null; }

# disturb NAME VICTIM LENGTH OUT: kills $kills times within about LENGTH milliseconds of a run, starting anew after each
# death of the run, and then runs to the end.
disturb() {
    local name=$1 victim=$2 length=$3 out=$4 moment met=0 leftovers=0
    leader=
    for _ in $(seq "$kills"); do
        running || start "$out"
        moment=$((10 + RANDOM % (length * 5 / 4 / kills + 1)))
        sleep "$(printf '%d.%03d' $((moment / 1000)) $((moment % 1000)))"
        kill_one "$victim" && met=$((met + 1))
        if [ "$victim" = worker ]; then
            echo "# $name: killed after $moment ms"
        else
            wait "$leader" 2>/dev/null
            gone || leftovers=1
            echo "# $name: killed after $moment ms, $(sqlite3 "$out/results/runs.sqlite" \
                'SELECT count(*) FROM trial' 2>/dev/null || echo 0) of $trials trials kept"
        fi
    done
    if [ "$victim" = worker ]; then wait "$leader" 2>/dev/null; fi
    leader=
    if [ $met -ge $(((kills + 1) / 2)) ]; then
        ok "$name: $met of $kills kills met a run under way"
    else
        not_ok "$name: only $met of $kills kills met a run under way"
    fi
    if [ $leftovers = 0 ]; then ok "$name: no process outlives the kill"; else not_ok "$name: a process outlives the kill"; fi
    check "$name: the store is sound" store_is_sound "$out"
    check "$name: the run to the end succeeds" run "$out" 2
    check "$name: same bytes as undisturbed" same_trees "$scratch/one" "$out"
}

disturb "worker" worker "$length" "$scratch/worker"
disturb "parent" parent "$length" "$scratch/parent"
disturb "group" group "$length" "$scratch/group"

# All trials are there and no table: these kills meet the writing of tables, plots and the report.
mkdir -p "$scratch/report/results"
cp "$scratch/one/results/runs.sqlite" "$scratch/report/results/"
began=$(milliseconds)
cp -r "$scratch/report" "$scratch/timed"
check "writing tables and plots alone" run "$scratch/timed" 2
disturb "tables and plots" group $((($(milliseconds) - began) * kills * 2 / 3)) "$scratch/report"

# Every worker dies, each trial as often as it is tried: that is an outcome, and the next run makes up for it.
start "$scratch/hopeless"
while running; do
    for worker in $(workers_of); do kill -9 "$worker" 2>/dev/null; done
    sleep 0.01
done
if wait "$leader"; then not_ok "a run whose workers all die ends well"; else ok "a run whose workers all die fails"; fi
leader=
check "with one sentence: $(tail -n 1 "$scratch/hopeless.log")" grep -qE '^lossbench: .*failed' "$scratch/hopeless.log"
check "its store is sound" store_is_sound "$scratch/hopeless"
check "the next run succeeds" run "$scratch/hopeless" 2
check "same bytes as undisturbed" same_trees "$scratch/one" "$scratch/hopeless"

exit "$checks_failed"
