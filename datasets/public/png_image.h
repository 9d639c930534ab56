/* One PNG file as grey bytes, by libpng. */
#ifndef DATASETS_PUBLIC_PNG_IMAGE_H
#define DATASETS_PUBLIC_PNG_IMAGE_H

#include "lib/base/error.h"

#include <stddef.h>

/* Reads `path` as grey, 8 bit: palettes and colour become luma (299 R + 587 G + 114 B + 500) / 1000, 16 bits are scaled
   to 8, transparency and colour profiles are ignored. Sides outside 1 to most_side, and anything that libpng would mend
   with a warning, are refused with LB_FORMAT. *pixels [*height][*width] is the caller's to free; NULL after a failure.
 */
int png_image_read_any(const char *path, size_t most_side, unsigned char **pixels, size_t *height, size_t *width,
                       lb_error *error);

#endif
