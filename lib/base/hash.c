#include "lib/base/hash.h"

#include <string.h>

uint64_t hash64_add(uint64_t state, const void *bytes, size_t size) {
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < size; i++) state = (state ^ byte[i]) * 0x100000001b3u;
    return state;
}

uint64_t hash64_finish(uint64_t state) {
    state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9u;
    state = (state ^ (state >> 27)) * 0x94d049bb133111ebu;
    return state ^ (state >> 31);
}

uint64_t hash64_text(const char *text) { return hash64_finish(hash64_add(HASH64_START, text, strlen(text))); }
