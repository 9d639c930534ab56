#include "datasets/public/kept_pools.h"

#include <stdlib.h>
#include <string.h>

struct kept_pool {
    kept_pool *next;
    char directory[PACK_PATH];
    size_t value;
    image_pool pool;
};

static kept_pool *find(const kept_pools *k, const char *directory, size_t value) {
    kept_pool *at = k->first;
    while (at && (at->value != value || strcmp(at->directory, directory) != 0)) at = at->next;
    return at;
}

static int read_new(kept_pools *k, const char *directory, size_t value, lb_error *error) {
    kept_pool *fresh = calloc(1, sizeof *fresh);
    if (!fresh) return lb_fail_memory(error, "a data set");
    memcpy(fresh->directory, directory, strlen(directory) + 1);
    fresh->value = value;
    const int code = k->read(directory, value, &fresh->pool, error);
    if (code) {
        image_pool_free(&fresh->pool);
        free(fresh);
        return code;
    }
    fresh->next = k->first;
    k->first = fresh;
    return LB_OK;
}

int kept_pools_get(kept_pools *k, size_t value, const char *search, const image_pool **out, lb_error *error) {
    char directory[PACK_PATH];
    int code = pack_find(k->name, k->marker, search, directory, error);
    if (!code && !find(k, directory, value)) code = read_new(k, directory, value, error);
    *out = code ? NULL : &find(k, directory, value)->pool;
    return code;
}

void kept_pools_forget(kept_pools *k) {
    for (kept_pool *at = k->first, *next; at; at = next) {
        next = at->next;
        image_pool_free(&at->pool);
        free(at);
    }
    k->first = NULL;
}
