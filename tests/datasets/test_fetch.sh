#!/usr/bin/env bash
# datasets/public/fetch, on file:// addresses: what it fetches, refuses and leaves behind.
# shellcheck disable=SC2317 # functions are called by check
cd "$(dirname "$0")/../.." || exit 1
. tests/shell.sh
trap 'rm -rf "$scratch"' EXIT

if ! command -v curl >/dev/null || ! command -v unzip >/dev/null; then
    skip "fetch: curl (for file:// addresses) or unzip is not installed"
    exit 0
fi

# top/b.txt, top/data/a.txt
base64 -d >"$scratch/tiny.zip" <<'ZIP'
UEsDBAoAAAAAAEUFeF0AAAAAAAAAAAAAAAAEAAAAdG9wL1BLAwQKAAAAAABFBXhdfsAPBgcAAAAHAAAACQAAAHRvcC9iLnR4dHNl
Y29uZApQSwMECgAAAAAARQV4XQAAAAAAAAAAAAAAAAkAAAB0b3AvZGF0YS9QSwMECgAAAAAARQV4XSqzSscGAAAABgAAAA4AAAB0
b3AvZGF0YS9hLnR4dGZpcnN0ClBLAQIeAwoAAAAAAEUFeF0AAAAAAAAAAAAAAAAEAAAAAAAAAAAAEADtQQAAAAB0b3AvUEsBAh4D
CgAAAAAARQV4XX7ADwYHAAAABwAAAAkAAAAAAAAAAQAAAKSBIgAAAHRvcC9iLnR4dFBLAQIeAwoAAAAAAEUFeF0AAAAAAAAAAAAA
AAAJAAAAAAAAAAAAEADtQVAAAAB0b3AvZGF0YS9QSwECHgMKAAAAAABFBXhdKrNKxwYAAAAGAAAADgAAAAAAAAABAAAApIF3AAAA
dG9wL2RhdGEvYS50eHRQSwUGAAAAAAQABADcAAAAqQAAAAAA
ZIP
sum=$(sha256sum "$scratch/tiny.zip" | cut -d ' ' -f 1)
contents=990368d55ac0e704d553988fa01d494ef7d4a120636e841de3995f606d6e3fd1
cache=$scratch/cache sources=$scratch/sources.ini

# pack NAME FETCH [KEY = VALUE]...
pack() {
    printf '\n[%s]\ntitle = A pack\nfetch = %s\nurl = file://%s\npage = https://example.org/%s\nlicence = free\ncitation = nobody\n' \
        "$1" "$2" "$scratch/tiny.zip" "$1" >>"$sources"
    shift 2
    if [ $# -gt 0 ]; then printf '%s\n' "$@" >>"$sources"; fi
}

# fetched STATUS TEXT [NAME...]: fetch ends with the status and says TEXT.
fetched() {
    local wanted=$1 text=$2 status=0
    shift 2
    datasets/public/fetch --sources "$sources" --cache "$cache" "$@" >"$scratch/log" 2>&1 || status=$?
    cat "$scratch/log"
    [ "$status" = "$wanted" ] && grep -qF -- "$text" "$scratch/log"
}

# The cache holds these entries and nothing else, hidden ones included.
holds() { diff <(printf '%s\n' "$cache" "${@/#/$cache/}" | sort) <(find "$cache" -maxdepth 1 | sort); }

pack stripped yes "strip = 1" "sha256 = $sum" "contents = $contents" "contents_of = data b.txt"
pack whole asked "sha256 ="
pack manual no
check "what may be fetched is fetched" fetched 0 "stripped: its files are those that lossbench was tested with"
check "for the others it says where to get them" grep -q "manual: get it by hand from https://example.org/manual" "$scratch/log"
check "a pack is not fetched unasked when it is not read" test ! -e "$cache/whole"
check "the archive's top folder is removed" test "$(cat "$cache/stripped/data/a.txt" 2>&1)" = first
check "nothing else is left behind" holds stripped
check "a pack that is there is left alone" fetched 0 "stripped: is here"

check "a pack without a published sum is fetched on request, its sum recorded" fetched 0 "whole: sha256 $sum" whole
check "it keeps its folders" test -f "$cache/whole/top/data/a.txt"
rm -rf "$cache/whole"
printf x >>"$scratch/tiny.zip"
check "an archive that differs from its recorded sum is refused" fetched 1 "was refused" whole
check "and not unpacked" holds stripped recorded.sha256
rm -rf "$cache"
check "an archive that differs from its published sum is refused" fetched 1 "not $sum, and was refused"
check "and nothing is left of it" test -z "$(ls -A "$cache")"

truncate -s 150 "$scratch/tiny.zip"
check "an archive cut short is refused" fetched 1 "cannot be unpacked" whole
check "and nothing is left of it but its sum" holds recorded.sha256
rm "$scratch/tiny.zip"
check "a failed download is one sentence" fetched 1 "stripped: cannot fetch file://"
check "with the way to do it by hand" grep -q "by hand: https://example.org/stripped, to be unpacked into $cache/stripped" "$scratch/log"
check "the other packs are still listed" grep -q "manual: get it by hand" "$scratch/log"
check "an unknown name is refused with the known ones" fetched 1 "there is no pack 'unknown'; there are: stripped whole manual" unknown

# --- the sources that are shipped --------------------------------------------------------------------------------------
sources=datasets/public/sources.ini
complete() {
    local name field missing=0
    # shellcheck disable=SC2013 # names hold no spaces
    for name in $(sed -n 's/^\[\(.*\)\]$/\1/p' "$sources"); do
        for field in title fetch page licence citation; do
            if ! sed -n "/^\[$name\]/,/^\[/p" "$sources" | grep -q "^$field = ."; then
                echo "$name lacks $field"
                missing=1
            fi
        done
    done
    [ "$missing" = 0 ] && [ "$(grep -c '^\[' "$sources")" = 11 ]
}
check "all eleven packs have title, terms, citation and a page" complete

exit "$checks_failed"
