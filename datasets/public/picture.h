/* One grey picture of any size: read from a JPEG or PNG file, cut, resized. */
#ifndef DATASETS_PUBLIC_PICTURE_H
#define DATASETS_PUBLIC_PICTURE_H

#include "lib/base/error.h"

#include <stddef.h>

enum { PICTURE_MAX_SIDE = 4096 };

typedef struct {
    size_t height, width;
    unsigned char *pixels; /* [height][width], owned */
} picture;

/* Reads a .jpg or .png file by its ending (either case) as grey: JPEG luma; PNG grey, 8 bit (other kinds are
   converted; colour to luma (299 R + 587 G + 114 B + 500) / 1000). Refuses with LB_FORMAT, naming the file: a file that
   is missing or damaged in any way, and sides of 0 or above PICTURE_MAX_SIDE. Free with picture_free, which is safe
   after a failure. */
int picture_read(const char *path, picture *out, lb_error *error);
void picture_free(picture *p);

/* Resizes the rectangle [top, top+height) x [left, left+width) of `from`, which lies inside it, to out[to_height]
   [to_width]: where it shrinks, the mean over the area that a pixel covers; where it grows, linear between pixel
   centres, edges repeated. Each axis by itself, rows first, in double with a fixed order, rounded half up. */
int picture_resize(const picture *from, size_t top, size_t left, size_t height, size_t width, size_t to_height,
                   size_t to_width, unsigned char *out, lb_error *error);

/* Reads a picture and resizes the whole of it. */
int picture_read_resized(const char *path, size_t height, size_t width, unsigned char *out, lb_error *error);

/* Sets every byte to 255 where it is above `level`, else 0. */
void picture_binarise(unsigned char *pixels, size_t n, unsigned char level);

#endif
