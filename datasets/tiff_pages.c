/* libtiff works on memory here, not on a file: older versions append a page by walking through all pages before it,
   which takes seconds through memory and minutes through system calls, and a mapped file that another process cuts
   short would kill this one. */
#include "datasets/tiff_pages.h"

#include "datasets/whole_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tiffio.h>

/* --- libtiff on memory --- */

typedef struct {
    unsigned char *bytes;
    size_t size, capacity, at;
} memory_file;

static tmsize_t memory_read(thandle_t handle, void *to, tmsize_t count) {
    memory_file *m = handle;
    const size_t left = m->at < m->size ? m->size - m->at : 0, n = (size_t)count < left ? (size_t)count : left;
    if (n) memcpy(to, m->bytes + m->at, n);
    m->at += n;
    return (tmsize_t)n;
}

static int memory_grow(memory_file *m, size_t end) {
    size_t capacity = m->capacity ? m->capacity : (size_t)1 << 16;
    while (capacity < end) capacity *= 2;
    if (capacity > m->capacity) {
        unsigned char *bytes = realloc(m->bytes, capacity);
        if (!bytes) return 0;
        m->bytes = bytes;
        m->capacity = capacity;
    }
    if (end > m->size) {
        memset(m->bytes + m->size, 0, end - m->size);
        m->size = end;
    }
    return 1;
}

static tmsize_t memory_write(thandle_t handle, void *from, tmsize_t count) {
    memory_file *m = handle;
    if (!from || count < 0 || !memory_grow(m, m->at + (size_t)count))
        return 0; /* no buffer: libtiff is out of memory */
    memcpy(m->bytes + m->at, from, (size_t)count);
    m->at += (size_t)count;
    return count;
}

static toff_t memory_seek(thandle_t handle, toff_t offset, int whence) {
    memory_file *m = handle;
    if (whence == SEEK_CUR) offset += m->at;
    if (whence == SEEK_END) offset += m->size;
    return m->at = (size_t)offset;
}

static toff_t memory_size(thandle_t handle) { return ((memory_file *)handle)->size; }

static int memory_close(thandle_t handle) {
    (void)handle;
    return 0;
}

static int memory_map(thandle_t handle, void **base, toff_t *size) {
    memory_file *m = handle;
    *base = m->bytes;
    *size = m->size;
    return 1;
}

static void memory_unmap(thandle_t handle, void *base, toff_t size) {
    (void)handle;
    (void)base;
    (void)size;
}

static TIFF *open_memory(const char *path, const char *mode, memory_file *m) {
    return TIFFClientOpen(path, mode, m, memory_read, memory_write, memory_seek, memory_close, memory_size, memory_map,
                          memory_unmap);
}

/* --- libtiff's sentences --- */

static char reason[200]; /* the first one, which is the cause; later ones follow from it */

__attribute__((format(printf, 2, 0))) static void keep_reason(const char *module, const char *format, va_list args) {
    (void)module;
    if (!reason[0]) vsnprintf(reason, sizeof reason, format, args);
}

typedef struct {
    TIFFErrorHandler error, warning;
} handlers;

/* Warnings are of no interest: unknown tags, such as ImageJ's own. */
static handlers capture(void) {
    reason[0] = '\0';
    return (handlers){TIFFSetErrorHandler(keep_reason), TIFFSetWarningHandler(NULL)};
}

static void release(handlers before) {
    TIFFSetErrorHandler(before.error);
    TIFFSetWarningHandler(before.warning);
}

static const char *reason_or(const char *otherwise) { return reason[0] ? reason : otherwise; }

/* --- reading --- */

typedef struct {
    const char *path;
    TIFF *tiff;
    tiff_shape shape;
    size_t page_size, capacity; /* bytes; pages */
    unsigned char *pixels;
} reader;

static int fail_page(const reader *r, const char *what, lb_error *error) {
    return lb_fail(error, LB_FORMAT, "'%.250s', page %zu: %.200s", r->path, r->shape.count + 1, what);
}

