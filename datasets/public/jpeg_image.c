#include "datasets/public/jpeg_image.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h> /* before jpeglib.h, which needs FILE and size_t */
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

typedef struct {
    struct jpeg_error_mgr manager; /* first: libjpeg hands back a pointer to it */
    jmp_buf escape;
    char reason[JMSG_LENGTH_MAX];
} failure;

/* What a decode works on; in one place, as longjmp leaves changed local variables undefined. */
typedef struct {
    struct jpeg_decompress_struct jpeg;
    failure failed;
    FILE *file;
} decoder;

static void stop(j_common_ptr jpeg) {
    failure *f = (failure *)jpeg->err;
    jpeg->err->format_message(jpeg, f->reason);
    longjmp(f->escape, 1);
}

/* Level -1 is a warning: the data are damaged and libjpeg would go on with grey. Higher levels are chatter. */
static void stop_on_warning(j_common_ptr jpeg, int level) {
    if (level < 0) stop(jpeg);
}

static void begin(decoder *d, size_t channels) {
    jpeg_create_decompress(&d->jpeg);
    jpeg_stdio_src(&d->jpeg, d->file);
    jpeg_read_header(&d->jpeg, TRUE);
    d->jpeg.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    d->jpeg.dct_method = JDCT_ISLOW;
    jpeg_calc_output_dimensions(&d->jpeg);
}

/* pixels is [height][row] */
static void read_rows(decoder *d, size_t row, unsigned char *pixels) {
    jpeg_start_decompress(&d->jpeg);
    while (d->jpeg.output_scanline < d->jpeg.output_height) {
        JSAMPROW to = pixels + d->jpeg.output_scanline * row;
        jpeg_read_scanlines(&d->jpeg, &to, 1);
    }
    jpeg_finish_decompress(&d->jpeg);
}

static int fail_decode(const decoder *d, const char *path, lb_error *error) {
    return lb_fail(error, LB_FORMAT, "cannot read '%.300s': %.150s", path, d->failed.reason);
}

/* setjmp stands in functions that change no local variable: nothing is undefined after a longjmp. */
static int decode_header(decoder *d, const char *path, size_t channels, lb_error *error) {
    if (setjmp(d->failed.escape)) return fail_decode(d, path, error);
    begin(d, channels);
    return LB_OK;
}

static int decode_rows(decoder *d, const char *path, size_t row, unsigned char *pixels, lb_error *error) {
    if (setjmp(d->failed.escape)) return fail_decode(d, path, error);
    read_rows(d, row, pixels);
    return LB_OK;
}

/* Up to the picture's size. On LB_OK or not, decoder_close. */
static int decoder_open(decoder *d, const char *path, size_t channels, lb_error *error) {
    *d = (decoder){.file = fopen(path, "rb")};
    if (!d->file) return lb_fail(error, LB_FORMAT, "cannot read '%.300s': %s", path, strerror(errno));
    d->jpeg.err = jpeg_std_error(&d->failed.manager);
    d->failed.manager.error_exit = stop;
    d->failed.manager.emit_message = stop_on_warning;
    return decode_header(d, path, channels, error);
}

static void decoder_close(decoder *d) {
    if (!d->file) return;
    jpeg_destroy_decompress(&d->jpeg);
    fclose(d->file);
}

int jpeg_image_read(const char *path, size_t height, size_t width, size_t channels, unsigned char *pixels,
                    lb_error *error) {
    decoder d;
    int code = decoder_open(&d, path, channels, error);
    if (!code && (d.jpeg.output_width != width || d.jpeg.output_height != height))
        code = lb_fail(error, LB_FORMAT, "'%.300s' is %u x %u pixels, not %zu x %zu (width x height)", path,
                       d.jpeg.output_width, d.jpeg.output_height, width, height);
    if (!code) code = decode_rows(&d, path, width * channels, pixels, error);
    decoder_close(&d);
    return code;
}

static int read_any(decoder *d, const char *path, size_t channels, size_t most_side, unsigned char **pixels,
                    size_t *height, size_t *width, lb_error *error) {
    *height = d->jpeg.output_height;
    *width = d->jpeg.output_width;
    if (*height == 0 || *width == 0 || *height > most_side || *width > most_side)
        return lb_fail(error, LB_FORMAT, "'%.300s' is %zu x %zu pixels (width x height); sides of 1 to %zu are read",
                       path, *width, *height, most_side);
    *pixels = malloc(*height * *width * channels);
    if (!*pixels) return lb_fail_memory(error, "a picture");
    return decode_rows(d, path, *width * channels, *pixels, error);
}

int jpeg_image_read_any(const char *path, size_t channels, size_t most_side, unsigned char **pixels, size_t *height,
                        size_t *width, lb_error *error) {
    decoder d;
    *pixels = NULL;
    int code = decoder_open(&d, path, channels, error);
    if (!code) code = read_any(&d, path, channels, most_side, pixels, height, width, error);
    if (code) {
        free(*pixels);
        *pixels = NULL;
    }
    decoder_close(&d);
    return code;
}
