#include "experiments/harness/png_palette.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIDE = 64, BYTES = 3 * SIDE * SIDE };

static char path[] = "/tmp/test_png_palette_XXXXXX";

static void make_file(void) {
    const int file = mkstemp(path);
    cr_assert(ge(int, file, 0));
    close(file);
}

static void remove_file(void) { unlink(path); }

TestSuite(png_palette, .init = make_file, .fini = remove_file);

static void write_picture(const png_byte *pixels) {
    png_image image = {.version = PNG_IMAGE_VERSION, .width = SIDE, .height = SIDE, .format = PNG_FORMAT_RGB};
    cr_assert(png_image_write_to_file(&image, path, 0, pixels, 0, NULL));
}

static void read_picture(png_byte *pixels) {
    png_image image = {.version = PNG_IMAGE_VERSION};
    cr_assert(png_image_begin_read_from_file(&image, path));
    image.format = PNG_FORMAT_RGB;
    cr_assert(eq(int, (int)PNG_IMAGE_SIZE(image), BYTES));
    cr_assert(png_image_finish_read(&image, NULL, pixels, 0, NULL));
}

static long file_size(void) {
    FILE *f = fopen(path, "rb");
    cr_assert(zero(int, fseek(f, 0, SEEK_END)));
    const long size = ftell(f);
    fclose(f);
    return size;
}

/* White paper with lines of the hues of plots/style.gp. */
static void draw_lines(png_byte *pixels) {
    static const png_byte hues[][3] = {{0, 0x72, 0xB2}, {0xD5, 0x5E, 0}, {0, 0x9E, 0x73}, {0xCC, 0x79, 0xA7}};
    memset(pixels, 255, BYTES);
    for (size_t y = 0; y < SIDE; y += 8)
        for (size_t x = 0; x < SIDE; x++) memcpy(pixels + 3 * (y * SIDE + x), hues[y / 8 % 4], 3);
}

Test(png_palette, few_colours_stay_as_they_are) {
    png_byte before[BYTES], after[BYTES];
    lb_error error = {0};
    draw_lines(before);
    write_picture(before);
    cr_assert(zero(int, png_palette(path, &error)), "%s", error.message);
    read_picture(after);
    cr_assert(zero(int, memcmp(before, after, BYTES)));
}

Test(png_palette, many_colours_become_near_ones) {
    png_byte before[BYTES], after[BYTES];
    lb_error error = {0};
    long squares = 0;
    draw_lines(before);
    unsigned noise = 1;
    for (size_t i = BYTES / 2; i < BYTES; i++) before[i] = (png_byte)((noise = noise * 1664525u + 1013904223u) >> 24);
    write_picture(before);
    const long size = file_size();
    cr_assert(zero(int, png_palette(path, &error)), "%s", error.message);
    cr_assert(lt(long, file_size(), size / 2));
    read_picture(after);
    cr_assert(zero(int, memcmp(before, after, 3 * SIDE)), "the lines keep their hue");
    for (size_t i = 0; i < BYTES; i++) squares += (before[i] - after[i]) * (before[i] - after[i]);
    cr_assert(lt(long, squares / BYTES, 30 * 30));
}

Test(png_palette, the_same_bytes_again) {
    png_byte pixels[BYTES];
    lb_error error = {0};
    draw_lines(pixels);
    write_picture(pixels);
    cr_assert(zero(int, png_palette(path, &error)), "%s", error.message);
    const long size = file_size();
    cr_assert(zero(int, png_palette(path, &error)), "%s", error.message);
    cr_assert(eq(long, file_size(), size));
}

Test(png_palette, what_is_no_picture_stays) {
    lb_error error = {0};
    FILE *f = fopen(path, "w");
    fputs("no picture", f);
    fclose(f);
    cr_assert(eq(int, png_palette(path, &error), LB_FORMAT));
    cr_assert(ne(ptr, strstr(error.message, path), NULL), "%s", error.message);
    cr_assert(eq(long, file_size(), 10));
    cr_assert(eq(int, png_palette("/nonexistent/a.png", &error), LB_FORMAT));
}
