#include "datasets/public/picture.h"

#include "datasets/public/jpeg_image.h"
#include "datasets/public/png_image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- reading --- */

int picture_read(const char *path, picture *out, lb_error *error) {
    const size_t length = strlen(path);
    const char *ending = length < 4 ? "" : path + length - 4;
    *out = (picture){0};
    if (strcasecmp(ending, ".jpg") == 0)
        return jpeg_image_read_any(path, 1, PICTURE_MAX_SIDE, &out->pixels, &out->height, &out->width, error);
    if (strcasecmp(ending, ".png") == 0)
        return png_image_read_any(path, PICTURE_MAX_SIDE, &out->pixels, &out->height, &out->width, error);
    return lb_fail(error, LB_FORMAT, "'%.300s' ends neither in .jpg nor in .png; other pictures are not read", path);
}

void picture_free(picture *p) {
    free(p->pixels);
    *p = (picture){0};
}

/* --- resizing --- */

/* The mean of line[from] over the part that pixel k of `to` < `from` covers. In units of 1/to source pixels: pixel k is
   [k from, (k+1) from), source pixel i is [i to, (i+1) to), so that all weights are whole numbers. */
static double mean_covered(const double *line, size_t stride, size_t from, size_t to, size_t k) {
    const size_t begin = k * from, end = begin + from;
    double sum = 0;
    for (size_t i = begin / to; i * to < end; i++) {
        const size_t low = i * to > begin ? i * to : begin, high = (i + 1) * to < end ? (i + 1) * to : end;
        sum += (double)(high - low) * line[i * stride];
    }
    return sum / (double)from;
}

/* line[from] at the centre of pixel k of `to` >= `from`: (k + 1/2) from / to - 1/2, in units of 1 / (2 to). */
static double linear_between(const double *line, size_t stride, size_t from, size_t to, size_t k) {
    const size_t centre = (2 * k + 1) * from, unit = 2 * to;
    if (centre <= to) return line[0];
    const size_t i = (centre - to) / unit, rest = (centre - to) % unit;
    if (i + 1 >= from) return line[(from - 1) * stride];
    return ((double)(unit - rest) * line[i * stride] + (double)rest * line[(i + 1) * stride]) / (double)unit;
}

static double resampled(const double *line, size_t stride, size_t from, size_t to, size_t k) {
    return to < from ? mean_covered(line, stride, from, to, k) : linear_between(line, stride, from, to, k);
}

/* narrow is [height][to_width]; line is room for [width]. */
static void resize_rows(const picture *from, size_t top, size_t left, size_t height, size_t width, size_t to_width,
                        double *line, double *narrow) {
    for (size_t y = 0; y < height; y++) {
        const unsigned char *row = from->pixels + (top + y) * from->width + left;
        for (size_t x = 0; x < width; x++) line[x] = row[x];
        for (size_t x = 0; x < to_width; x++) narrow[y * to_width + x] = resampled(line, 1, width, to_width, x);
    }
}

static void resize_columns(const double *narrow, size_t height, size_t to_height, size_t to_width, unsigned char *out) {
    for (size_t y = 0; y < to_height; y++)
        for (size_t x = 0; x < to_width; x++)
            out[y * to_width + x] = (unsigned char)floor(resampled(narrow + x, to_width, height, to_height, y) + 0.5);
}

int picture_resize(const picture *from, size_t top, size_t left, size_t height, size_t width, size_t to_height,
                   size_t to_width, unsigned char *out, lb_error *error) {
    if (height == 0 || width == 0 || to_height == 0 || to_width == 0 || top > from->height || left > from->width ||
        height > from->height - top || width > from->width - left)
        return lb_fail(error, LB_INVALID,
                       "cannot resize %zu x %zu pixels at (%zu, %zu) of a picture of %zu x %zu to %zu x %zu "
                       "(width x height); the rectangle must lie inside and no side may be 0",
                       width, height, left, top, from->width, from->height, to_width, to_height);
    double *line = malloc((width + height * to_width) * sizeof *line);
    if (!line) return lb_fail_memory(error, "a resized picture");
    double *narrow = line + width;
    resize_rows(from, top, left, height, width, to_width, line, narrow);
    resize_columns(narrow, height, to_height, to_width, out);
    free(line);
    return LB_OK;
}

int picture_read_resized(const char *path, size_t height, size_t width, unsigned char *out, lb_error *error) {
    picture p = {0};
    int code = picture_read(path, &p, error);
    if (!code) code = picture_resize(&p, 0, 0, p.height, p.width, height, width, out, error);
    picture_free(&p);
    return code;
}

void picture_binarise(unsigned char *pixels, size_t n, unsigned char level) {
    for (size_t i = 0; i < n; i++) pixels[i] = pixels[i] > level ? 255 : 0;
}
