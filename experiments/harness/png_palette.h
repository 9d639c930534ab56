/* Line drawings as small PNGs: 256 colours in place of 16 million, a quarter of the bytes. */
#ifndef HARNESS_PNG_PALETTE_H
#define HARNESS_PNG_PALETTE_H

#include "lib/base/error.h"

/* Writes the PNG anew with its most frequent colours, each pixel in the nearest of them. A failure leaves the file as
   it was. */
int png_palette(const char *path, lb_error *error);

#endif
