/* What importers of public packs share: finding a pack, and a pack of images that is read once. */
#ifndef DATASETS_PUBLIC_PACK_H
#define DATASETS_PUBLIC_PACK_H

#include "datasets/dataset.h"

enum { PACK_PATH = 1024 };

/* The first directory of `search` (separated by ':'), or its folder `name`, in which the path `marker` exists, into
   directory[PACK_PATH]. LB_NOT_FOUND with the remedy when there is none. */
int pack_find(const char *name, const char *marker, const char *search, char *directory, lb_error *error);

/* A collection of images of one size, as an importer builds it. Items hold pixels, types, parts, and what the pool was
   allocated for: masks, boxes (sorted by item; those of items that are left out are skipped). The counts are handed on
   to the data set, which says what they mean. */
typedef struct {
    size_t height, width;
    dataset_items items;
    unsigned char *usable;        /* [items.count], 0: left out */
    size_t duplicates, conflicts; /* as split_drop_duplicates counts them */
    size_t vanished, empty, between, absent, cut, bad_boxes, unmarked;
} image_pool;

/* Makes room for `count` items with what `want` says they have (DATASET_MASKS | DATASET_BOXES), and for `boxes` boxes.
   The caller fills them: items.box_count starts at 0 and grows as boxes are added, item by item. */
int image_pool_allocate(image_pool *p, size_t height, size_t width, size_t count, unsigned want, size_t boxes,
                        lb_error *error);
void image_pool_free(image_pool *p);

/* Refuses a side that is no multiple of `step`: parameter `what` of data set `name`. */
int check_step(const char *name, const char *what, size_t side, size_t step, lb_error *error);

/* Marks copies: call once all items are filled and `usable` says what is left out already. */
int image_pool_finish(image_pool *p, lb_error *error);

/* "content=<hash>" over part, type, pixels, mask and boxes of the usable items, in order. */
int image_pool_identify(const image_pool *p, char *out, size_t size, lb_error *error);

/* Splits (split_collection: by part, or as `given`) into `out`, with the masks and boxes that are wanted and that the
   pool has; a pool that has masks alone gives boxes around them. */
int image_pool_open(const image_pool *p, const char *name, const char *const *type_names, const unsigned char *given,
                    const dataset_request *request, dataset *out, lb_error *error);

#endif
