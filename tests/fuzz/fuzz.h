/* What the fuzz targets share. A target is one file fuzz_NAME.c with LLVMFuzzerTestOneInput; linked with libFuzzer it
   searches (tests/fuzz/run NAME SECONDS), linked with replay.c it tries the files it is given (tests/fuzz/run
   --corpus). A promise that does not hold ends in abort(), which either way names the input. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "lib/base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define fuzz_require(condition, ...)                                                                                   \
    do {                                                                                                               \
        if (condition) break;                                                                                          \
        fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                                                \
        fprintf(stderr, __VA_ARGS__);                                                                                  \
        fprintf(stderr, "\n");                                                                                         \
        abort();                                                                                                       \
    } while (0)

/* A refusal has a code and a sentence. */
static inline void fuzz_require_sentence(int code, const lb_error *error, const char *what) {
    fuzz_require(code == (int)error->code && strlen(error->message) > 8 && !strchr(error->message, '\n'),
                 "%s: code %d, error %d '%s'", what, code, (int)error->code, error->message);
}

/* Memory of exactly this size, so that a sanitizer sees every step outside. */
static inline void *fuzz_room(size_t bytes) {
    void *room = malloc(bytes ? bytes : 1);
    if (!room) abort();
    memset(room, 0xa5, bytes ? bytes : 1);
    return room;
}

/* --- the input as numbers ----------------------------------------------------------------------------------------- */

/* Bytes of the input one after the other; behind its end, noise that depends on what was read, so that short inputs
   describe large batches. */
typedef struct {
    const uint8_t *at, *end;
    uint32_t noise;
} fuzz_bytes;

static inline uint32_t fuzz_hash(uint32_t a, uint32_t b) {
    uint32_t x = a * 2654435761u ^ (b + 1) * 2246822519u;
    x ^= x >> 15;
    x *= 2246822519u;
    x ^= x >> 13;
    x *= 3266489917u;
    return x ^ x >> 16;
}

static inline unsigned fuzz_byte(fuzz_bytes *b) {
    b->noise = fuzz_hash(b->noise, b->at < b->end ? *b->at : 0);
    return b->at < b->end ? *b->at++ : b->noise & 255u;
}

/* 0 .. n-1 */
static inline size_t fuzz_below(fuzz_bytes *b, size_t n) { return fuzz_byte(b) % n; }

static inline uint32_t fuzz_word(fuzz_bytes *b) {
    uint32_t word = 0;
    for (int i = 0; i < 4; i++) word = word << 8 | fuzz_byte(b);
    return word;
}

/* 0 .. 1 */
static inline double fuzz_unit(uint32_t hash) { return (double)(hash >> 8) / 16777215; }

#endif
