#include "tests/datasets/picture_files.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>
#include <png.h>

void write_jpeg_file(const char *path, const unsigned char *pixels, size_t height, size_t width, int channels,
                     int quality) {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr manager;
    FILE *out = fopen(path, "wb");
    cr_assert(out != NULL, "%s", path);
    jpeg.err = jpeg_std_error(&manager);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, out);
    jpeg.image_width = (JDIMENSION)width;
    jpeg.image_height = (JDIMENSION)height;
    jpeg.input_components = channels;
    jpeg.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, quality, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    for (size_t y = 0; y < height; y++) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(pixels + y * width * (size_t)channels);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    fclose(out);
}

static void stop(png_structp png, png_const_charp message) {
    (void)png;
    fprintf(stderr, "the test cannot write a PNG: %s\n", message);
    abort();
}

void write_png_file(const char *path, const unsigned char *rows, size_t row_bytes, size_t height, size_t width,
                    int bits, int color_type, int interlace, const unsigned char *palette, int entries) {
    FILE *out = fopen(path, "wb");
    cr_assert(out != NULL, "%s", path);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, stop, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, out);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, bits, color_type, interlace,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (palette) png_set_PLTE(png, info, (png_const_colorp)palette, entries);
    png_write_info(png, info);
    const int passes = png_set_interlace_handling(png);
    for (int pass = 0; pass < passes; pass++)
        for (size_t y = 0; y < height; y++) png_write_row(png, rows + y * row_bytes);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    fclose(out);
}

size_t read_bytes(const char *path, unsigned char *bytes, size_t size) {
    FILE *in = fopen(path, "rb");
    cr_assert(in != NULL, "%s", path);
    const size_t n = fread(bytes, 1, size, in);
    fclose(in);
    return n;
}

void write_bytes(const char *path, const void *bytes, size_t size) {
    FILE *out = fopen(path, "wb");
    cr_assert(out && fwrite(bytes, 1, size, out) == size && fclose(out) == 0, "%s", path);
}
