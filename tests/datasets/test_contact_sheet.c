/* Contact sheets: a readable PNG of the right size, the same bytes twice, a sentence where it cannot be written. */
#include "datasets/contact_sheet.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[] = "/tmp/contact_sheet_XXXXXX";

static dataset opened(void) {
    const dataset_request request = {.ratio = 20, .seed = 1};
    dataset d;
    cr_assert(eq(int, dataset_open("synthetic(texture=printed, defect=mixed, scale=0.2)", &request, &d, NULL), LB_OK));
    return d;
}

static size_t read_bytes(const char *path, unsigned char *out, size_t size) {
    FILE *file = fopen(path, "rb");
    cr_assert(file != NULL, "%s", path);
    const size_t n = fread(out, 1, size, file);
    fclose(file);
    return n;
}

Test(contact_sheet, is_a_png_with_goods_left_and_defects_right) {
    static unsigned char first[2000000], second[2000000];
    char path[100], again[100];
    cr_assert(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/a.png", directory);
    snprintf(again, sizeof again, "%s/b.png", directory);
    dataset d = opened();
    cr_assert(eq(int, dataset_contact_sheet(&d, path, NULL), LB_OK));
    cr_assert(eq(int, dataset_contact_sheet(&d, again, NULL), LB_OK));
    const size_t n = read_bytes(path, first, sizeof first);
    cr_expect(eq(sz, read_bytes(again, second, sizeof second), n));
    cr_expect(eq(int, memcmp(first, second, n), 0));

    png_image image = {.version = PNG_IMAGE_VERSION};
    cr_assert(png_image_begin_read_from_file(&image, path) != 0, "%s", image.message);
    image.format = PNG_FORMAT_RGB;
    const size_t block = 8 * (3 * 32 + 2) - 2, width = 2 * block + 24 + 4;
    cr_assert(eq(u32, image.width, (uint32_t)width));
    cr_assert(eq(u32, image.height, 6 * (3 * 32 + 2) + 2));
    unsigned char *rgb = malloc(PNG_IMAGE_SIZE(image));
    cr_assert(png_image_finish_read(&image, NULL, rgb, 0, NULL) != 0);
    const dataset_items *test = &d.sets[SET_TEST];
    size_t first_of_type_1 = test->goods;
    while (test->types[first_of_type_1] != 1) first_of_type_1++;
    cr_expect(eq(u8, rgb[3 * (2 * width + 2)], test->pixels[0]));
    cr_expect(eq(u8, rgb[3 * (2 * width + 2 + block + 24)], test->pixels[first_of_type_1 * d.height * d.width]));
    free(rgb);
    dataset_free(&d);
    remove(path);
    remove(again);
    rmdir(directory);
}

Test(contact_sheet, without_goods_shows_defects_alone) {
    char name[] = "/tmp/contact_sheet_XXXXXX", path[100];
    cr_assert(mkdtemp(name) != NULL);
    snprintf(path, sizeof path, "%s/a.png", name);
    dataset d = opened();
    d.sets[SET_TEST].goods = 0;
    cr_assert(eq(int, dataset_contact_sheet(&d, path, NULL), LB_OK));
    png_image image = {.version = PNG_IMAGE_VERSION};
    cr_assert(png_image_begin_read_from_file(&image, path) != 0, "%s", image.message);
    cr_assert(eq(u32, image.width, 8 * (3 * 32 + 2) - 2 + 4));
    png_image_free(&image);
    dataset_free(&d);
    remove(path);
    rmdir(name);
}

Test(contact_sheet, says_where_it_could_not_write) {
    dataset d = opened();
    lb_error error = {0};
    cr_expect(eq(int, dataset_contact_sheet(&d, "/nowhere/at/all.png", &error), LB_IO));
    cr_expect(strstr(error.message, "/nowhere/at/all.png") != NULL, "%s", error.message);
    dataset_free(&d);
}
