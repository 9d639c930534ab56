#include "tests/datasets/fake_pictures.h"

#include "lib/base/rng.h"
#include "tests/datasets/picture_files.h"

#include <png.h>
#include <stdio.h>
#include <string.h>

void write_grey_jpeg(const char *path, const unsigned char *pixels, size_t height, size_t width) {
    write_jpeg_file(path, pixels, height, width, 1, 100);
}

void write_grey_png(const char *path, const unsigned char *pixels, size_t height, size_t width) {
    write_png_file(path, pixels, width, height, width, 8, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, NULL, 0);
}

void fill_noise(unsigned char *pixels, size_t n, unsigned key) {
    char name[40];
    snprintf(name, sizeof name, "noise %u", key);
    rng stream = rng_from_text(name);
    for (size_t i = 0; i < n; i++) pixels[i] = (unsigned char)rng_below(&stream, 256);
}

void write_text_file(const char *path, const char *content) { write_bytes(path, content, strlen(content)); }
