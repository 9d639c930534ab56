#include "lib/base/hash.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

/* The value for "" stands in hash.h. The states before the mixer are FNV-1a's own: the test suite of its authors
   (draft-eastlake-fnv, appendix C) gives af63dc4c8601ec8c for "a" and 85944171f73967e8 for "foobar". */
Test(hash, golden_values) {
    cr_assert(eq(u64, hash64_text(""), 0xf52a15e9a9b5e89bu));
    cr_assert(eq(u64, hash64_add(HASH64_START, "a", 1), 0xaf63dc4c8601ec8cu));
    cr_assert(eq(u64, hash64_add(HASH64_START, "foobar", 6), 0x85944171f73967e8u));
    cr_assert(eq(u64, hash64_text("foobar"), hash64_finish(0x85944171f73967e8u)));
}

/* Output k of splitmix64 from seed 0 is the mixer of k times the golden gamma (Vigna's reference code). */
Test(hash, the_mixer_is_that_of_splitmix64) {
    cr_assert(eq(u64, hash64_finish(0x9e3779b97f4a7c15u), 0xe220a8397b1dcdafu));
    cr_assert(eq(u64, hash64_finish(2 * 0x9e3779b97f4a7c15u), 0x6e789e6aa1b965f4u));
    cr_assert(eq(u64, hash64_finish(0), 0));
}

Test(hash, bytes_may_come_in_pieces) {
    const uint64_t pieces = hash64_add(hash64_add(HASH64_START, "foo", 3), "bar", 3);
    cr_assert(eq(u64, pieces, hash64_add(HASH64_START, "foobar", 6)));
    cr_assert(eq(u64, hash64_add(pieces, "", 0), pieces));
}

Test(hash, zero_bytes_and_order_count) {
    const char zeros[2] = {0};
    cr_assert(ne(u64, hash64_add(HASH64_START, zeros, 1), HASH64_START));
    cr_assert(ne(u64, hash64_add(HASH64_START, zeros, 1), hash64_add(HASH64_START, zeros, 2)));
    cr_assert(ne(u64, hash64_text("ab"), hash64_text("ba")));
}
