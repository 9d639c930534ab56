#include "datasets/contact_sheet.h"

#include "datasets/items.h"

#include <errno.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 8, ROWS = 6, SHOWN = COLUMNS * ROWS, TARGET_SIDE = 96, BORDER = 2, GAP = 24, PAPER = 255 };

typedef struct {
    unsigned char *rgb;
    size_t width, height, zoom;
} canvas;

/* Whole enlargement that brings the shorter side near TARGET_SIDE. */
static size_t zoom_of(const dataset *d) {
    const size_t side = d->height < d->width ? d->height : d->width, zoom = (TARGET_SIDE + side / 2) / side;
    return zoom ? zoom : 1;
}

unsigned char dataset_shade(const dataset_items *set, size_t index) {
    if (set->pixels) return set->pixels[index];
    const float x = (set->values[index] + 3) * (255.0f / 6);
    return (unsigned char)(x > 0 ? (x < 255 ? x : 255) : 0); /* also for NaN */
}

static void draw_item(canvas *c, const dataset *d, size_t item, size_t left, size_t top) {
    const dataset_items *set = &d->sets[SET_TEST];
    for (size_t y = 0; y < d->height * c->zoom; y++)
        for (size_t x = 0; x < d->width * c->zoom; x++) {
            const size_t pixel = (item * d->height + y / c->zoom) * d->width + x / c->zoom;
            unsigned char *to = c->rgb + 3 * ((top + y) * c->width + left + x);
            for (size_t k = 0; k < 3; k++) to[k] = dataset_shade(set, pixel * d->channels + (d->channels >= 3 ? k : 0));
        }
}

static void draw_block(canvas *c, const dataset *d, const uint32_t *items, size_t count, size_t left) {
    for (size_t i = 0; i < count; i++)
        draw_item(c, d, items[i], left + i % COLUMNS * (d->width * c->zoom + BORDER),
                  BORDER + i / COLUMNS * (d->height * c->zoom + BORDER));
}

static int has_type(const dataset_items *set, uint16_t type) {
    for (size_t i = set->goods; i < set->count; i++)
        if (set->types[i] == type) return 1;
    return 0;
}

/* The first defects of each type, as many of one as of another. */
static size_t choose_defects(const dataset *d, uint32_t out[SHOWN]) {
    const dataset_items *set = &d->sets[SET_TEST];
    size_t types = 0, count = 0, left;
    for (uint16_t type = 1; d->type_names[type]; type++) types += (size_t)has_type(set, type);
    for (uint16_t type = 1; d->type_names[type]; type++) {
        if (!has_type(set, type)) continue;
        left = (SHOWN - count) / types--;
        for (size_t i = set->goods; i < set->count && left > 0; i++)
            if (set->types[i] == type) {
                out[count++] = (uint32_t)i;
                left--;
            }
    }
    return count;
}

static int draw_sheet(const dataset *d, canvas *c, lb_error *error) {
    uint32_t goods[SHOWN], defects[SHOWN];
    const dataset_items *set = &d->sets[SET_TEST];
    const size_t good_count = set->goods < SHOWN ? set->goods : SHOWN;
    c->zoom = zoom_of(d);
    const size_t block = COLUMNS * (d->width * c->zoom + BORDER) - BORDER;
    const size_t left = BORDER + (good_count ? block + GAP : 0); /* of the defects */
    c->width = left + block + BORDER;
    c->height = ROWS * (d->height * c->zoom + BORDER) + BORDER;
    c->rgb = malloc(3 * c->width * c->height);
    if (!c->rgb) return lb_fail_memory(error, "a contact sheet");
    memset(c->rgb, PAPER, 3 * c->width * c->height);
    for (size_t i = 0; i < good_count; i++) goods[i] = (uint32_t)i;
    draw_block(c, d, goods, good_count, BORDER);
    draw_block(c, d, defects, choose_defects(d, defects), left);
    return LB_OK;
}

/* --- PNG --- */

static void on_png_error(png_structp png, png_const_charp message) {
    snprintf(png_get_error_ptr(png), 200, "%s", message);
    png_longjmp(png, 1);
}

static void on_png_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

/* libpng returns to setjmp on error. */
static int encode(FILE *file, const canvas *c, char reason[200]) {
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, reason, on_png_error, on_png_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info || setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        return 0;
    }
    png_init_io(png, file);
    png_set_IHDR(png, info, (png_uint_32)c->width, (png_uint_32)c->height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, 9);
    png_write_info(png, info);
    for (size_t y = 0; y < c->height; y++) png_write_row(png, c->rgb + 3 * c->width * y);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    return 1;
}

static int write_png(const char *path, const canvas *c, lb_error *error) {
    char part[4096], reason[200] = "out of memory";
    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part)
        return lb_fail(error, LB_INVALID, "the path '%.60s...' is too long", path);
    FILE *file = fopen(part, "wb");
    if (!file) return lb_fail(error, LB_IO, "cannot write '%.300s': %s; choose a writable OUT", part, strerror(errno));
    int written = encode(file, c, reason);
    if (fclose(file) && written) {
        snprintf(reason, sizeof reason, "%s", strerror(errno));
        written = 0;
    }
    if (written && rename(part, path) == 0) return LB_OK;
    if (written) snprintf(reason, sizeof reason, "%s", strerror(errno));
    remove(part);
    return lb_fail(error, LB_IO, "cannot write '%.300s': %s; free some space or choose another OUT", path, reason);
}

int dataset_contact_sheet(const dataset *d, const char *path, lb_error *error) {
    canvas c = {0};
    int code = draw_sheet(d, &c, error);
    if (!code) code = write_png(path, &c, error);
    free(c.rgb);
    return code;
}
