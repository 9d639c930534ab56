#!/usr/bin/env bash
# Bad input of every kind: exactly one clear sentence on standard error, a non-zero status, no crash, and a store that is
# sound and goes on where it was.
# shellcheck disable=SC2317 # functions that `check` and `trap` call
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/shell.sh
. tests/shell.sh
disk=
cleanup() {
    [ -z "$disk" ] || umount "$disk" 2>/dev/null
    chmod -R u+rwx "$scratch"
    rm -rf "$scratch"
}
trap cleanup EXIT

tiny=tests/experiments/tiny
ini=$scratch/ini
nothing=$scratch/nothing

# --- command line -----------------------------------------------------------------------------------------------------
refuses "unknown command" "unknown command 'rum'" "$LOSSBENCH" rum
refuses "unknown option" "option" "$LOSSBENCH" run --lozz bce
refuses "option without its value" "argument" "$LOSSBENCH" run --out
refuses "unknown profile" "unknown profile 'tiny'" "$LOSSBENCH" plan --profile tiny
refuses "no jobs" "jobs" "$LOSSBENCH" plan --jobs 0
refuses "jobs that are no number" "jobs" "$LOSSBENCH" plan --jobs two
refuses "limit that is no number" "limit" "$LOSSBENCH" plan --limit nan
refuses "unknown experiment" "no experiment 'focal_swep'" "$LOSSBENCH" plan --experiments $tiny --only focal_swep
refuses "unknown loss on the command line" "no chosen experiment has 'no_such'" "$LOSSBENCH" plan --experiments $tiny --loss no_such
refuses "unknown data set on the command line" "no chosen experiment has 'no_such'" "$LOSSBENCH" plan --experiments $tiny --dataset no_such
refuses "directory without experiments" "no experiment files" "$LOSSBENCH" plan --experiments "$nothing"
refuses "an option value longer than any path" "too long" "$LOSSBENCH" plan --experiments $tiny --out "$(head -c 3000 /dev/zero | tr '\0' x)"
refuses "show without a key" "KEY" "$LOSSBENCH" show
refuses "show before any run" "no store" "$LOSSBENCH" show 0123 --out "$nothing"

# --- experiment files -------------------------------------------------------------------------------------------------
# broken WHAT PATTERN SED: the tuned experiment, changed by sed.
broken() {
    rm -rf "$ini"
    mkdir "$ini"
    sed -E "$3" $tiny/tuned.ini >"$ini/e.ini"
    if cmp -s $tiny/tuned.ini "$ini/e.ini"; then not_ok "$1: the test changes nothing"; fi
    refuses "$1" "$2" "$LOSSBENCH" plan --experiments "$ini" --out "$nothing" --datasets "$nothing"
}
broken "unknown loss" "no_such" 's/^focal = .*/focal = no_such/'
broken "unknown parameter of a loss" "gama" 's/^focal = .*/focal = focal(gama=2)/'
broken "parameter out of range" "gamma" 's/^focal = .*/focal = focal(gamma=-1)/'
broken "parameter that is not a number" "gamma" 's/^focal = .*/focal = focal(gamma=nan)/'
broken "parameter with an endless value" "gamma" 's/^focal = .*/focal = focal(gamma=1e999)/'
broken "loss expression cut short" "focal" 's/^focal = .*/focal = focal(gamma=2/'
broken "grid cut short" "not closed" 's/^focal = .*/focal = focal(gamma={1, 2)/'
broken "unknown option of a loss" "bais" 's/^focal = .*/focal = focal | bais=0/'
broken "more losses than a table holds" "entries" "s/^focal = .*/focal = focal(gamma={$(seq -s, 0 .05 1.5)}, alpha={.1,.2,.3})/"
broken "unknown data set" "no_such" 's/^dents = .*/dents = no_such(size=24) @ 20/'
broken "data set parameter out of range" "size" 's/size=24/size=4/'
broken "no ratio" "ratio|@" 's/@ 20//'
broken "ratio that is no number" "ratio" 's/@ 20/@ 1:20/'
broken "unknown model" "no_such" 's/^model = .*/model = no_such/'
broken "odd batch" "even" 's/^batch = .*/batch = 33/'
broken "too few visits" "visits" 's/^visits = .*/visits = 100/'
broken "visits that are no number" "visits" 's/^visits = .*/visits = many/'
broken "unknown analysis" "analysis" 's/^analysis = .*/analysis = guess/'
broken "unknown key" "modle" 's/^model/modle/'
broken "unknown section" "section" 's/^\[train\]/[trian]/'
broken "section cut short" "e.ini:" 's/^\[train\]/[train/'
broken "line without a value" "e.ini:" 's/^seeds = 2/seeds/'
broken "line too long for the reader" "longer than" "s/^question = .*/question = $(head -c 400 /dev/zero | tr '\0' x)/"
broken "empty file" "e.ini" 'd'
broken "upside-down tuning range" "low" 's/^learning_rate_low = .*/learning_rate_low = 0.5/'
head -c 3000 "$LOSSBENCH" >"$ini/e.ini"
refuses "a program instead of an experiment file" "e.ini" "$LOSSBENCH" plan --experiments "$ini" --out "$nothing"
if [ -e "$nothing" ]; then not_ok "plan wrote something"; else ok "none of these wrote anything"; fi

