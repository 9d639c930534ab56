/* What importers of public packs share: finding a pack, and a pack of images with masks that is read once. */
#ifndef DATASETS_PUBLIC_PACK_H
#define DATASETS_PUBLIC_PACK_H

#include "datasets/dataset.h"

enum { PACK_PATH = 1024 };

/* The first directory of `search` (separated by ':'), or its folder `name`, in which the path `marker` exists, into
   directory[PACK_PATH]. LB_NOT_FOUND with the remedy when there is none. */
int pack_find(const char *name, const char *marker, const char *search, char *directory, lb_error *error);

/* A collection of images of one size with masks, as an importer builds it. Items hold pixels, masks, types, parts. */
typedef struct {
    size_t height, width;
    dataset_items items;
    unsigned char *usable;        /* [items.count], 0: left out */
    size_t duplicates, conflicts; /* as split_drop_duplicates counts them */
    size_t vanished;              /* defects whose mask has no pixel left at this size, left out */
    size_t empty;                 /* defects whose mask is empty in the source, left out */
    size_t between; /* tiles with too few defect pixels to be a defect and too many to be good, left out */
} mask_pool;

/* Makes room for `count` items; the caller fills them. */
int mask_pool_allocate(mask_pool *p, size_t height, size_t width, size_t count, lb_error *error);
void mask_pool_free(mask_pool *p);

/* Marks copies: call once all items are filled and `usable` says what is left out already. */
int mask_pool_finish(mask_pool *p, lb_error *error);

/* "content=<hash>" over part, type, pixels and mask of the usable items, in order. */
int mask_pool_identify(const mask_pool *p, char *out, size_t size, lb_error *error);

/* Splits by part (split_collection) into `out` with masks and, if wanted, boxes around them. */
int mask_pool_open(const mask_pool *p, const char *name, const char *const *type_names, const dataset_request *request,
                   dataset *out, lb_error *error);

#endif
