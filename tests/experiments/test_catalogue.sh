#!/usr/bin/env bash
# docs/LOSSES.md and plots/losses are those of the code (`make catalogue` renews them), every loss has its picture, and two
# runs give the same bytes.
# shellcheck disable=SC2317 # functions that `check` and `trap` call
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/shell.sh
. tests/shell.sh
trap 'rm -rf "$scratch"' EXIT

if ! command -v gnuplot >"$scratch/gnuplot"; then
    skip "the catalogue: gnuplot is not installed"
    exit 0
fi

catalogue() { "$LOSSBENCH" catalogue --out "$scratch/$1" "${@:2}"; }
check "the catalogue is written" catalogue first
check "and again" catalogue second
check "with the same bytes" diff -r "$scratch/first" "$scratch/second"
pictures=$scratch/first/plots/losses

# --- it is up to date -----------------------------------------------------------------------------------------------------
check "docs/LOSSES.md is up to date (else: make catalogue)" diff docs/LOSSES.md "$scratch/first/docs/LOSSES.md"
# the numbers; pixels depend on gnuplot and its font
same_numbers() { diff -r --exclude='*.png' --exclude='*.svg' plots/losses "$pictures"; }
check "plots/losses shows the numbers of the code" same_numbers
same_files() { diff <(ls plots/losses) <(ls "$pictures"); }
check "and has the same files" same_files

# --- every loss ------------------------------------------------------------------------------------------------------------
"$LOSSBENCH" list | sed -nE 's/^  ([a-z0-9_]+)@[0-9]+  \((binary|mask|multiclass|regression|box)\).*/\1/p' >"$scratch/losses"
many() { [ "$(wc -l <"$scratch/losses")" -ge 40 ]; }
check "list names the losses" many
# each COMMAND: runs it for each loss, and says for which ones it fails
each() {
    local loss status=0
    while read -r loss; do "$@" "$loss" || { echo "$loss" && status=1; }; done <"$scratch/losses"
    return "$status"
}
has_picture() { [ -s "$pictures/$1.tsv" ] && [ -s "$pictures/$1.svg" ] && [ -s "$pictures/$1.png" ]; }
check "each has its picture and numbers" each has_picture
has_entry() { grep -qx "### $1" docs/LOSSES.md && grep -qF "](#$1): " docs/LOSSES.md && grep -qF "](../plots/losses/$1.png)" docs/LOSSES.md; }
check "each has an entry, a line of contents and its picture in docs/LOSSES.md" each has_entry
is_varied() { awk -F '\t' 'NR > 2 { for (i = 2; i <= NF; i++) if ($i != (NR == 3 ? first[i] = $i : first[i])) varied = 1 } END { exit !varied }' "$pictures/$1.tsv"; }
check "no picture is of a constant" each is_varied
is_finite() { ! grep -qiE '(^|\s)-?(nan|inf)' "$pictures/$1.tsv"; }
check "no number is missing" each is_finite
if command -v xmllint >"$scratch/xmllint"; then
    check "each SVG is well-formed" xmllint --noout "$pictures"/*.svg
else
    skip "SVGs are well-formed: xmllint is not installed"
fi
small_enough() { [ "$(cat "$pictures"/* | wc -c)" -lt 12000000 ]; }
check "all pictures together stay below 12 MB" small_enough

# --- part of it ------------------------------------------------------------------------------------------------------------
check "--loss narrows it" catalogue part --loss focal,giou
only_two() { [ "$(cd "$scratch/part/plots/losses" && echo *.png)" = "focal.png giou.png" ] && ! grep -q '^### bce' "$scratch/part/docs/LOSSES.md"; }
check "to these losses" only_two
check "which look as among all" cmp "$scratch/part/plots/losses/focal.png" "$pictures/focal.png"
refuses "an unknown loss" "no loss is called 'vocal'" "$LOSSBENCH" catalogue --out "$scratch/none" --loss focal,vocal
refuses "a place that cannot be written" "/dev/null" "$LOSSBENCH" catalogue --out /dev/null

exit "$checks_failed"
