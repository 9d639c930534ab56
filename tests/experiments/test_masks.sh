#!/usr/bin/env bash
# Masks end to end on a user's own stack: the comparison runs, a second run trains nothing, and what cannot be trained on masks is
# refused with one sentence before anything is trained.
# shellcheck disable=SC2317 # functions that `check` calls
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/shell.sh
. tests/shell.sh
trap 'rm -rf "$scratch"' EXIT

stack=$scratch/parts
ini=$scratch/ini
mkdir "$ini"
cat >"$ini/mine.ini" <<'END'
[experiment]
question = Which loss marks the defects?
analysis = compare
sheet = bce both
[blocks]
mine = stack @ natural
[losses]
bce = bce
both = dice_bce(batch=on)
[train]
model = unet(width=narrow)
visits = 640
batch = 16
learning_rate = 0.001
weight_decay = 1e-4
seeds = 2
END

export_stack() { "$LOSSBENCH" export "$1" --out "$2"; }
train() { "$LOSSBENCH" run --experiments "$ini" --datasets "$stack" --out "$scratch/mine" --jobs 2; }

check "a stack with masks is written" export_stack 'synthetic(texture=cast, defect=dent, size=24, scale=0.1) @ 10' "$stack"
check "losses for masks are compared on it" train
check "the table of masks" test -s "$scratch/mine/results/mine/mask_metrics.tsv"
check "the sheet of pictures" test -s "$scratch/mine/plots/mine/sheet-mine.png"
before=$(store_content "$scratch/mine")
check "a second run" train
check "changes no trial" test "$before" = "$(store_content "$scratch/mine")"

run_refused() { refuses "$1" "$2" "$LOSSBENCH" run --experiments "$ini" --datasets "$stack" --out "$scratch/none" --jobs 2; }

cp "$stack/masks.tif" "$scratch/masks.tif"
rm "$stack/masks.tif"
run_refused "no masks" "has no masks.*add masks.tif"
export_stack 'synthetic(texture=cast, defect=dent, size=28, scale=0.1) @ 10' "$scratch/larger" >/dev/null
cp "$scratch/larger/masks.tif" "$stack/masks.tif"
run_refused "masks of another size" "masks.tif' has 1300 pages of 28 x 28"
head -c 5000 "$scratch/masks.tif" >"$stack/masks.tif"
run_refused "masks cut short" "masks.tif"
cp "$scratch/masks.tif" "$stack/masks.tif"
sed -i 's/^both = .*/both = dice_bce(batch=on)\nboxes = ciou/' "$ini/mine.ini"
run_refused "a loss for boxes" "'ciou' is not for masks"
sed -i '/^boxes/d; s/^model = .*/model = cnn/' "$ini/mine.ini"
run_refused "a loss for masks and a model for images" "such as unet"
sed -i 's/^model = .*/model = unet/; s/^sheet = .*/sheet = bce no_such/' "$ini/mine.ini"
run_refused "a sheet of a loss that is not there" "sheet: there is no loss 'no_such'"
sed -i 's/^sheet = .*/baseline = no_such/' "$ini/mine.ini"
run_refused "a baseline that is not there" "baseline 'no_such'"
check "nothing was trained" test ! -e "$scratch/none/REPORT.md"

exit "$checks_failed"
