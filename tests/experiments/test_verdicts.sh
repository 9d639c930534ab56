#!/usr/bin/env bash
# Verdicts of the whole chain, from images to the table of differences: the same loss entered twice, with other initial
# weights and another order of images, must never come out better or worse; a loss that throws most of the gradient away
# must come out worse. The rule itself is tried on hundreds of replays in tests/stats/test_replay.c.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/shell.sh
. tests/shell.sh
trap 'rm -rf "$scratch"' EXIT

check "the run" "$LOSSBENCH" run --experiments tests/experiments/twice --out "$scratch/out" --jobs "$(nproc)" --datasets "$scratch/none"
table=$scratch/out/results/twice/difference.tsv
grep -v '^#' "$table" | sed 's/^/# /'

# Prints the verdicts of a loss, one a block.
verdicts_of() { grep -P "^$1\t" "$table" | grep -oE 'better|worse|equivalent|unclear'; }

blocks=$(($(grep -P '^loss\t' "$table" | wc -w) / 2))
mapfile -t same < <(verdicts_of bce_again)
if [ ${#same[@]} = "$blocks" ] && ! printf '%s\n' "${same[@]}" | grep -qE 'better|worse'; then
    ok "the same loss twice, $blocks blocks: ${same[*]}"
else
    not_ok "the same loss twice, $blocks blocks: ${same[*]}"
fi
mapfile -t planted < <(verdicts_of too_hard)
if printf '%s\n' "${planted[@]}" | grep -q worse && ! printf '%s\n' "${planted[@]}" | grep -q better; then
    ok "focal(gamma=10) against BCE: ${planted[*]}"
else
    not_ok "focal(gamma=10) against BCE: ${planted[*]}"
fi
exit "$checks_failed"
