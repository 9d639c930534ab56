#!/usr/bin/env bash
# Losses from outside the tree: `make plugin` builds them, `lossbench --plugin` lists, trains and evaluates them, and refuses
# what is no such thing. `make new-loss` starts one.
# shellcheck disable=SC2317 # functions that `check` and `trap` call
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/shell.sh
. tests/shell.sh
trap 'rm -rf "$scratch"' EXIT

compiler=${CC:-cc}
home=$scratch/a\ home
mkdir "$home"
plugin() { "${MAKE:-make}" -s BUILD="${BUILD:-build}/install" DEPS=skip plugin LOSS_FILE="$1"; }

# The Brier score (p-y)^2 and its slope 2 (p-y) p q.
# write_loss NAME SUMMARY
write_loss() {
    cat >"$home/$1.c" <<END
#include "lib/loss/elements.h"
static inline element brier_of(logistic l, real y) {
    const real d = by_label(y, l.p, -l.q);
    return (element){.loss = d * d, .slope = 2 * d * l.p * l.q};
}
LOSS_KERNEL static void brier_elements(const double *values, const loss_block *block, real *restrict losses,
                                       real *restrict slopes) {
    (void)values;
    EACH_ELEMENT(brier_of(BLOCK_LOGISTIC(i), y[i]))
}
LOSS_TYPE($1) = {.name = "$1", .version = 1, .summary = $2, .citation = "Brier 1950", .kind = LOSS_BINARY,
                 .elements = brier_elements};
END
}

# --- a good one ---------------------------------------------------------------------------------------------------------
write_loss brier '"(p - y)^2"'
check "make plugin builds a loss from outside the tree" plugin "$home/brier.c"
[ "$checks_failed" = 0 ] || exit 1
brier=$home/brier.so
lists() { "$LOSSBENCH" list "$@" | grep -F 'brier@1  (binary) (p - y)^2'; }
check "list shows it" lists --plugin "$brier"
in_its_directory() { (program=$(realpath "$LOSSBENCH") && cd "$home" && "$program" list --plugin brier.so --experiments "$OLDPWD/experiments"); }
check "it is found by its name alone in the current directory" in_its_directory
record='{"id": "b", "loss": "brier + 0*bce", "kind": "binary", "reduction": "mean", "shape": [2], "logits": [0, 0], "targets": [0, 1],
         "value": 0.25, "grad": [0.125, -0.125]}'
evaluates() { tr -d '\n' <<<"$record" | "$LOSSBENCH" eval --plugin "$brier" "$@" >"$scratch/answer" && cat "$scratch/answer" && grep "$pattern" "$scratch/answer"; }
pattern='"ok": *true'
check "eval evaluates it in float" evaluates --precision float
pattern='precision float'
check "in double, eval says that a plug-in is float" evaluates

# The comparison first without it: then only its own trials are trained.
mkdir "$scratch/ini"
cp tests/experiments/tiny/tuned.ini "$scratch/ini/tuned.ini"
lossbench() { "$LOSSBENCH" "$@" --experiments "$scratch/ini" --out "$scratch/compared" --datasets "$scratch/none" --jobs 2; }
trials() { sqlite3 "$scratch/compared/results/runs.sqlite" 'SELECT key, weights, seconds FROM trial ORDER BY key'; }
check "a comparison without it" lossbench run
trials >"$scratch/before"
sed -i 's/^focal = .*/&\nbrier = brier/' "$scratch/ini/tuned.ini"
refuses "the experiment without --plugin" "no loss is called 'brier'" lossbench run
plans() { lossbench plan --plugin "$brier" | grep -E '^tuned +16 +4 '; }
check "plan counts its four trials" plans
check "run with --plugin" lossbench run --plugin "$brier"
trials >"$scratch/after"
kept() { [ -z "$(comm -23 "$scratch/before" "$scratch/after")" ] && [ "$(wc -l <"$scratch/after")" = 16 ]; }
check "trains its own four trials, no other" kept
check "its row is in the table" grep -q '^brier' "$scratch/compared/results/tuned/summary.tsv"
check "report with --plugin" lossbench report --plugin "$brier"
check "verify with --plugin" lossbench verify --plugin "$brier"

