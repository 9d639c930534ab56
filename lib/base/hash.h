/* A 64-bit identity hash: FNV-1a over bytes, finished with the splitmix64 mixer. For names, seeds and contents,
   never for security; downloads are checked with SHA-256. Golden value: hash64 of "" is 0xf52a15e9a9b5e89b. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH64_START 0xcbf29ce484222325u

/* Running state: start with HASH64_START, add bytes, finish once. */
uint64_t hash64_add(uint64_t state, const void *bytes, size_t size);
uint64_t hash64_finish(uint64_t state);

/* hash64_finish(hash64_add(HASH64_START, text, strlen(text))) */
uint64_t hash64_text(const char *text);

#endif
