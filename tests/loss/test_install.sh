#!/usr/bin/env bash
# libloss as its user meets it: installed, found by pkg-config, used from C, C++ and Python.
# shellcheck disable=SC2317 # functions that `check` and `trap` call
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/shell.sh
. tests/shell.sh
trap 'rm -rf "$scratch"' EXIT

prefix=$scratch/usr
library=$prefix/lib/libloss
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib
compiler=${CC:-cc}
strict=(-Wall -Wextra -pedantic -Werror)

# The objects are kept in a build directory of their own, so that the next test run finds them.
install_to() { "${MAKE:-make}" -s BUILD="${BUILD:-build}/install" DEPS=skip install "$@"; }
check "make install" install_to PREFIX="$prefix"
[ "$checks_failed" = 0 ] || exit 1
installed=$(cd "$prefix" && find . ! -type d | sort | tr '\n' ' ')
if [[ $installed =~ ^./include/loss.h\ ./lib/libloss.a\ ./lib/libloss.so\ ./lib/libloss.so.[0-9]+\ ./lib/libloss.so.[0-9.]+\ ./lib/pkgconfig/libloss.pc\ $ ]]; then
    ok "installs $installed"
else
    not_ok "installs $installed"
fi
check "make install with DESTDIR" install_to PREFIX=/opt/loss DESTDIR="$scratch/stage"
check "and its .pc names the place without DESTDIR" grep -qx 'libdir=/opt/loss/lib' "$scratch/stage/opt/loss/lib/pkgconfig/libloss.pc"

# --- what the library exports and needs ------------------------------------------------------------------------------
# Functions and data that the header declares begin in the first column.
grep -E '^[a-z]' "$prefix/include/loss.h" | grep -v '^typedef' | grep -oE '\bloss_[a-z_]+[[(]' | tr -d '[(' | sort -u \
    >"$scratch/declared"
nm -D --defined-only "$library.so" | awk '{ print $3 }' | sort >"$scratch/shared"
nm -g --defined-only "$library.a" | awk 'NF == 3 { print $3 }' | sort >"$scratch/static"
check "the shared library exports what the header declares, no more" diff "$scratch/declared" "$scratch/shared"
check "so does the static one" diff "$scratch/declared" "$scratch/static"
only_loss() { ! grep -v '^loss_' "$1"; }
check "all names begin with loss_" only_loss "$scratch/shared"
soname=$(readelf -d "$library.so" | sed -n 's/.*soname: \[\(.*\)\]/\1/p')
check "the soname ($soname) is there" test -n "$soname" -a -e "$prefix/lib/$soname"
needed=$(readelf -d "$library.so" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -vE '^(libc|libm|ld-linux.*)\.so' | tr '\n' ' ')
if [ -z "$needed" ]; then ok "needs libc and libm only"; else not_ok "needs $needed"; fi

# --- the header ----------------------------------------------------------------------------------------------------------
printf '#include <loss.h>\n' >"$scratch/only.c"
check "the header is strict C11 and stands alone" \
    "$compiler" -std=c11 "${strict[@]}" -I"$prefix/include" -fsyntax-only "$scratch/only.c"
printf '#include <loss.h>\nint main() { loss_free(loss_parse("dice + bce", nullptr)); }\n' >"$scratch/only.cc"
plus_plus() {
    c++ -std=c++11 "${strict[@]}" "$scratch/only.cc" -I"$prefix/include" -L"$prefix/lib" -lloss -o "$scratch/only" && "$scratch/only"
}
if command -v c++ >/dev/null; then
    check "the header is C++, and the library links with it" plus_plus
else
    skip "the header in C++: there is no c++"
fi

# --- the examples ----------------------------------------------------------------------------------------------------------
# shellcheck disable=SC2046 # words on purpose
build_example() { "$compiler" -std=c11 "${strict[@]}" -O1 -ffp-contract=off examples/logistic.c -o "$@"; }
if command -v pkg-config >/dev/null; then
    read -ra flags <<<"$(pkg-config --cflags --libs libloss)"
else
    skip "pkg-config is not installed"
    flags=("-I$prefix/include" "-L$prefix/lib" -lloss)
fi
check "the C example builds with the shared library" build_example "$scratch/shared_example" "${flags[@]}"
check "the C example builds with the static library" build_example "$scratch/static_example" "-I$prefix/include" "$library.a" -lm
# shellcheck disable=SC2016 # awk's
learns() {
    awk '/= / { value = $NF; if (!first) first = value } /^recall/ { recall = $NF }
         END { exit !(value < 0.9 * first && recall > 0.5) }' "$1"
}
for expression in 'focal(gamma=2)' 'weighted_bce(pos_weight=auto) + 0.5*dice'; do
    check "the C example runs, $expression" "$scratch/shared_example" "$expression"
    cp "$scratch/check.log" "$scratch/said"
    check "and learns" learns "$scratch/said"
    check "statically linked alike" diff "$scratch/said" <(env -u LD_LIBRARY_PATH "$scratch/static_example" "$expression")
    if python3 -c 'import ctypes' 2>/dev/null; then
        check "the Python example says the same" diff "$scratch/said" <(python3 examples/logistic.py "$expression")
    else
        skip "the Python example: there is no python3"
    fi
done
refused() { ! "$scratch/shared_example" 'focal(gama=2)' 2>"$scratch/said" && grep "has no parameter 'gama'" "$scratch/said"; }
check "a wrong parameter is refused with a sentence" refused

exit "$checks_failed"