# --- store ------------------------------------------------------------------------------------------------------------
run() { "$LOSSBENCH" run --experiments "$tiny" --only tuned --out "$1" --jobs 2 --datasets "$nothing"; }
store_of() { echo "$1/results/runs.sqlite"; }
kept() { [ "$(store_content "$1")" = "$before" ]; }

check "a run to spoil" run "$scratch/good"
before=$(store_content "$scratch/good")
refuses "unknown key" "no trial begins with 'zz'" "$LOSSBENCH" show zz --out "$scratch/good"
refuses "ambiguous key" "more than one" "$LOSSBENCH" show '' --out "$scratch/good"

cp -r "$scratch/good" "$scratch/version"
sqlite3 "$(store_of "$scratch/version")" 'PRAGMA user_version = 99'
refuses "store of another version" "layout 99" run "$scratch/version"
check "and its trials are all there" kept "$scratch/version"

cp -r "$scratch/good" "$scratch/foreign"
head -c 4096 "$LOSSBENCH" >"$(store_of "$scratch/foreign")"
cp "$(store_of "$scratch/foreign")" "$scratch/foreign.copy"
refuses "store that is not a data base" "not a trial store" run "$scratch/foreign"
check "and is left as it was" cmp "$scratch/foreign.copy" "$(store_of "$scratch/foreign")"

cp -r "$scratch/good" "$scratch/cut"
truncate -s 20000 "$(store_of "$scratch/cut")"
refuses "store cut short" "damaged" run "$scratch/cut"

mkdir -p "$(store_of "$scratch/directory")"
refuses "a directory in place of the store" "runs.sqlite" run "$scratch/directory"

cp -r "$scratch/good" "$scratch/busy"
sqlite3 "$(store_of "$scratch/busy")" 'BEGIN EXCLUSIVE; SELECT 1;' '.shell sleep 3' >/dev/null &
sleep 0.5
refuses "store in use by another run" "in use" run "$scratch/busy"
wait
check "and the same run succeeds afterwards" run "$scratch/busy"

rm -rf "$ini"
mkdir "$ini"
sed -E 's/^visits = .*/visits = 10000000/; /^\[tuning\]/,$d; s/^batch/learning_rate = 0.001\nbatch/; s/^seeds = .*/seeds = 1/; /^(focal|bce_zero)/d' \
    $tiny/tuned.ini >"$ini/slow.ini"
refuses "a trial that takes too long" "timed out" "$LOSSBENCH" run --experiments "$ini" --out "$scratch/slow" --limit 1 --datasets "$nothing"

# --- OUT that cannot be written ------------------------------------------------------------------------------------------
: >"$scratch/file"
refuses "OUT below a file" "OUT" run "$scratch/file/below"
mkdir "$scratch/readonly"
cp -r "$scratch/good/." "$scratch/readonly"
rm -r "$scratch/readonly/results/tuned"
if [ "$(id -u)" = 0 ]; then
    nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
    chmod 755 "$scratch"
else
    nobody() { "$@"; }
fi
chmod -R a+rX,a-w "$scratch/readonly"
if nobody test -x "$LOSSBENCH"; then
    refuses "OUT without permission to write" "OUT" nobody "$LOSSBENCH" run --experiments "$tiny" --only tuned --out "$scratch/readonly" \
        --datasets "$nothing"
    check "and the store is as it was" kept "$scratch/readonly"
else
    skip "OUT without permission to write: an unprivileged user cannot read this directory"
fi

# --- full disk ------------------------------------------------------------------------------------------------------------
if mkdir "$scratch/disk" && mount -t tmpfs -o size=64m tmpfs "$scratch/disk" 2>/dev/null; then
    disk=$scratch/disk
    for kilobytes in 4 16 40 100 160 240; do
        mount -o "remount,size=${kilobytes}k" "$disk"
        refuses "full disk of $kilobytes KB" "full|no space|OUT" run "$disk/out"
        if [ -s "$(store_of "$disk/out")" ]; then check "and the store is sound" store_is_sound "$disk/out"; fi
        mount -o remount,size=64m "$disk"
        if [ $kilobytes != 100 ]; then rm -rf "$disk/out"; fi
    done
    check "with more space the run goes on to the end" run "$disk/out"
    check "and its results are those of a roomy disk" same_trees "$scratch/good" "$disk/out"
else
    skip "full disk: mounting a small file system needs root"
fi

# --- data -----------------------------------------------------------------------------------------------------------------
solar() {
    rm -rf "$ini"
    mkdir "$ini"
    sed -E 's/^dents = .*/solar = infrared_solar_modules(block=Soiling) @ natural/' $tiny/tuned.ini >"$ini/solar.ini"
}
solar
not_fetched() {
    "$LOSSBENCH" run --experiments "$ini" --out "$scratch/unfetched" --datasets "$nothing" && grep -q 'not fetched' "$scratch/unfetched/REPORT.md"
}
check "a pack that is not there: the report says 'not fetched', and does not fail" not_fetched

