/* Multi-page TIFF through libtiff: 8 bit, grey or RGB, all pages of one size. One thread at a time: up to libtiff 4.4
   the error handlers belong to the process; they are put back after each call. */
#ifndef DATASETS_TIFF_PAGES_H
#define DATASETS_TIFF_PAGES_H

#include "lib/base/error.h"

#include <stddef.h>

/* Larger files are refused. */
enum { TIFF_PAGES_MAX_SIDE = 4096, TIFF_PAGES_MAX_COUNT = 1000000 };
#define TIFF_PAGES_MAX_BYTES ((size_t)2 << 30)

typedef struct {
    size_t count, height, width, channels; /* channels 1 or 3 */
} tiff_shape;

/* *pixels receives [count][height][width][channels]; free it. Any compression libtiff knows; strips only, no palette.
   LB_NOT_FOUND when there is no file, LB_FORMAT with libtiff's reason when it is damaged. A file cut within the link to
   its next page reads as a shorter one: compare the count. */
int tiff_pages_read(const char *path, tiff_shape *shape, unsigned char **pixels, lb_error *error);

/* Deflate, one strip per page; `page_at` gives page i as [height][width][channels]. The first page carries the
   description by which ImageJ takes the file for a stack. Equal pages, equal bytes (for one libtiff and zlib). Written
   beside and renamed. */
int tiff_pages_write(const char *path, const tiff_shape *shape,
                     const unsigned char *(*page_at)(const void *context, size_t i), const void *context,
                     lb_error *error);

#endif
