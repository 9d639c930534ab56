#include "datasets/public/jpeg_image.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h> /* before jpeglib.h, which needs FILE and size_t */
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

static int decode(decoder *d, const char *path, size_t height, size_t width, size_t channels, unsigned char *pixels,
                  lb_error *error) {
    if (setjmp(d->failed.escape))
        return lb_fail(error, LB_FORMAT, "cannot read '%.300s': %.150s", path, d->failed.reason);
    begin(d, channels);
    if (d->jpeg.output_width != width || d->jpeg.output_height != height)
        return lb_fail(error, LB_FORMAT, "'%.300s' is %u x %u pixels, not %zu x %zu (width x height)", path,
                       d->jpeg.output_width, d->jpeg.output_height, width, height);
    read_rows(d, width * channels, pixels);
    return LB_OK;
}

int jpeg_image_read(const char *path, size_t height, size_t width, size_t channels, unsigned char *pixels,
                    lb_error *error) {
    decoder d = {.file = fopen(path, "rb")};
    if (!d.file) return lb_fail(error, LB_FORMAT, "cannot read '%.300s': %s", path, strerror(errno));
    d.jpeg.err = jpeg_std_error(&d.failed.manager);
    d.failed.manager.error_exit = stop;
    d.failed.manager.emit_message = stop_on_warning;
    const int code = decode(&d, path, height, width, channels, pixels, error);
    jpeg_destroy_decompress(&d.jpeg);
    fclose(d.file);
    return code;
}