pack=$scratch/packs/infrared_solar_modules/InfraredSolarModules
mkdir -p "$pack/images"
refuses_pack() { refuses "$1" "$2" "$LOSSBENCH" run --experiments "$ini" --out "$scratch/spoilt" --datasets "$scratch/packs"; }
# spoil_json WHAT TEXT
spoil_json() {
    printf '%s' "$2" >"$pack/module_metadata.json"
    refuses_pack "$1" "module_metadata.json"
}
spoil_json "JSON cut short" '{"13357":{"image_filepath":"images/13357.jpg","anom'
spoil_json "JSON of another kind" '[1, 2, 3]'
spoil_json "empty JSON" ''
spoil_json "JSON without a class" '{"1":{"image_filepath":"images/1.jpg"}}'
spoil_json "JSON with an unknown class" '{"1":{"image_filepath":"images/1.jpg","anomaly_class":"Nosuch"}}'
spoil_json "JSON that leads out of the pack" '{"1":{"image_filepath":"../../../etc/passwd","anomaly_class":"Soiling"}}'

printf '{"1":{"image_filepath":"images/1.jpg","anomaly_class":"Soiling"}}' >"$pack/module_metadata.json"
refuses_pack "JPEG that is not there" "1.jpg"
printf 'not a picture' >"$pack/images/1.jpg"
refuses_pack "a text instead of a JPEG" "1.jpg"
real=
IFS=: read -ra directories <<<"${DATASETS:-datasets/public/cache:../shared/datasets}"
for directory in "${directories[@]}"; do
    for file in "$directory"{/infrared_solar_modules,}/InfraredSolarModules/images/0.jpg; do
        if [ -e "$file" ]; then real=$file; fi
    done
done
if [ -n "$real" ]; then
    head -c $(($(wc -c <"$real") * 2 / 3)) "$real" >"$pack/images/1.jpg"
    refuses_pack "JPEG cut short" "1.jpg"
    { head -c 200 "$real" && head -c 300 /dev/zero && tail -c +501 "$real"; } >"$pack/images/1.jpg"
    refuses_pack "damaged JPEG" "1.jpg"
else
    skip "JPEG cut short: infrared_solar_modules is not fetched"
fi

# A user's own stack, sound and then damaged.
sed -E 's/^dents = .*/mine = stack @ natural/' $tiny/tuned.ini >"$ini/solar.ini"
stack=$scratch/stack
new_stack() {
    rm -rf "$stack"
    mkdir "$stack"
    perl tests/experiments/make_stack.pl "$stack"
}
run_stack() { "$LOSSBENCH" run --experiments "$ini" --out "$scratch/stacked" --datasets "$stack"; }
# spoil_stack WHAT PATTERN COMMAND...: damages the stack and tries it.
spoil_stack() {
    local what=$1 pattern=$2
    shift 2
    new_stack
    "$@"
    refuses "$what" "$pattern" run_stack
}
in_labels() { sed -i -E "$1" "$stack/labels.csv"; }
new_stack
check "a stack written by hand is a data set" run_stack
cut_images() { truncate -s 200000 "$stack/images.tif"; }
spoil_stack "TIFF cut short" "images.tif" cut_images
overwrite() { printf '\377\377\377\377\377\377\377\377\377\377\377\377' | dd of="$stack/images.tif" bs=1 seek="$1" conv=notrunc status=none; }
spoil_stack "TIFF with damaged tags" "images.tif" overwrite 30
spoil_stack "TIFF with a damaged link to the next page" "images.tif" overwrite 116
no_tiff() { echo 'no picture' >"$stack/images.tif"; }
spoil_stack "a text instead of a TIFF" "images.tif" no_tiff
empty_tiff() { : >"$stack/images.tif"; }
spoil_stack "empty TIFF" "images.tif" empty_tiff
spoil_stack "stack without images" "images.tif" rm "$stack/images.tif"
spoil_stack "labels with a row too few" "labels.csv" in_labels 500d
spoil_stack "labels with a page twice" "labels.csv" in_labels '3s/^1,/0,/'
spoil_stack "labels with a page that is not there" "labels.csv" in_labels '3s/^1,/1000,/'
spoil_stack "labels with an unknown set" "labels.csv" in_labels '3s/,$/,learn/'
spoil_stack "labels with the set in one row only" "labels.csv" in_labels '3s/,$/,train/'
spoil_stack "labels without their head" "labels.csv" in_labels '1d'
spoil_stack "labels with a column too few" "labels.csv" in_labels '5s/,[^,]*$//'
spoil_stack "labels without defects" "labels.csv|defect" in_labels 's/spot/good/'
no_masks() { cp tests/experiments/make_stack.pl "$stack/masks.tif"; }
spoil_stack "a text instead of the masks" "masks.tif" no_masks

exit "$checks_failed"
