#include "datasets/public/png_image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

typedef struct {
    png_structp png;
    png_infop info;
    FILE *file;
    char reason[200];
} decoder;

/* Warnings stop as errors do: the data are damaged, and libpng would go on with what it has. */
static void stop(png_structp png, png_const_charp message) {
    decoder *d = png_get_error_ptr(png);
    snprintf(d->reason, sizeof d->reason, "%s", message);
    png_longjmp(png, 1);
}

static int fail_decode(const decoder *d, const char *path, lb_error *error) {
    return lb_fail(error, LB_FORMAT, "cannot read '%.300s': %.150s", path, d->reason);
}

/* Rows of 8 bits per channel, 1 or 3 channels. Chunks that say nothing about the pixels are skipped, so that an odd
   colour profile is no reason to refuse a picture. */
static void begin(decoder *d) {
    png_init_io(d->png, d->file);
    png_set_keep_unknown_chunks(d->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_read_info(d->png, d->info);
    png_set_palette_to_rgb(d->png);
    png_set_expand_gray_1_2_4_to_8(d->png);
    png_set_scale_16(d->png);
    png_set_strip_alpha(d->png);
}

static void read_rows(decoder *d, int passes, size_t row, unsigned char *bytes) {
    const size_t height = png_get_image_height(d->png, d->info);
    for (int pass = 0; pass < passes; pass++)
        for (size_t y = 0; y < height; y++) png_read_row(d->png, bytes + y * row, NULL);
    png_read_end(d->png, NULL);
}

/* setjmp stands in functions that change no local variable: nothing is undefined after a longjmp. */
static int decode_header(decoder *d, const char *path, lb_error *error) {
    if (setjmp(png_jmpbuf(d->png))) return fail_decode(d, path, error);
    begin(d);
    return LB_OK;
}

static int decode_start(decoder *d, const char *path, int *passes, lb_error *error) {
    if (setjmp(png_jmpbuf(d->png))) return fail_decode(d, path, error);
    *passes = png_set_interlace_handling(d->png);
    png_read_update_info(d->png, d->info);
    return LB_OK;
}

static int decode_rows(decoder *d, const char *path, int passes, size_t row, unsigned char *bytes, lb_error *error) {
    if (setjmp(png_jmpbuf(d->png))) return fail_decode(d, path, error);
    read_rows(d, passes, row, bytes);
    return LB_OK;
}

/* Up to the picture's size. On LB_OK or not, decoder_close. */
static int decoder_open(decoder *d, const char *path, lb_error *error) {
    *d = (decoder){.file = fopen(path, "rb")};
    if (!d->file) return lb_fail(error, LB_FORMAT, "cannot read '%.300s': %s", path, strerror(errno));
    d->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, d, stop, stop);
    d->info = d->png ? png_create_info_struct(d->png) : NULL;
    if (!d->info) return lb_fail_memory(error, "a PNG picture");
    return decode_header(d, path, error);
}

static void decoder_close(decoder *d) {
    png_destroy_read_struct(&d->png, &d->info, NULL);
    if (d->file) fclose(d->file);
}

/* rgb[n][3] to grey[n], in place: grey stays behind what is still to be read. */
static void luma_in_place(unsigned char *rgb, size_t n) {
    for (size_t i = 0; i < n; i++)
        rgb[i] = (unsigned char)((299u * rgb[3 * i] + 587u * rgb[3 * i + 1] + 114u * rgb[3 * i + 2] + 500) / 1000);
}

static int read_any(decoder *d, const char *path, size_t most_side, unsigned char **pixels, size_t *height,
                    size_t *width, lb_error *error) {
    int passes;
    *height = png_get_image_height(d->png, d->info);
    *width = png_get_image_width(d->png, d->info);
    if (*height == 0 || *width == 0 || *height > most_side || *width > most_side)
        return lb_fail(error, LB_FORMAT, "'%.300s' is %zu x %zu pixels (width x height); sides of 1 to %zu are read",
                       path, *width, *height, most_side);
    int code = decode_start(d, path, &passes, error);
    if (code) return code;
    const size_t row = png_get_rowbytes(d->png, d->info);
    *pixels = malloc(*height * row);
    if (!*pixels) return lb_fail_memory(error, "a picture");
    code = decode_rows(d, path, passes, row, *pixels, error);
    if (!code && png_get_channels(d->png, d->info) == 3) luma_in_place(*pixels, *height * *width);
    return code;
}

int png_image_read_any(const char *path, size_t most_side, unsigned char **pixels, size_t *height, size_t *width,
                       lb_error *error) {
    decoder d;
    *pixels = NULL;
    int code = decoder_open(&d, path, error);
    if (!code) code = read_any(&d, path, most_side, pixels, height, width, error);
    if (code) {
        free(*pixels);
        *pixels = NULL;
    }
    decoder_close(&d);
    return code;
}
