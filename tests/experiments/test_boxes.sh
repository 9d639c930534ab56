#!/usr/bin/env bash
# Boxes end to end: on a user's own stack and on packs of public form that are made here. What can be used is trained on, what is left
# out is counted in the report, and what is wrong is refused with one sentence that names the file and says what to do.
# shellcheck disable=SC2317 # functions that `check` and `refuses` call
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/shell.sh
. tests/shell.sh
trap 'rm -rf "$scratch"' EXIT

ini=$scratch/ini
mkdir "$ini"

# experiment BLOCK [MODEL [LOSS...]]: writes the experiment file.
experiment() {
    local block=$1 model=${2:-detector(width=narrow)} loss
    shift $(($# < 2 ? $# : 2))
    {
        printf '[experiment]\nquestion = Which box loss?\nanalysis = boxes\nbaseline = first\n[blocks]\nmine = %s\n' "$block"
        printf '[losses]\n'
        for loss in "${@:-box = smooth_l1}"; do
            printf '%s = %s\n' "$([ "$loss" = "${1:-$loss}" ] && echo first || echo "other")" "$loss"
        done
        printf '[train]\nmodel = %s\nvisits = 640\nbatch = 16\nlearning_rate = 0.005\nweight_decay = 1e-4\n' "$model"
        printf 'checkpoints = 2\nseeds = 2\n'
    } >"$ini/mine.ini"
}

run_in() { "$LOSSBENCH" run --experiments "$ini" --datasets "$1" --out "$2" --jobs 2; }

# counted COLUMN VALUE: in the report's table of boxes.
counted() {
    awk -F '\t' -v column="$1" '
        $1 == "block" { for (i = 1; i <= NF; i++) if ($i == column) at = i }
        $1 == "mine" { print at ? $at : "no such column" }' "$out/results/data/boxes.tsv"
}
check_counted() {
    local value
    value=$(counted "$1")
    if [ "$value" = "$2" ]; then ok "counted: $1 $2"; else not_ok "$1 is '$value' and not $2"; fi
}

# --- a user's own stack -----------------------------------------------------------------------------------------------
stack=$scratch/parts
out=$scratch/mine
export_stack() { "$LOSSBENCH" export "$1" --out "$2"; }
check "a stack with boxes is written" export_stack 'synthetic(texture=cast, defect=dent, size=24, scale=0.1) @ 10' "$stack"
experiment 'stack @ natural' '' 'box = smooth_l1' 'cls = focal(gamma=2), obj = bce, box = 2*ciou'
check "box losses are compared on it" run_in "$stack" "$out"
check "its trials are published" grep -qE 'box = 2\*ciou.*\bok\b' "$out/results/mine/trials.tsv"
check "the table of boxes" test -s "$out/results/data/boxes.tsv"
before=$(store_content "$out")
check "a second run" run_in "$stack" "$out"
check "changes no trial" test "$before" = "$(store_content "$out")"
verify() {
    "$LOSSBENCH" verify --experiments "$ini" --datasets "$stack" --out "$out" >"$scratch/verified" &&
        grep -E '^verify: [1-9][0-9]* trials trained again, .* 0 different' "$scratch/verified"
}
check "verify trains trials again and finds them equal" verify

cp "$stack/boxes.csv" "$scratch/boxes.csv"
# in_boxes WHAT PATTERN SED: the boxes, changed by sed.
in_boxes() {
    sed -E "$3" "$scratch/boxes.csv" >"$stack/boxes.csv"
    if cmp -s "$scratch/boxes.csv" "$stack/boxes.csv"; then not_ok "$1: the test changes nothing"; fi
    refuses "$1" "$2" run_in "$stack" "$scratch/none"
}
in_boxes "a box outside the image" "boxes.csv', line 3: .*leaves the image" '3s/,[^,]*,[^,]*$/,400,401/'
in_boxes "a box that begins outside" "boxes.csv', line 3: .*leaves the image" '3s/^([^,]*,[^,]*),[^,]*/\1,-1/'
in_boxes "an inverted box" "boxes.csv', line 4: .*empty" '4s/^([^,]*,[^,]*),([^,]*),([^,]*),([^,]*),/\1,\4,\3,\2,/'
in_boxes "a box without area" "boxes.csv', line 2: .*empty" '2s/^([^,]*,[^,]*),([^,]*),([^,]*),([^,]*),/\1,\2,\3,\2,/'
in_boxes "a corner that is no number" "boxes.csv', line 2" '2s/,[^,]*$/,nan/'
in_boxes "a box of an image that is not there" "boxes.csv', line 2" '2s/^[0-9]*,/100000,/'
in_boxes "a box of an unknown type" "boxes.csv', line 2" '2s/^([0-9]*),[^,]*/\1,no_such/'
in_boxes "a box too short by a column" "boxes.csv', line 5" '5s/,[^,]*$//'
in_boxes "no box at all" "has no boxes in its train set.*add boxes.csv" "2,\$d"
in_boxes "boxes without their head" "boxes.csv" '1d'
: >"$stack/boxes.csv"
refuses "an empty file of boxes" "boxes.csv" run_in "$stack" "$scratch/none"
rm "$stack/boxes.csv"
mv "$stack/masks.tif" "$scratch/masks.tif"
refuses "a stack without boxes" "has no boxes in its train set.*add boxes.csv" run_in "$stack" "$scratch/none"
cp "$scratch/boxes.csv" "$stack/boxes.csv"

# --- objectives and models ---------------------------------------------------------------------------------------------
# refused_loss WHAT PATTERN LOSS
refused_loss() {
    experiment 'stack @ natural' '' "$3"
    refuses "$1" "$2" run_in "$stack" "$scratch/none"
}
refused_loss "an unknown head" "no head 'mask'.*cls, obj, box" 'mask = bce'
refused_loss "a mask loss for boxes" "head 'box': 'dice' is a mask loss.*such as ciou" 'box = dice'
refused_loss "a box loss for classes" "head 'cls': 'ciou' is a box loss.*such as focal" 'cls = ciou'
refused_loss "a loss without its head" "'ciou' lacks its head.*box = ciou" 'ciou'
refused_loss "a head given twice" "head 'box' is given twice" 'box = ciou, box = giou'
refused_loss "an empty head" "head 'box' is empty" 'cls = bce, box ='
refused_loss "an unknown target" "target = two is not one of: one, iou" 'target = two'
experiment 'stack @ natural' cnn 'box = ciou'
refuses "heads for a model of images" "heads of a detector.*choose model detector" run_in "$stack" "$scratch/none"
experiment 'synthetic(texture=cast, defect=dent, size=30, scale=0.1) @ 10'
refuses "images of 30 pixels" "divisible by 8, not 30x30" run_in "$stack" "$scratch/none"
experiment 'synthetic(texture=cast, defect=dent, size=32, scale=0.1) @ 10' 'detector(width=vast)'
refuses "an unknown width" "width" run_in "$stack" "$scratch/none"

# --- steel: XML, no clean images -----------------------------------------------------------------------------------------
steel=$scratch/steel
notes=$steel/NEU-DET/ANNOTATIONS
new_steel() {
    rm -rf "$steel"
    mkdir "$steel"
    perl tests/experiments/make_pack.pl neu_det "$steel"
}
# spoil_steel WHAT PATTERN COMMAND...: damages the pack and tries it.
spoil_steel() {
    local what=$1 pattern=$2
    shift 2
    new_steel
    "$@"
    refuses "$what" "$pattern" run_in "$steel" "$scratch/none"
}
out=$scratch/steel-out
experiment 'neu_det @ natural'
new_steel
rm "$steel/NEU-DET/IMAGES/patches_3.jpg"
sed -i 's|<xmax>[0-9]*</xmax>|<xmax>65</xmax>|' "$notes/crazing_1.xml"
sed -i -E 's|<xmin>([0-9]*)</xmin>(.*)<xmax>([0-9]*)</xmax>|<xmin>\3</xmin>\2<xmax>\1</xmax>|' "$notes/crazing_2.xml"
sed -i -E 's|<ymin>([0-9]*)</ymin>(.*)<ymax>([0-9]*)</ymax>|<ymin>\1</ymin>\2<ymax>\1</ymax>|' "$notes/crazing_3.xml"
echo '<annotation><size><width>64</width><height>64</height></size></annotation>' >"$notes/crazing_4.xml"
check "steel of which some cannot be used" run_in "$steel" "$out"
check_counted absent 1
check_counted "bad boxes" 3
check_counted unmarked 4
check "recall has no goods, and is not 0" grep -qE 'ok	no goods	no goods	no goods	no goods	nan' "$out/results/mine/trials.tsv"

broken_xml() { sed -i 's|</bndbox>||' "$notes/crazing_5.xml"; }
spoil_steel "broken XML" "crazing_5.xml'?.* line 2" broken_xml
cut_xml() { truncate -s 60 "$notes/crazing_5.xml"; }
spoil_steel "XML cut short" "crazing_5.xml" cut_xml
no_xml() { : >"$notes/crazing_5.xml"; }
spoil_steel "an empty annotation" "crazing_5.xml" no_xml
document_type() { sed -i '1s|^|<!DOCTYPE annotation SYSTEM "file:///etc/passwd">|' "$notes/crazing_5.xml"; }
spoil_steel "a document type" "crazing_5.xml.*document type" document_type
entities() {
    sed -i '1s|^|<!DOCTYPE a [<!ENTITY x "crazing"><!ENTITY y "\&x;\&x;\&x;\&x;\&x;\&x;\&x;\&x;">]>|; s|<name>crazing|<name>\&y;|' \
        "$notes/crazing_5.xml"
}
spoil_steel "XML that declares entities" "crazing_5.xml.*document type" entities
undeclared() { sed -i 's|<name>crazing|<name>\&x;|' "$notes/crazing_5.xml"; }
spoil_steel "XML with an entity that nobody declared" "crazing_5.xml" undeclared
wrong_number() { sed -i 's|<xmin>[0-9]*|<xmin>four|' "$notes/crazing_5.xml"; }
spoil_steel "a corner that is no number in XML" "crazing_5.xml" wrong_number
wrong_type() { sed -i 's|<name>crazing|<name>rust|' "$notes/crazing_5.xml"; }
spoil_steel "a type that is none" "crazing_5.xml.*'rust'" wrong_type
wrong_size() { sed -i 's|<height>64|<height>200|' "$notes/crazing_5.xml"; }
spoil_steel "an annotation of another size" "crazing_5.jpg.*64 x 64.*200" wrong_size
wrong_picture() { head -c 100 "$notes/crazing_6.xml" >"$steel/NEU-DET/IMAGES/crazing_5.jpg"; }
spoil_steel "a text instead of a picture" "crazing_5.jpg" wrong_picture
all_empty() { for note in "$notes"/*.xml; do echo '<annotation><size><width>64</width><height>64</height></size></annotation>' >"$note"; done; }
spoil_steel "annotations without any box" "no box to use" all_empty
new_steel
experiment 'neu_det @ 10'
refuses "a ratio to goods that are not there" "no clean images.*natural" run_in "$steel" "$scratch/none"
experiment 'neu_det(size=60) @ natural'
refuses "a size that cells do not tile" "multiple of 8" run_in "$steel" "$scratch/none"
experiment 'neu_det @ natural' cnn bce
refuses "goods and defects to tell apart, and no goods" "has no goods.*such as detector" run_in "$steel" "$scratch/none"
experiment 'neu_det @ natural'
sed -i 's/^\(first = .*\)/\1 | sampler=balanced/' "$ini/mine.ini"
refuses "goods to balance, and no goods" "no goods to balance.*sampler=natural" run_in "$steel" "$scratch/none"

# --- boards: text, clean templates ---------------------------------------------------------------------------------------
board=$scratch/board
labels=$board/PCBData/group1/1_not
new_board() {
    rm -rf "$board"
    mkdir "$board"
    perl tests/experiments/make_pack.pl deeppcb "$board"
}
spoil_board() {
    local what=$1 pattern=$2
    shift 2
    new_board
    "$@"
    refuses "$what" "$pattern" run_in "$board" "$scratch/none"
}
out=$scratch/board-out
experiment 'deeppcb @ natural'
new_board
: >"$labels/1001.txt"
sed -i '1s/.*/620 8 660 56 3/' "$labels/1002.txt"
sed -i '1s/.*/56 8 8 56 3/' "$labels/1003.txt"
sed -i '1s/.*/8 8 56 8 3/' "$labels/1004.txt"
rm "$labels/1005.txt" "$board"/PCBData/group1/1/1005_*.jpg
check "boards of which some cannot be used" run_in "$board" "$out"
check_counted absent 1
check_counted "bad boxes" 3
check_counted unmarked 1
half_pair() { rm "$board/PCBData/group1/1/1006_temp.jpg"; }
spoil_board "a template that is missing" "1006_temp.jpg' is missing.*make datasets" half_pair
no_labels() { rm "$labels/1006.txt"; }
spoil_board "labels that are missing" "1006.txt' is missing.*make datasets" no_labels
bad_labels() { echo '8 8 56 56' >"$labels/1006.txt"; }
spoil_board "labels without a type" "1006.txt" bad_labels
bad_type() { echo '8 8 56 56 7' >"$labels/1006.txt"; }
spoil_board "a type that there is not" "1006.txt" bad_type
bad_path() { sed -i '1s|group1|../group1|' "$board/PCBData/test.txt"; }
spoil_board "a path that leads out of the pack" "test.txt" bad_path
no_list() { rm "$board/PCBData/test.txt"; }
spoil_board "a list that is missing" "test.txt' is missing.*make datasets" no_list
nothing() { rm -r "$board/PCBData/group1"; }
spoil_board "lists of nothing" "none of the 16 pairs.*make datasets" nothing

check "nothing was trained where something was wrong" test ! -e "$scratch/none/REPORT.md"
exit "$checks_failed"
