/* Colours are counted in cells of 8 x 8 x 8 levels; the fullest cells give the palette, each the mean of its
   colours. Lines, text and paper fill few cells, and what is lost is in the soft edges between them. */
#include "experiments/harness/png_palette.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CELLS = 32 * 32 * 32, COLOURS = 256 };

typedef struct {
    size_t count, sum[3];
    int number;           /* of the cell */
    unsigned char colour; /* its place in the palette */
} cell;

static size_t cell_of(const png_byte *rgb) {
    return (size_t)(rgb[0] >> 3) << 10 | (size_t)(rgb[1] >> 3) << 5 | (size_t)(rgb[2] >> 3);
}

static void count_colours(const png_byte *pixels, size_t n, cell *cells) {
    for (size_t i = 0; i < CELLS; i++) cells[i] = (cell){.number = (int)i};
    for (const png_byte *rgb = pixels; rgb < pixels + 3 * n; rgb += 3) {
        cell *c = &cells[cell_of(rgb)];
        c->count++;
        for (int k = 0; k < 3; k++) c->sum[k] += rgb[k];
    }
}

static int fullest_first(const void *a, const void *b) {
    const cell *x = a, *y = b;
    if (x->count != y->count) return x->count < y->count ? 1 : -1;
    return x->number - y->number;
}

static int distance(const png_byte *a, const png_byte *b) {
    int sum = 0;
    for (int k = 0; k < 3; k++) sum += (a[k] - b[k]) * (a[k] - b[k]);
    return sum;
}

static unsigned char nearest(const png_byte (*palette)[3], size_t colours, const png_byte *rgb) {
    size_t best = 0;
    for (size_t i = 1; i < colours; i++)
        if (distance(palette[i], rgb) < distance(palette[best], rgb)) best = i;
    return (unsigned char)best;
}

/* Sorts the cells; gives each that is not empty its colour. Returns the number of colours. */
static size_t choose_colours(cell *cells, png_byte (*palette)[3]) {
    size_t colours = 0;
    qsort(cells, CELLS, sizeof *cells, fullest_first);
    for (size_t i = 0; i < CELLS && cells[i].count; i++) {
        png_byte mean[3];
        for (int k = 0; k < 3; k++) mean[k] = (png_byte)((cells[i].sum[k] + cells[i].count / 2) / cells[i].count);
        if (colours < COLOURS) {
            for (int k = 0; k < 3; k++) palette[colours][k] = mean[k];
            cells[i].colour = (unsigned char)colours++;
        } else {
            cells[i].colour = nearest((const png_byte(*)[3])palette, colours, mean);
        }
    }
    return colours;
}

/* From three bytes a pixel to one, in place. */
static void replace_colours(png_byte *pixels, size_t n, const cell *cells, unsigned char *colour_of) {
    for (size_t i = 0; i < CELLS; i++) colour_of[cells[i].number] = cells[i].colour;
    for (size_t i = 0; i < n; i++) pixels[i] = colour_of[cell_of(pixels + 3 * i)];
}

static int write_indexed(png_image *image, const char *path, const png_byte *pixels, const png_byte *palette) {
    char part[4096];
    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part) return 0;
    if (png_image_write_to_file(image, part, 0, pixels, 0, palette) && rename(part, path) == 0) return 1;
    unlink(part);
    return 0;
}

/* Reads the picture as three bytes a pixel; NULL on failure, which `error` says. */
static png_byte *read_pixels(png_image *image, const char *path, lb_error *error) {
    png_byte *pixels = NULL;
    if (png_image_begin_read_from_file(image, path)) {
        image->format = PNG_FORMAT_RGB;
        if (!(pixels = malloc(PNG_IMAGE_SIZE(*image)))) {
            lb_fail_memory(error, "a picture");
            return NULL;
        }
        if (png_image_finish_read(image, NULL, pixels, 0, NULL)) return pixels;
    }
    free(pixels);
    lb_fail(error, LB_FORMAT, "cannot read %s: %s", path, image->message);
    return NULL;
}

int png_palette(const char *path, lb_error *error) {
    png_byte palette[COLOURS][3];
    lb_error why = {.code = LB_OK};
    png_image image = {.version = PNG_IMAGE_VERSION};
    png_byte *const pixels = read_pixels(&image, path, &why), *const colour_of = malloc(CELLS);
    cell *const cells = malloc(CELLS * sizeof *cells);
    if (pixels && cells && colour_of) {
        const size_t n = (size_t)image.width * image.height;
        count_colours(pixels, n, cells);
        image.colormap_entries = (png_uint_32)choose_colours(cells, palette);
        replace_colours(pixels, n, cells, colour_of);
        image.format = PNG_FORMAT_RGB_COLORMAP;
        if (!write_indexed(&image, path, pixels, palette[0]))
            lb_fail(&why, LB_IO, "cannot write %s: %s", path, image.message);
    } else if (pixels) {
        lb_fail_memory(&why, "the colours of a picture");
    }
    png_image_free(&image);
    free(pixels);
    free(colour_of);
    free(cells);
    return why.code ? lb_fail(error, why.code, "%s", why.message) : LB_OK;
}
