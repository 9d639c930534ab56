#!/usr/bin/env bash
# `lossbench verify` trains published trials again without their store, agrees with true hashes, and finds a wrong one.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/shell.sh
. tests/shell.sh
trap 'rm -rf "$scratch"' EXIT

lossbench() { "$LOSSBENCH" "$@" --experiments tests/experiments/tiny --only tuned --out "$scratch/out" --datasets "$scratch/none"; }

check "a run" lossbench run --jobs 2
rm "$scratch/out/results/runs.sqlite"
check "verify agrees, from the committed tables alone" lossbench verify --jobs 2
if grep -qE '[1-9][0-9]* trials trained again' "$scratch/check.log"; then
    ok "and trained: $(grep 'trained again' "$scratch/check.log")"
else
    not_ok "verify trained nothing"
fi

# changes one digit of the hash of scores in every row
awk -F '\t' -v OFS='\t' '
    $1 == "key" { for (i = 1; i <= NF; i++) if ($i == "scores") column = i }
    column && $1 != "key" { last = substr($column, 16); $column = substr($column, 1, 15) (last == "0" ? "1" : "0") }
    { print }' "$scratch/out/results/tuned/trials.tsv" >"$scratch/changed"
cmp -s "$scratch/changed" "$scratch/out/results/tuned/trials.tsv" && not_ok "the test changes nothing"
mv "$scratch/changed" "$scratch/out/results/tuned/trials.tsv"
if lossbench verify >"$scratch/said" 2>&1; then
    not_ok "verify passes wrong hashes"
elif grep -qE '^lossbench: .*differ' "$scratch/said"; then
    ok "verify finds wrong hashes: $(grep '^lossbench' "$scratch/said")"
else
    not_ok "verify fails in another way: $(tail -n 1 "$scratch/said")"
fi
exit "$checks_failed"
