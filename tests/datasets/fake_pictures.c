#include "tests/datasets/fake_pictures.h"

#include "lib/base/rng.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

void write_grey_jpeg(const char *path, const unsigned char *pixels, size_t height, size_t width) {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr manager;
    FILE *out = fopen(path, "wb");
    cr_assert(out != NULL, "%s", path);
    jpeg.err = jpeg_std_error(&manager);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, out);
    jpeg.image_width = (JDIMENSION)width;
    jpeg.image_height = (JDIMENSION)height;
    jpeg.input_components = 1;
    jpeg.in_color_space = JCS_GRAYSCALE;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    for (size_t y = 0; y < height; y++) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(pixels + y * width);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    cr_assert(eq(int, fclose(out), 0));
}

void write_grey_png(const char *path, const unsigned char *pixels, size_t height, size_t width) {
    png_image image;
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    image.width = (png_uint_32)width;
    image.height = (png_uint_32)height;
    image.format = PNG_FORMAT_GRAY;
    cr_assert(ne(int, png_image_write_to_file(&image, path, 0, pixels, 0, NULL), 0), "%s: %s", path, image.message);
}

void fill_noise(unsigned char *pixels, size_t n, unsigned key) {
    char name[40];
    snprintf(name, sizeof name, "noise %u", key);
    rng stream = rng_from_text(name);
    for (size_t i = 0; i < n; i++) pixels[i] = (unsigned char)rng_below(&stream, 256);
}

void write_text_file(const char *path, const char *content) {
    FILE *out = fopen(path, "wb");
    cr_assert(out != NULL, "%s", path);
    cr_assert(ge(int, fputs(content, out), 0));
    cr_assert(eq(int, fclose(out), 0));
}
