/* Pictures: what is read from JPEG and PNG files of every kind, what is refused, and resizing. */
#include "datasets/public/picture.h"

#include "lib/base/rng.h"
#include "tests/datasets/picture_files.h"
#include "tests/datasets/scratch.h"
#include "tests/failing_malloc.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include <png.h>

static const char *path_of(const char *file) {
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", root, file);
    return path;
}

static void fill_noise(unsigned char *bytes, size_t n, const char *name) {
    rng stream = rng_from_text(name);
    for (size_t i = 0; i < n; i++) bytes[i] = (unsigned char)rng_below(&stream, 256);
}

/* --- resizing --- */

static void resize(const picture *from, size_t to_height, size_t to_width, unsigned char *out) {
    lb_error error = {0};
    cr_assert(eq(int, picture_resize(from, 0, 0, from->height, from->width, to_height, to_width, out, &error), LB_OK),
              "%s", error.message);
}

Test(resize, to_the_same_size_copies_the_rectangle) {
    unsigned char pixels[9 * 13], out[9 * 13];
    const picture p = {9, 13, pixels};
    fill_noise(pixels, sizeof pixels, "copy");
    resize(&p, 9, 13, out);
    cr_expect(eq(int, memcmp(out, pixels, sizeof pixels), 0));
    cr_assert(eq(int, picture_resize(&p, 2, 5, 4, 7, 4, 7, out, NULL), LB_OK));
    for (size_t y = 0; y < 4; y++) cr_expect(eq(int, memcmp(out + 7 * y, pixels + (2 + y) * 13 + 5, 7), 0));
}

