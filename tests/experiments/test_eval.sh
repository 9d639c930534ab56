#!/usr/bin/env bash
# `lossbench eval` agrees with other implementations in double and in float: on records of our own (eval_records.jsonl)
# and, where they are at hand, on those of ../shared/cases. What cannot be evaluated is answered with a sentence.
# shellcheck disable=SC2317 # functions that `check` calls
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/shell.sh
. tests/shell.sh
trap 'rm -rf "$scratch"' EXIT

# --- agreement --------------------------------------------------------------------------------------------------------
# all_agree FILE PRECISION [PATTERN]: every record that has not PATTERN in it is answered with "ok":true.
all_agree() {
    grep -vE "${3:-^$}" "$1" >"$scratch/records"
    "$LOSSBENCH" eval --precision "$2" <"$scratch/records" >"$scratch/answers" || return 1
    [ "$(wc -l <"$scratch/records")" = "$(wc -l <"$scratch/answers")" ] || return 1
    ! grep -v '"ok":true' "$scratch/answers"
}

for precision in double float; do
    check "our own records, in $precision" all_agree tests/experiments/eval_records.jsonl $precision
done

cases=../shared/cases
if [ -d $cases ]; then
    for file in "$cases"/*.jsonl; do
        name=$(basename "$file" .jsonl)
        if [ "$name" = robustness ]; then continue; fi
        check "$name, in double: $(wc -l <"$file") records" all_agree "$file" double
        # not in float: differences of 1e-5 between numbers near 1, and 1-p where p is clipped at 1 - 1e-7
        check "$name, in float" all_agree "$file" float '/small-diff|^.*unified.*"extreme-right","clip_sensitive"'
    done
    all_finite() {
        "$LOSSBENCH" eval --precision "$1" "$cases/robustness.jsonl" >"$scratch/answers" || return 1
        ! grep -E '"error"|"ok":false|inf|nan' "$scratch/answers"
    }
    check "robustness, in double" all_finite double
    check "robustness, in float" all_finite float
    sed 's/"dist_map":\[[^]]*\],//; s/"dt_weight":\[[^]]*\],//' $cases/boundary.jsonl $cases/hausdorff_dt.jsonl >"$scratch/maps"
    # softmax-tiny-01 is a mask without background, where scipy makes distances up
    check "boundary and hausdorff_dt with maps of our own" all_agree "$scratch/maps" double softmax-tiny-01
else
    skip "the records of other implementations: there is no $cases"
fi

# --- answers ----------------------------------------------------------------------------------------------------------
# answers WHAT PATTERN RECORD: the one line that comes out matches, with status 0.
answers() {
    local what=$1 pattern=$2
    if ! printf '%s\n' "$3" | "$LOSSBENCH" eval >"$scratch/out" 2>"$scratch/err"; then
        not_ok "$what: status not 0"
    elif [ "$(wc -l <"$scratch/out")" != 1 ] || [ -s "$scratch/err" ]; then
        not_ok "$what: not one line"
    elif ! grep -qE -- "$pattern" "$scratch/out"; then
        not_ok "$what: the answer does not match '$pattern'"
    else
        ok "$what: $(head -c 160 "$scratch/out")"
        return
    fi
    head -n 5 "$scratch/out" "$scratch/err" | sed 's/^/    /'
}
# refused WHAT PATTERN LOSS REST: the record {"loss":LOSS,REST} is answered with a sentence that matches.
refused() { answers "$1" "^\\{\"id\":\"r\",\"error\":\"[^\"]*$2" "{\"id\":\"r\",\"loss\":\"$3\",$4}"; }

two='"shape":[2],"logits":[0,1],"targets":[0,1]'
answers "numbers have 17 digits" '"value":0.69314718055994529,"grad":\[0.5\]\}$' '{"id":1,"loss":"bce","shape":[1],"logits":[0],"targets":[0]}'
answers "the id comes back as it was" '^\{"id":\{"a":\[1,null,"b"\]\},' "{\"id\":{\"a\":[1,null,\"b\"]},\"loss\":\"bce\",$two}"
answers "a record without id" '^\{"id":null,"value":' "{\"loss\":\"bce\",$two}"
answers "without an expected value there is no ok" '"grad":\[[^]]*\]\}$' "{\"loss\":\"bce\",$two}"
answers "another value than expected" '"ok":false' "{\"loss\":\"bce\",$two,\"value\":0.6}"
answers "another gradient than expected" '"ok":false' "{\"loss\":\"bce\",$two,\"grad\":[0,0]}"
answers "none: a list, and the gradient of its sum" '"value":\[0.69[0-9]*,0.31[0-9]*\],"grad":\[0.5,-0.26' "{\"loss\":\"bce\",\"reduction\":\"none\",$two}"
answers "whole numbers beyond 64 bits" '"value":1e30' '{"loss":"bce","shape":[1],"logits":[1000000000000000000000000000000],"targets":[0]}'

refused "unknown loss" "no loss is called 'nope'" nope "$two"
refused "expression cut short" "at the end of 'bce \\+'" 'bce +' "$two"
refused "losses that cannot be added" "cannot be added" 'bce + ce' "$two"
refused "unknown parameter" "no parameter 'gama'" focal "\"params\":{\"gama\":1},$two"
refused "parameter out of range" "gamma=-1" focal "\"params\":{\"gamma\":-1},$two"
refused "parameter of another kind" "gamma is an object" focal "\"params\":{\"gamma\":{}},$two"
refused "word that is none" "activation must be" bce "\"params\":{\"activation\":\"tanh\"},$two"
refused "unknown kind" "kind 'zebra'" bce "\"kind\":\"zebra\",$two"
refused "kind of another loss" "not for records of kind 'boxes'" bce "\"kind\":\"boxes\",$two"
refused "unknown reduction" "reduction must be" bce "\"reduction\":\"max\",$two"
refused "too few numbers" "logits has 2 entries; the shape needs 3" bce '"shape":[3],"logits":[0,1],"targets":[0,1,0]'
refused "too few labels" "targets has 1 entries; the shape needs 2" bce '"shape":[2],"logits":[0,1],"targets":[0]'
refused "no labels" "no targets" bce '"shape":[1],"logits":[0]'
refused "no input" "no input" bce '"shape":[1],"targets":[0]'
refused "no shape" "shape is missing" bce '"logits":[0],"targets":[0]'
refused "shape of no size" "shape\\[0\\]" bce '"shape":[0],"logits":[],"targets":[]'
refused "shape beyond any memory" "more elements" bce '"shape":[1e9,1e9,1e9],"logits":[0],"targets":[0]'
refused "entry that is no number" 'logits\[1\] is \\"a\\"' bce '"shape":[2],"logits":[0,"a"],"targets":[0,1]'
refused "entry that is null" "logits\\[1\\] is null" bce '"shape":[2],"logits":[0,null],"targets":[0,1]'
refused "NaN, as Python writes it" 'logits\[0\] is \\"NaN\\"' bce '"shape":[1],"logits":[NaN],"targets":[0]'
refused "infinity, as Python writes it" 'logits\[0\] is \\"-Infinity\\"' bce '"shape":[1],"logits":[-Infinity],"targets":[0]'
refused "number beyond any double" 'logits\[0\] is \\"1e999\\"' bce '"shape":[1],"logits":[1e999],"targets":[0]'
refused "label beyond 1" "the label is 2" bce '"shape":[1],"logits":[0],"targets":[2]'
refused "negative weight" "the weight is -1" bce "\"weights\":[1,-1],$two"
refused "class that is not there" "targets\\[0\\] is 3; the classes are 0 to 2" ce '"shape":[1,3],"logits":[0,1,2],"targets":[3]'
refused "inverted box" "is inverted" giou '"shape":[1,4],"boxes":[1,0,0,1],"target_boxes":[0,0,1,1]'
refused "boxes of three numbers" "boxes are \\[N,4\\]" giou '"shape":[1,3],"boxes":[1,0,0],"target_boxes":[0,0,1]'
refused "probability without a logit" "^not supported: |not supported: .*probability 1" bce '"params":{"activation":"none"},"shape":[1],"preds":[1],"targets":[1]'
refused "clip of another implementation" "not supported: " asl "\"params\":{\"eps\":1e-8},\"tags\":[\"clip_sensitive\"],$two"
answers "a record that is no object" 'a record is a JSON object, not an array' '[1]'
answers "a key twice" '"error":"line 1 cannot be read: duplicate' '{"id":1,"id":2}'

# --- lines and exit status --------------------------------------------------------------------------------------------
good="{\"id\":\"good\",\"loss\":\"bce\",$two}"
printf '%s\n\n   \n%s\n{"id":"cut",\n%s\nnot json\n' "$good" "$good" "$good" >"$scratch/mixed"
"$LOSSBENCH" eval "$scratch/mixed" >"$scratch/out" 2>"$scratch/err"
status=$?
if [ $status = 1 ] && [ "$(grep -c '"id":"good","value"' "$scratch/out")" = 3 ] && [ "$(wc -l <"$scratch/out")" = 5 ] &&
    [ "$(wc -l <"$scratch/err")" = 1 ] && grep -q 'line 5 is not JSON.*2 lines in all' "$scratch/err"; then
    ok "lines that are not JSON: the others are answered, then status 1 and $(cat "$scratch/err")"
else
    not_ok "lines that are not JSON: status $status"
    head -n 12 "$scratch/out" "$scratch/err" | sed 's/^/    /'
fi
from_both() { cmp <("$LOSSBENCH" eval <"$1") <("$LOSSBENCH" eval "$1"); }
check "a file and standard input give the same answers" from_both tests/experiments/eval_records.jsonl
nothing_in() { [ -z "$("$LOSSBENCH" eval </dev/null)" ]; }
check "no records, no answers, no error" nothing_in
refuses "records that are not there" "nowhere.jsonl" "$LOSSBENCH" eval "$scratch/nowhere.jsonl"
refuses "a directory in place of records" "$(basename "$scratch")" "$LOSSBENCH" eval "$scratch"
refuses "unknown precision" "precision" "$LOSSBENCH" eval --precision half
if [ -e /dev/full ]; then
    cannot_write() { ! "$LOSSBENCH" eval tests/experiments/eval_records.jsonl >/dev/full; }
    check "answers that cannot be written" cannot_write
fi
exit "$checks_failed"
