#include "experiments/harness/panels.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FRAME_AT = 3, FRAME = 3, OUTLINE = 2, PAPER = 255 };

/* Okabe-Ito orange and blue: neither is met in the panels, which are grey, and they stay apart for all readers. */
static const unsigned char outline_hue[3] = {0xE6, 0x9F, 0x00}, frame_hue[3] = {0x00, 0x72, 0xB2};
static const unsigned char edge_grey[3] = {0xAA, 0xAA, 0xAA};

size_t panels_panel_width(const panels *p) { return p->image_width * p->zoom; }
size_t panels_panel_height(const panels *p) { return p->image_height * p->zoom; }
size_t panels_left(const panels *p, size_t column) { return PANEL_GAP + column * (panels_panel_width(p) + PANEL_GAP); }
size_t panels_top(const panels *p, size_t row) { return PANEL_GAP + row * (panels_panel_height(p) + PANEL_GAP); }

static size_t zoom_of(size_t height, size_t width, size_t target) {
    const size_t side = height > width ? height : width, zoom = (target + side / 2) / side;
    return zoom ? zoom : 1;
}

int panels_new(panels *p, size_t rows, size_t columns, size_t image_height, size_t image_width, size_t side,
               lb_error *error) {
    *p = (panels){
        .image_height = image_height, .image_width = image_width, .zoom = zoom_of(image_height, image_width, side)};
    p->width = panels_left(p, columns);
    p->height = panels_top(p, rows);
    p->rgb = malloc(3 * p->width * p->height);
    if (!p->rgb) return lb_fail_memory(error, "a sheet of pictures");
    memset(p->rgb, PAPER, 3 * p->width * p->height);
    return LB_OK;
}

void panels_free(panels *p) {
    free(p->rgb);
    *p = (panels){0};
}

int panels_write(const panels *p, char *path, lb_error *error) {
    const int file = mkstemp(path);
    FILE *f = file < 0 ? NULL : fdopen(file, "wb");
    if (!f) return lb_fail(error, LB_IO, "cannot write '%s': %s", path, strerror(errno));
    const int written = fwrite(p->rgb, 3 * p->width, p->height, f) == p->height;
    if (fclose(f) == 0 && written) return LB_OK;
    unlink(path);
    return lb_fail(error, LB_IO, "cannot write '%s': free some space", path);
}

static void put(panels *p, size_t x, size_t y, const unsigned char *hue) {
    memcpy(p->rgb + 3 * (y * p->width + x), hue, 3);
}

/* A frame of that thickness, its inner side `distance` from the panel. */
static void frame(panels *p, size_t row, size_t column, size_t distance, size_t thickness, const unsigned char *hue) {
    const size_t out = distance + thickness, left = panels_left(p, column) - out, top = panels_top(p, row) - out;
    const size_t width = panels_panel_width(p) + 2 * out, height = panels_panel_height(p) + 2 * out;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++)
            if (x < thickness || y < thickness || x >= width - thickness || y >= height - thickness)
                put(p, left + x, top + y, hue);
}

void panels_frame(panels *p, size_t row, size_t column) { frame(p, row, column, FRAME_AT, FRAME, frame_hue); }

void panels_draw(panels *p, size_t row, size_t column, const unsigned char *picture) {
    const size_t left = panels_left(p, column), top = panels_top(p, row);
    for (size_t y = 0; y < panels_panel_height(p); y++)
        for (size_t x = 0; x < panels_panel_width(p); x++)
            put(p, left + x, top + y, picture + 3 * (y / p->zoom * p->image_width + x / p->zoom));
    frame(p, row, column, 0, 1, edge_grey);
}

/* Coordinates are shifted by OUTLINE, so that none is negative. */
static int is_inside(const panels *p, const unsigned char *inside, size_t x, size_t y) {
    if (x < OUTLINE || y < OUTLINE) return 0;
    const size_t column = (x - OUTLINE) / p->zoom, row = (y - OUTLINE) / p->zoom;
    return column < p->image_width && row < p->image_height && inside[row * p->image_width + column];
}

static int is_near(const panels *p, const unsigned char *inside, size_t x, size_t y) {
    const size_t from_x = x < OUTLINE ? 0 : x - OUTLINE, from_y = y < OUTLINE ? 0 : y - OUTLINE;
    for (size_t v = from_y; v <= y + OUTLINE; v++)
        for (size_t u = from_x; u <= x + OUTLINE; u++)
            if (is_inside(p, inside, u, v)) return 1;
    return 0;
}

void panels_outline(panels *p, size_t row, size_t column, const unsigned char *inside) {
    const size_t left = panels_left(p, column) - OUTLINE, top = panels_top(p, row) - OUTLINE;
    for (size_t y = 0; y < panels_panel_height(p) + 2 * OUTLINE; y++)
        for (size_t x = 0; x < panels_panel_width(p) + 2 * OUTLINE; x++)
            if (!is_inside(p, inside, x, y) && is_near(p, inside, x, y)) put(p, left + x, top + y, outline_hue);
}