static int read_page_shape(const reader *r, tiff_shape *out, lb_error *error) {
    uint32_t width = 0, height = 0;
    uint16_t bits = 0, channels = 0, planes = 0, format = 0, photometric = PHOTOMETRIC_MINISBLACK;
    TIFFGetField(r->tiff, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(r->tiff, TIFFTAG_IMAGELENGTH, &height);
    TIFFGetField(r->tiff, TIFFTAG_PHOTOMETRIC, &photometric);
    TIFFGetFieldDefaulted(r->tiff, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(r->tiff, TIFFTAG_SAMPLESPERPIXEL, &channels);
    TIFFGetFieldDefaulted(r->tiff, TIFFTAG_PLANARCONFIG, &planes);
    TIFFGetFieldDefaulted(r->tiff, TIFFTAG_SAMPLEFORMAT, &format);
    *out = (tiff_shape){r->shape.count, height, width, channels};
    if (width < 1 || height < 1 || width > TIFF_PAGES_MAX_SIDE || height > TIFF_PAGES_MAX_SIDE)
        return fail_page(r, "its sides must have 1 to 4096 pixels", error);
    if (bits != 8 || format != SAMPLEFORMAT_UINT) return fail_page(r, "it is not 8 bit; convert it to 8 bit", error);
    const int grey = channels == 1 && photometric == PHOTOMETRIC_MINISBLACK;
    const int rgb = channels == 3 && photometric == PHOTOMETRIC_RGB && planes == PLANARCONFIG_CONTIG;
    if (!grey && !rgb)
        return fail_page(r, "it is neither grey (0 black) nor interleaved RGB; convert it to one of them", error);
    if (TIFFIsTiled(r->tiff)) return fail_page(r, "it is stored in tiles; save it in strips", error);
    if (TIFFScanlineSize(r->tiff) != (tmsize_t)(width * channels))
        return fail_page(r, "its rows have an odd size", error);
    return LB_OK;
}

/* Room for one more page. */
static int reserve_page(reader *r, lb_error *error) {
    const size_t most = TIFF_PAGES_MAX_BYTES / r->page_size;
    if (r->shape.count == TIFF_PAGES_MAX_COUNT || r->shape.count == most)
        return lb_fail(error, LB_INVALID, "'%.250s' has too many pages: at most %d, and 2 GiB of pixels", r->path,
                       TIFF_PAGES_MAX_COUNT);
    if (r->shape.count < r->capacity) return LB_OK;
    size_t capacity = r->capacity ? 2 * r->capacity : 16;
    if (capacity > most) capacity = most;
    unsigned char *pixels = realloc(r->pixels, capacity * r->page_size);
    if (!pixels) return lb_fail_memory(error, "the images of a TIFF stack");
    r->pixels = pixels;
    r->capacity = capacity;
    return LB_OK;
}

static int read_page(reader *r, lb_error *error) {
    tiff_shape shape;
    int code = read_page_shape(r, &shape, error);
    if (code) return code;
    if (r->shape.count == 0) {
        r->shape = shape;
        r->page_size = shape.height * shape.width * shape.channels;
    }
    if (shape.height != r->shape.height || shape.width != r->shape.width || shape.channels != r->shape.channels)
        return fail_page(r, "it differs in size or colour from the first page; all pages must be alike", error);
    code = reserve_page(r, error);
    if (code) return code;
    unsigned char *page = r->pixels + r->shape.count * r->page_size;
    const size_t row = shape.width * shape.channels;
    for (size_t y = 0; y < shape.height; y++)
        if (TIFFReadScanline(r->tiff, page + y * row, (uint32_t)y, 0) != 1)
            return fail_page(r, reason_or("it is damaged"), error);
    r->shape.count++;
    return LB_OK;
}

static int read_pages(reader *r, lb_error *error) {
    for (;;) {
        const int code = read_page(r, error);
        if (code || TIFFLastDirectory(r->tiff)) return code;
        if (!TIFFReadDirectory(r->tiff)) return fail_page(r, reason_or("it is damaged"), error);
    }
}

int tiff_pages_read(const char *path, tiff_shape *shape, unsigned char **pixels, lb_error *error) {
    char *bytes;
    memory_file file = {0};
    reader r = {.path = path};
    *pixels = NULL;
    int code = whole_file_read(path, TIFF_PAGES_MAX_BYTES, &bytes, &file.size, error);
    if (code) return code;
    file.bytes = (unsigned char *)bytes;
    const handlers before = capture();
    r.tiff = open_memory(path, "r", &file);
    code = r.tiff ? read_pages(&r, error)
                  : lb_fail(error, LB_FORMAT, "cannot read '%.250s': %.200s", path, reason_or("it is no TIFF file"));
    if (r.tiff) TIFFClose(r.tiff);
    release(before);
    free(bytes);
    if (code) {
        free(r.pixels);
        return code;
    }
    *shape = r.shape;
    *pixels = r.pixels;
    return LB_OK;
}

/* --- writing --- */

static int write_page(TIFF *tiff, const tiff_shape *shape, const char *description, const unsigned char *page) {
    const size_t size = shape->height * shape->width * shape->channels;
    return TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, (uint32_t)shape->width) &&
           TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, (uint32_t)shape->height) &&
           TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8) &&
           TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, (int)shape->channels) &&
           TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) &&
           TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, shape->channels == 1 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB) &&
           TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE) &&
           TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, (uint32_t)shape->height) &&
           (!description || TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, description)) &&
           TIFFWriteEncodedStrip(tiff, 0, (void *)page, (tmsize_t)size) == (tmsize_t)size && TIFFWriteDirectory(tiff);
}

static int check_shape(const char *path, const tiff_shape *s, lb_error *error) {
    if (s->count < 1 || s->count > TIFF_PAGES_MAX_COUNT || s->height < 1 || s->height > TIFF_PAGES_MAX_SIDE ||
        s->width < 1 || s->width > TIFF_PAGES_MAX_SIDE || (s->channels != 1 && s->channels != 3) ||
        s->count > TIFF_PAGES_MAX_BYTES / (s->height * s->width * s->channels))
        return lb_fail(
            error, LB_INVALID,
            "cannot write '%.250s': %zu pages of %zu x %zu x %zu; a stack has 1 to %d grey or RGB pages with sides "
            "up to %d and 2 GiB in all",
            path, s->count, s->width, s->height, s->channels, TIFF_PAGES_MAX_COUNT, TIFF_PAGES_MAX_SIDE);
    return LB_OK;
}

int tiff_pages_write(const char *path, const tiff_shape *shape,
                     const unsigned char *(*page_at)(const void *context, size_t i), const void *context,
                     lb_error *error) {
    char description[100];
    memory_file file = {0};
    int code = check_shape(path, shape, error);
    if (code) return code;
    snprintf(description, sizeof description, "ImageJ=1.53a\nimages=%zu\nslices=%zu\n", shape->count, shape->count);
    const handlers before = capture();
    TIFF *tiff = open_memory(path, "wl", &file); /* l: little-endian everywhere */
    int written = tiff != NULL;
    for (size_t i = 0; i < shape->count && written; i++)
        written = write_page(tiff, shape, i ? NULL : description, page_at(context, i));
    if (tiff) TIFFClose(tiff);
    release(before);
    code = written
               ? whole_file_write(path, file.bytes, file.size, error)
               : lb_fail(error, LB_INTERNAL, "cannot write '%.250s': %.200s", path, reason_or("libtiff refused it"));
    free(file.bytes);
    return code;
}
