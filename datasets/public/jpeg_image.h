/* One JPEG file as bytes, by libjpeg-turbo. */
#ifndef DATASETS_PUBLIC_JPEG_IMAGE_H
#define DATASETS_PUBLIC_JPEG_IMAGE_H

#include "lib/base/error.h"

#include <stddef.h>

/* Reads `path` into pixels[height][width][channels], channels 1 (luma) or 3 (RGB). A picture of another size, and
   anything that libjpeg would mend with a warning (a file cut short, a damaged block), is refused with LB_FORMAT.
   The same bytes for every libjpeg-turbo: the integer transform is pinned. */
int jpeg_image_read(const char *path, size_t height, size_t width, size_t channels, unsigned char *pixels,
                    lb_error *error);

/* The same for a picture of any size with sides of 1 to most_side; others are refused with LB_FORMAT. *pixels
   [*height][*width][channels] is the caller's to free; NULL after a failure. */
int jpeg_image_read_any(const char *path, size_t channels, size_t most_side, unsigned char **pixels, size_t *height,
                        size_t *width, lb_error *error);

#endif