# --- bad ones ------------------------------------------------------------------------------------------------------------
# bad WHAT PATTERN FILE...
bad() {
    local what=$1 pattern=$2 file options=()
    shift 2
    for file in "$@"; do options+=(--plugin "$file"); done
    refuses "$what" "$pattern" "$LOSSBENCH" list "${options[@]}"
}
# shared_object NAME: from C on standard input
shared_object() { "$compiler" -shared -fPIC -x c - -o "$home/$1.so"; }
bad "no such file" "none.so.*No such file" "$home/none.so"
bad "a directory" "not a shared object" "$home"
bad "a C file" "brier.c.*not a shared object.*make plugin" "$home/brier.c"
: >"$home/empty.so"
bad "an empty file" "not a shared object" "$home/empty.so"
head -c 12000 "$brier" >"$home/short.so"
bad "a file cut short" "cut short" "$home/short.so"
bad "a program" "not a shared object|cannot be loaded" "$LOSSBENCH"
echo 'int some_function(void); int some_function(void) { return 1; }' | shared_object other
bad "a library without a loss" "no loss in.*LOSS_TYPE" "$home/other.so"
echo 'const int loss_plugin_abi = 1; const void *const loss_plugin = &loss_plugin_abi;' | shared_object old
bad "one for another version" "version 1 .* build it .*again" "$home/old.so"
echo 'void missing(void); void f(void); void f(void) { missing(); }' | shared_object unresolved
bad "one with an unresolved name" "cannot be loaded.*missing" "$home/unresolved.so"
write_loss bce '"not the bce of the library"'
check "a plug-in called bce" plugin "$home/bce.c"
bad "a name that is taken" "bce.so.* called 'bce' already; rename" "$home/bce.so"
bad "the same twice" "called 'brier' already" "$brier" "$brier"
write_loss mute NULL
check "a plug-in without a summary" plugin "$home/mute.c"
bad "a type that lacks a text" "lacks a summary" "$home/mute.so"
bad "a path that is too long" "too long" "$(head -c 3000 /dev/zero | tr '\0' x)"

# --- new-loss ------------------------------------------------------------------------------------------------------------
mkdir -p "$scratch/tree/lib/loss"
cp lib/loss/new-loss lib/loss/losses.h lib/loss/alias.c "$scratch/tree/lib/loss"
new_loss() { "$scratch/tree/lib/loss/new-loss" "$@"; }
for kind in binary mask multiclass regression box; do
    check "new-loss starts a $kind loss" new_loss "my_$kind" "$kind"
    check "and it is listed" grep -qx "LOSS(my_$kind)" "$scratch/tree/lib/loss/losses.h"
    check "and compiles as a plug-in" plugin "$scratch/tree/lib/loss/my_$kind.c"
    check "and is one" "$LOSSBENCH" list --plugin "$scratch/tree/lib/loss/my_$kind.so"
done
refuses "new-loss without a name" "how the loss is called" new_loss
refuses "new-loss with a capital" "'Mine' is no name" new_loss Mine binary
refuses "new-loss with a path" "no name" new_loss ../mine binary
refuses "new-loss with a name that is taken" "my_box.c is there already" new_loss my_box box
refuses "new-loss with a listed name" "called 'focal' already" new_loss focal binary
refuses "new-loss with an unknown kind" "'picture' is no kind" new_loss mine picture
check "new-loss starts a plug-in elsewhere" new_loss elsewhere mask "$home"
check "and leaves the list alone" test -e "$home/elsewhere.c" -a -z "$(grep elsewhere "$scratch/tree/lib/loss/losses.h")"
if [ -e "$scratch/tree/lib/loss/mine.c" ]; then not_ok "a refused new-loss left a file"; else ok "refused, it leaves no file"; fi

exit "$checks_failed"
