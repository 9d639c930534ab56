#!/usr/bin/env bash
# Tables end to end, on the public ones that are fetched: a net of dense layers is trained on them, in losses of good against defect and of
# types; nets for images, masks and boxes refuse them; and the report says of a table that it has no contact sheet.
# shellcheck disable=SC2317 # functions that `check` and `refuses` call
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/shell.sh
. tests/shell.sh
trap 'rm -rf "$scratch"' EXIT

datasets=${LOSSBENCH_DATASETS:-datasets/public/cache:../shared/datasets}
ini=$scratch/ini
mkdir "$ini"

# experiment BLOCK [MODEL [LOSS...]]: writes the experiment file.
experiment() {
    local block=$1 model=${2:-mlp} loss
    shift $(($# < 2 ? $# : 2))
    {
        printf '[experiment]\nquestion = Which loss for a table?\nanalysis = compare\n[blocks]\nrows = %s @ natural\n' "$block"
        printf '[losses]\n'
        for loss in "${@:-bce}"; do printf '%s = %s\n' "${loss//[^a-z]/}" "$loss"; done
        printf '[train]\nmodel = %s\nvisits = 1600\nbatch = 32\nlearning_rate = 0.005\nweight_decay = 1e-4\nseeds = 2\n' "$model"
    } >"$ini/table.ini"
}

run_in() { "$LOSSBENCH" run --experiments "$ini" --datasets "$datasets" --out "$1" --jobs 2; }

# fetched BLOCK: whether its pack is there.
fetched() {
    experiment "$1"
    if "$LOSSBENCH" plan --experiments "$ini" --datasets "$datasets" 2>&1 | grep -q 'fetch it with'; then
        skip "$1 is not fetched"
        return 1
    fi
}

# trained OUT PATTERN: every trial came to an end, and there is one that matches.
trained() {
    grep -qE "$2" "$1/results/table/trials.tsv" &&
        ! awk -F '\t' '/^[0-9a-f]{16}\t/ && $17 != "ok" { bad = 1 } END { exit !bad }' "$1/results/table/trials.tsv"
}

# finds_defects OUT: the mean of AUROC is far from that of chance.
finds_defects() {
    awk -F '\t' '$1 == "key" { for (i = 1; i <= NF; i++) if ($i == "AUROC") at = i }
        /^[0-9a-f]+\t/ && at { sum += $at; n++ } END { exit !(n && sum / n > 0.75) }' "$1/results/table/trials.tsv"
}

# try_table BLOCK COLUMNS: good rows and defects.
try_table() {
    local block=$1 columns=$2 out=$scratch/out-${1%%(*}
    fetched "$block" || return
    experiment "$block" mlp bce focal 'types = ce'
    check "$block: losses are compared" run_in "$out"
    check "$block: all trials are there" trained "$out" 'types = ce'
    check "$block: defects are found" finds_defects "$out"
    check "$block: the report says that there is no sheet" \
        grep -qF "rows (\`$block\`) is a table of $columns columns: it has no contact sheet." "$out/REPORT.md"
    check "$block: there is none" test ! -e "$out/plots/data/rows.png"
    experiment "$block" cnn
    refuses "$block: a net for images" "at least 4x4 pixels, not 1x1" run_in "$scratch/none"
    experiment "$block" unet
    refuses "$block: a net for masks" "no masks.*(mlp|cnn)" run_in "$scratch/none"
    experiment "$block" detector 'box = ciou'
    refuses "$block: a net for boxes" "no boxes" run_in "$scratch/none"
}

try_table ucr_wafer 152
try_table ai4i2020 8
try_table 'steel_plates(class=Dirtiness)' 27

if fetched steel_plates; then
    out=$scratch/out-types
    experiment steel_plates mlp 'types = ce' 'types = weighted_ce'
    check "types without goods are trained on" run_in "$out"
    check "they have no numbers of goods" trained "$out" 'ok	no goods	no goods	no goods	no goods	nan'
    experiment steel_plates mlp bce
    refuses "good against defect without goods" "has no goods.*types = ce" run_in "$scratch/none"
    experiment steel_plates mlp 'types = ce'
    sed -i 's/^\(types.* = .*\)/\1 | sampler=balanced/' "$ini/table.ini"
    refuses "goods to balance, and no goods" "no goods to balance" run_in "$scratch/none"
fi

check "nothing was trained where something was wrong" test ! -e "$scratch/none/REPORT.md"
exit "$checks_failed"
