/* Panels in rows and columns: small pictures of equal size, enlarged by whole pixels into one raster. */
#ifndef HARNESS_PANELS_H
#define HARNESS_PANELS_H

#include "lib/base/error.h"

#include <stddef.h>

enum { PANEL_GAP = 14 }; /* raster pixels between panels and around them: room for the frames */

typedef struct {
    unsigned char *rgb;   /* [height][width][3], owned */
    size_t width, height; /* of the raster */
    size_t image_height, image_width, zoom;
} panels;

/* White paper for rows x columns panels, enlarged to a longer side of about `side`. Free with panels_free. */
int panels_new(panels *p, size_t rows, size_t columns, size_t image_height, size_t image_width, size_t side,
               lb_error *error);
void panels_free(panels *p);

/* picture is [image_height][image_width][3]. */
void panels_draw(panels *p, size_t row, size_t column, const unsigned char *picture);

/* A line around the pixels that are inside: it lies outside them, so that they stay visible.
   inside is [image_height][image_width], non-zero = inside. */
void panels_outline(panels *p, size_t row, size_t column, const unsigned char *inside);

/* A frame around the panel. */
void panels_frame(panels *p, size_t row, size_t column);

/* The raster as gnuplot reads it, in a new file; `path` is a template for mkstemp. */
int panels_write(const panels *p, char *path, lb_error *error);

/* Panel's left upper corner and size, in raster pixels. */
size_t panels_left(const panels *p, size_t column);
size_t panels_top(const panels *p, size_t row);
size_t panels_panel_width(const panels *p);
size_t panels_panel_height(const panels *p);

#endif
