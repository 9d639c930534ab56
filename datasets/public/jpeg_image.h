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

#endif
