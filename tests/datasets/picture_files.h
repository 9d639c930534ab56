/* Picture files as the tests of importers need them: written by libjpeg and libpng, not by code under test. */
#ifndef TESTS_DATASETS_PICTURE_FILES_H
#define TESTS_DATASETS_PICTURE_FILES_H

#include <stddef.h>

/* pixels is [height][width][channels], channels 1 or 3. */
void write_jpeg_file(const char *path, const unsigned char *pixels, size_t height, size_t width, int channels,
                     int quality);

/* rows is [height] rows of row_bytes bytes as the PNG kind wants them; palette is [entries][3] or NULL. */
void write_png_file(const char *path, const unsigned char *rows, size_t row_bytes, size_t height, size_t width,
                    int bits, int color_type, int interlace, const unsigned char *palette, int entries);

size_t read_bytes(const char *path, unsigned char *bytes, size_t size);
void write_bytes(const char *path, const void *bytes, size_t size);

#endif
