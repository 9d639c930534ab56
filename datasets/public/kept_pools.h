/* What an importer has read stays in memory, one pool for each directory and value of its parameter, until `forget`.
   Not thread-safe: one thread opens data sets. */
#ifndef DATASETS_PUBLIC_KEPT_POOLS_H
#define DATASETS_PUBLIC_KEPT_POOLS_H

#include "datasets/public/pack.h"

typedef struct kept_pool kept_pool;

/* One per importer, static. */
typedef struct {
    const char *name, *marker; /* as pack_find wants them */
    /* Reads the pack into *out, which is empty; whatever *out holds after a failure is freed. */
    int (*read)(const char *directory, size_t value, image_pool *out, lb_error *error);
    kept_pool *first;
} kept_pools;

/* *out is the pool, read now or before; it stays ours. */
int kept_pools_get(kept_pools *k, size_t value, const char *search, const image_pool **out, lb_error *error);
void kept_pools_forget(kept_pools *k);

#endif
