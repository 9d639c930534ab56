/* A malloc that fails on the Nth call, after Lua's ltests: include it in one test file and loop

       for (long n = 0; n < allocations; n++) { fail_malloc_after(n); ...; fail_malloc_after(-1); check }

   Replaces malloc of the whole test program, so arm it only around the call under test. A sanitizer has a malloc of its
   own; under one, FAILING_MALLOC is 0 and the test should skip. */
#ifndef TESTS_FAILING_MALLOC_H
#define TESTS_FAILING_MALLOC_H

#include <stdlib.h> /* also defines __GLIBC__ */

#if defined(__SANITIZE_ADDRESS__)
#define FAILING_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FAILING_MALLOC 0
#endif
#endif
#ifndef FAILING_MALLOC
#ifdef __GLIBC__
#define FAILING_MALLOC 1
#else
#define FAILING_MALLOC 0
#endif
#endif

#if FAILING_MALLOC
extern void *__libc_malloc(size_t size);
void *malloc(size_t size);

static volatile long calls_before_failure = -1;

void *malloc(size_t size) {
    if (calls_before_failure >= 0 && calls_before_failure-- == 0) return NULL;
    return __libc_malloc(size);
}

/* The next n calls succeed, the one after them fails; -1: none fails. */
static void fail_malloc_after(long n) { calls_before_failure = n; }
#endif

#endif