/* Nothing outside the rectangle may leak in, whichever way the size changes. */
Test(resize, of_a_rectangle_is_resizing_of_a_copy) {
    unsigned char pixels[20 * 20], copy[8 * 11], a[30 * 30], b[30 * 30];
    const picture p = {20, 20, pixels}, cut = {8, 11, copy};
    fill_noise(pixels, sizeof pixels, "rectangle");
    for (size_t y = 0; y < 8; y++) memcpy(copy + 11 * y, pixels + (12 + y) * 20 + 9, 11);
    static const size_t sizes[][2] = {{3, 4}, {30, 30}, {5, 29}, {23, 2}, {1, 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        cr_assert(eq(int, picture_resize(&p, 12, 9, 8, 11, sizes[i][0], sizes[i][1], a, NULL), LB_OK));
        resize(&cut, sizes[i][0], sizes[i][1], b);
        cr_expect(eq(int, memcmp(a, b, sizes[i][0] * sizes[i][1]), 0), "size %zu", i);
    }
}

Test(resize, keeps_what_is_constant) {
    unsigned char pixels[15 * 17], out[40 * 40];
    const picture p = {15, 17, pixels};
    for (int level = 0; level < 256; level += 51) {
        memset(pixels, level, sizeof pixels);
        for (size_t h = 1; h <= 40; h += 3)
            for (size_t w = 1; w <= 40; w += 4) {
                resize(&p, h, w, out);
                for (size_t i = 0; i < h * w; i++) cr_assert(eq(int, out[i], level), "%zu x %zu", h, w);
            }
    }
}

Test(resize, to_a_whole_part_is_the_mean_of_blocks_rounded_half_up) {
    unsigned char pixels[12 * 20], out[4 * 5];
    const picture p = {12, 20, pixels};
    fill_noise(pixels, sizeof pixels, "blocks");
    resize(&p, 4, 5, out);
    for (size_t y = 0; y < 4; y++)
        for (size_t x = 0; x < 5; x++) {
            unsigned sum = 0;
            for (size_t i = 0; i < 12; i++) sum += pixels[(3 * y + i / 4) * 20 + 4 * x + i % 4];
            cr_expect(eq(uint, out[5 * y + x], (2 * sum + 12) / 24));
        }
    const picture half = {1, 4, (unsigned char[]){0, 1, 7, 8}};
    resize(&half, 1, 2, out);
    cr_expect(eq(int, out[0], 1));
    cr_expect(eq(int, out[1], 8));
}

Test(resize, grows_linearly_between_centres) {
    unsigned char out[4];
    const picture p = {1, 2, (unsigned char[]){0, 100}};
    resize(&p, 1, 4, out);
    cr_expect(eq(int, memcmp(out, (unsigned char[]){0, 25, 75, 100}, 4), 0));
    const picture one = {1, 1, (unsigned char[]){77}};
    resize(&one, 2, 2, out);
    cr_expect(eq(int, memcmp(out, (unsigned char[]){77, 77, 77, 77}, 4), 0));
}

/* Made with numpy 1.24.2 (a matrix of covered areas per axis) and torch 1.13.0 (F.interpolate, bilinear,
   align_corners=False) in double from (37 y^2 + 11 x^3 + 53 x y + 29) mod 256; no value lies within 0.009 of a half. */
Test(resize, agrees_with_numpy_and_torch) {
    static const unsigned char shrunk[3 * 4] = {58, 65, 158, 141, 103, 95, 77, 118, 85, 61, 130, 185};
    static const unsigned char grown[8 * 10] = {
        29,  35,  59, 113, 86, 123, 216, 148, 114, 101, 45,  64,  76, 68,  52, 105, 214, 163, 144, 144,
        73,  101, 98, 23,  13, 78,  200, 172, 176, 195, 142, 101, 88, 149, 66, 42,  84,  78,  106, 143,
        155, 87,  62, 146, 87, 58,  70,  88,  103, 114, 110, 61,  19, 14,  74, 124, 160, 201, 168, 109,
        108, 77,  54, 61,  60, 88,  148, 212, 194, 145, 109, 91,  84, 107, 50, 55,  131, 211, 210, 173};
    static const unsigned char mixed[2 * 9] = {73,  75, 83, 80, 37, 147, 149, 131, 144,
                                               121, 71, 65, 81, 57, 107, 162, 175, 136};
    unsigned char pixels[5 * 7], out[8 * 10];
    const picture p = {5, 7, pixels};
    for (unsigned y = 0; y < 5; y++)
        for (unsigned x = 0; x < 7; x++)
            pixels[7 * y + x] = (unsigned char)((37 * y * y + 11 * x * x * x + 53 * x * y + 29) % 256);
    resize(&p, 3, 4, out);
    cr_expect(eq(int, memcmp(out, shrunk, sizeof shrunk), 0));
    resize(&p, 8, 10, out);
    cr_expect(eq(int, memcmp(out, grown, sizeof grown), 0));
    resize(&p, 2, 9, out);
    cr_expect(eq(int, memcmp(out, mixed, sizeof mixed), 0));
}

Test(resize, outside_the_picture_or_to_nothing_is_refused) {
    unsigned char pixels[6 * 8] = {0}, out[100];
    const picture p = {6, 8, pixels};
    static const size_t bad[][6] = {{0, 0, 7, 8, 4, 4}, {0, 0, 6, 9, 4, 4}, {3, 0, 4, 8, 4, 4},
                                    {0, 5, 6, 4, 4, 4}, {0, 0, 0, 8, 4, 4}, {0, 0, 6, 0, 4, 4},
                                    {0, 0, 6, 8, 0, 4}, {0, 0, 6, 8, 4, 0}, {7, 0, (size_t)-1, 8, 4, 4}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lb_error error = {0};
        const size_t *b = bad[i];
        cr_expect(eq(int, picture_resize(&p, b[0], b[1], b[2], b[3], b[4], b[5], out, &error), LB_INVALID), "%zu", i);
        cr_expect(strstr(error.message, "cannot resize") != NULL);
    }
}

Test(binarise, is_above_the_level) {
    unsigned char pixels[] = {0, 127, 128, 255};
    picture_binarise(pixels, 4, 127);
    cr_expect(eq(int, memcmp(pixels, (unsigned char[]){0, 0, 255, 255}, 4), 0));
}

/* --- reading --- */

static picture read_picture(const char *file) {
    lb_error error = {0};
    picture p;
    cr_assert(eq(int, picture_read(path_of(file), &p, &error), LB_OK), "%s", error.message);
    return p;
}

static void expect_refused(const char *file, const char *words) {
    lb_error error = {0};
    picture p;
    cr_expect(eq(int, picture_read(path_of(file), &p, &error), LB_FORMAT), "%s", file);
    cr_expect(strstr(error.message, file) && strstr(error.message, words), "wanted '%s': %s", words, error.message);
    cr_expect(p.pixels == NULL);
    picture_free(&p);
}

static void expect_near(const picture *p, const unsigned char *pixels, size_t height, size_t width, int tolerance) {
    cr_assert(eq(sz, p->height, height));
    cr_assert(eq(sz, p->width, width));
    for (size_t i = 0; i < height * width; i++)
        cr_assert(le(int, abs(p->pixels[i] - pixels[i]), tolerance), "pixel %zu: %d, not %d", i, p->pixels[i],
                  pixels[i]);
}

static unsigned char luma(const unsigned char *rgb) {
    return (unsigned char)((299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000);
}

/* A smooth picture, as chroma is subsampled. */
Test(jpeg_picture, is_read_as_luma, .init = make_root, .fini = remove_root) {
    unsigned char grey[18 * 31], rgb[18 * 31 * 3], want[18 * 31];
    for (size_t i = 0; i < 18 * 31; i++) {
        grey[i] = (unsigned char)(i % 31 * 8);
        rgb[3 * i] = (unsigned char)(i % 31 * 7);
        rgb[3 * i + 1] = (unsigned char)(200 - i / 31 * 10);
        rgb[3 * i + 2] = 90;
        want[i] = luma(rgb + 3 * i);
    }
    write_jpeg_file(path_of("grey.jpg"), grey, 18, 31, 1, 100);
    write_jpeg_file(path_of("colour.JPG"), rgb, 18, 31, 3, 100);
    picture p = read_picture("grey.jpg");
    expect_near(&p, grey, 18, 31, 2);
    picture_free(&p);
    p = read_picture("colour.JPG");
    expect_near(&p, want, 18, 31, 3);
    picture_free(&p);
}

Test(png_picture, of_grey_is_read_exactly, .init = make_root, .fini = remove_root) {
    unsigned char grey[13 * 10], bits[13 * 2], deep[13 * 10 * 2], want[13 * 10];
    fill_noise(grey, sizeof grey, "grey");
    fill_noise(bits, sizeof bits, "bits");
    write_png_file(path_of("8.png"), grey, 10, 13, 10, 8, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, NULL, 0);
    write_png_file(path_of("woven.PNG"), grey, 10, 13, 10, 8, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_ADAM7, NULL, 0);
    write_png_file(path_of("1.png"), bits, 2, 13, 10, 1, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, NULL, 0);
    for (size_t i = 0; i < sizeof grey; i++) deep[2 * i] = deep[2 * i + 1] = grey[i]; /* 257 v of 65535 is v of 255 */
    write_png_file(path_of("16.png"), deep, 20, 13, 10, 16, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, NULL, 0);
    static const char *const files[] = {"8.png", "woven.PNG", "16.png"};
    for (size_t i = 0; i < 3; i++) {
        picture p = read_picture(files[i]);
        expect_near(&p, grey, 13, 10, 0);
        picture_free(&p);
    }
    for (size_t y = 0; y < 13; y++)
        for (size_t x = 0; x < 10; x++) want[10 * y + x] = bits[2 * y + x / 8] >> (7 - x % 8) & 1 ? 255 : 0;
    picture p = read_picture("1.png");
    expect_near(&p, want, 13, 10, 0);
    picture_free(&p);
}

Test(png_picture, of_colour_is_read_as_luma, .init = make_root, .fini = remove_root) {
    enum { HEIGHT = 9, WIDTH = 11, AREA = HEIGHT * WIDTH };
    unsigned char rgb[AREA * 3], rgba[AREA * 4], index[AREA], palette[200 * 3], want[AREA], of_palette[AREA];
    fill_noise(rgb, sizeof rgb, "rgb");
    fill_noise(rgba, sizeof rgba, "alpha");
    fill_noise(palette, sizeof palette, "palette");
    for (size_t i = 0; i < AREA; i++) {
        memcpy(rgba + 4 * i, rgb + 3 * i, 3);
        index[i] = (unsigned char)(i * 2);
        want[i] = luma(rgb + 3 * i);
        of_palette[i] = luma(palette + 3 * index[i]);
    }
    write_png_file(path_of("rgb.png"), rgb, WIDTH * 3, HEIGHT, WIDTH, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, NULL,
                   0);
    write_png_file(path_of("rgba.png"), rgba, WIDTH * 4, HEIGHT, WIDTH, 8, PNG_COLOR_TYPE_RGBA, PNG_INTERLACE_NONE,
                   NULL, 0);
    write_png_file(path_of("palette.png"), index, WIDTH, HEIGHT, WIDTH, 8, PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE,
                   palette, 200);
    static const char *const files[] = {"rgb.png", "rgba.png", "palette.png"};
    for (size_t i = 0; i < 3; i++) {
        picture p = read_picture(files[i]);
        expect_near(&p, i == 2 ? of_palette : want, HEIGHT, WIDTH, 0);
        picture_free(&p);
    }
}

Test(picture, that_is_missing_garbage_or_too_large_is_refused, .init = make_root, .fini = remove_root) {
    static unsigned char wide[PICTURE_MAX_SIDE + 1];
    expect_refused("none.jpg", "No such file");
    expect_refused("none.png", "No such file");
    write_bytes(path_of("text.jpg"), "no picture at all", 17);
    expect_refused("text.jpg", "Not a JPEG file");
    write_bytes(path_of("text.png"), "no picture at all", 17);
    expect_refused("text.png", "Not a PNG file");
    write_bytes(path_of("picture.bmp"), "BM", 2);
    expect_refused("picture.bmp", "neither in .jpg nor in .png");
    lb_error error = {0};
    picture p;
    cr_expect(eq(int, picture_read("jpg", &p, &error), LB_FORMAT));
    write_jpeg_file(path_of("wide.jpg"), wide, 1, sizeof wide, 1, 75);
    expect_refused("wide.jpg", "4097 x 1");
    write_png_file(path_of("high.png"), wide, 1, sizeof wide, 1, 8, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, NULL, 0);
    expect_refused("high.png", "1 x 4097");
    write_png_file(path_of("whole.png"), wide, sizeof wide - 1, 1, sizeof wide - 1, 8, PNG_COLOR_TYPE_GRAY,
                   PNG_INTERLACE_NONE, NULL, 0);
    p = read_picture("whole.png");
    cr_expect(eq(sz, p.width, PICTURE_MAX_SIDE));
    picture_free(&p);
}

static size_t write_sample(const char *file, unsigned char *bytes, size_t room) {
    unsigned char pixels[20 * 20];
    fill_noise(pixels, sizeof pixels, "sample");
    if (strstr(file, ".jpg"))
        write_jpeg_file(path_of(file), pixels, 20, 20, 1, 75);
    else
        write_png_file(path_of(file), pixels, 20, 20, 20, 8, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, NULL, 0);
    const size_t size = read_bytes(path_of(file), bytes, room);
    cr_assert(size > 300 && size < room);
    return size;
}

Test(picture, cut_short_anywhere_is_refused, .init = make_root, .fini = remove_root) {
    static const char *const files[] = {"a.jpg", "a.png"};
    unsigned char bytes[4000];
    for (size_t i = 0; i < 2; i++) {
        const size_t size = write_sample(files[i], bytes, sizeof bytes);
        for (size_t n = 0; n < size; n++) {
            write_bytes(path_of(files[i]), bytes, n);
            expect_refused(files[i], "cannot read");
        }
    }
}

/* A PNG holds a checksum of every chunk. */
Test(png_picture, with_a_changed_byte_is_refused, .init = make_root, .fini = remove_root) {
    unsigned char bytes[4000];
    const size_t size = write_sample("a.png", bytes, sizeof bytes);
    for (size_t i = 0; i < 2 * size; i++) {
        const unsigned char right = bytes[i / 2];
        bytes[i / 2] = (unsigned char)(right ^ (i % 2 ? 0xff : 1));
        write_bytes(path_of("a.png"), bytes, size);
        expect_refused("a.png", "");
        bytes[i / 2] = right;
    }
}

/* A comment behind the header (33 bytes); of a wrong checksum libpng would warn and go on. */
Test(png_picture, with_a_damaged_comment_is_refused, .init = make_root, .fini = remove_root) {
    static const unsigned char comment[] = {0, 0, 0, 3, 't', 'E', 'X', 't', 'a', 0, 'b', 0xdc, 0x49, 0xa2, 0x3b};
    unsigned char bytes[4000], longer[4000 + sizeof comment];
    const size_t size = write_sample("a.png", bytes, sizeof bytes);
    memcpy(longer, bytes, 33);
    memcpy(longer + 33, comment, sizeof comment);
    memcpy(longer + 33 + sizeof comment, bytes + 33, size - 33);
    write_bytes(path_of("a.png"), longer, size + sizeof comment);
    picture p = read_picture("a.png");
    picture_free(&p);
    longer[33 + 10] ^= 1;
    write_bytes(path_of("a.png"), longer, size + sizeof comment);
    expect_refused("a.png", "CRC");
}

/* --- memory --- */

Test(picture, survives_a_failed_allocation, .init = make_root, .fini = remove_root) {
#if FAILING_MALLOC
    static const char *const files[] = {"a.jpg", "a.png"};
    unsigned char bytes[4000], out[10 * 10];
    for (size_t i = 0; i < 2; i++) {
        write_sample(files[i], bytes, sizeof bytes);
        char path[200];
        snprintf(path, sizeof path, "%s", path_of(files[i]));
        size_t failures = 0;
        for (long n = 0; n < 60; n++) {
            lb_error error = {0};
            picture p;
            fail_malloc_after(n);
            int code = picture_read(path, &p, &error);
            if (!code) code = picture_resize(&p, 0, 0, 20, 20, 10, 10, out, &error);
            fail_malloc_after(-1);
            cr_assert(code == LB_OK || error.message[0]);
            failures += code != LB_OK;
            picture_free(&p);
        }
        cr_expect(gt(sz, failures, 3));
        cr_expect(lt(sz, failures, 60));
    }
#else
    remove_root(); /* a skipped test has no clean-up */
    cr_skip_test("the sanitizer has a malloc of its own");
#endif
}
