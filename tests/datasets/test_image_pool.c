/* Pools of images with masks or boxes: finding a pack, copies, the content hash, and what a data set is made of. */
#include "datasets/items.h"
#include "datasets/public/pack.h"
#include "tests/datasets/scratch.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>
#include <sys/stat.h>

enum { HEIGHT = 6, WIDTH = 8, AREA = HEIGHT * WIDTH };

static const char *const type_names[] = {"good", "dent", "scratch", NULL};

/* Parts of 4 items; the first `clean` parts hold goods alone, each other three goods and one defect, whose mask is a
   rectangle that starts at (part % 4, part % 3) and is 2 wide and 3 high. Every item's pixels hold its number. */
static image_pool pool_of(uint32_t parts, uint32_t clean) {
    image_pool p;
    cr_assert(eq(int, image_pool_allocate(&p, HEIGHT, WIDTH, 4 * (size_t)parts, DATASET_MASKS, 0, NULL), LB_OK));
    for (uint32_t i = 0; i < 4 * parts; i++) {
        const uint32_t part = i / 4;
        memcpy(p.items.pixels + (size_t)i * AREA, &i, sizeof i);
        p.items.parts[i] = 10 * part;
        if (part < clean || i % 4 != 2) continue;
        p.items.types[i] = (uint16_t)(1 + part % 2);
        for (size_t k = 0; k < 6; k++) p.items.masks[i * AREA + (part % 3 + k / 2) * WIDTH + part % 4 + k % 2] = 255;
    }
    return p;
}

static dataset open_pool(const image_pool *p, unsigned want, unsigned seed) {
    const dataset_request request = {.seed = seed, .want = want};
    lb_error error = {0};
    dataset d;
    cr_assert(eq(int, image_pool_open(p, "sample", type_names, NULL, &request, &d, &error), LB_OK), "%s", error.message);
    return d;
}

static uint32_t number_of(const dataset_items *set, size_t i) {
    uint32_t number;
    memcpy(&number, set->pixels + i * AREA, sizeof number);
    return number;
}

Test(image_pool, gives_room_for_usable_items) {
    image_pool p;
    cr_assert(eq(int, image_pool_allocate(&p, 3, 5, 7, DATASET_MASKS, 0, NULL), LB_OK));
    cr_expect(p.height == 3 && p.width == 5 && p.items.count == 7);
    for (size_t i = 0; i < 7; i++) cr_expect(eq(int, p.usable[i], 1));
    for (size_t i = 0; i < 7 * 15; i++) cr_expect(eq(int, p.items.masks[i] | p.items.pixels[i], 0));
    image_pool_free(&p);
    cr_expect(p.usable == NULL && p.items.masks == NULL);
}

Test(image_pool, hands_its_counts_on) {
    image_pool p = pool_of(40, 30);
    memcpy(p.items.pixels + 5 * AREA, p.items.pixels + 4 * AREA, AREA);     /* two goods */
    memcpy(p.items.pixels + 122 * AREA, p.items.pixels + 121 * AREA, AREA); /* a good and a defect */
    p.usable[0] = 0;
    p.vanished = 3;
    p.empty = 4;
    p.between = 5;
    p.absent = 6;
    p.cut = 7;
    p.bad_boxes = 8;
    p.unmarked = 9;
    cr_assert(eq(int, image_pool_finish(&p, NULL), LB_OK));
    dataset d = open_pool(&p, 0, 1);
    cr_expect(d.height == HEIGHT && d.width == WIDTH && d.channels == 1);
    cr_expect(eq(sz, d.duplicates, 1));
    cr_expect(eq(sz, d.conflicts, 2));
    cr_expect(eq(sz, d.vanished, 3));
    cr_expect(eq(sz, d.empty, 4));
    cr_expect(eq(sz, d.between, 5));
    cr_expect(eq(sz, d.absent, 6));
    cr_expect(eq(sz, d.cut, 7));
    cr_expect(eq(sz, d.bad_boxes, 8));
    cr_expect(eq(sz, d.unmarked, 9));
    cr_expect(eq(int, d.independent, 0));
    cr_expect(d.type_names == type_names);
    size_t count = 0;
    for (int set = 0; set < SET_COUNT; set++) {
        count += d.sets[set].count;
        for (size_t i = 0; i < d.sets[set].count; i++) {
            const uint32_t number = number_of(&d.sets[set], i);
            cr_expect(number != 0 && number != 5 && number != 121 && number != 122);
        }
    }
    cr_expect(eq(sz, count, 160 - 4));
    dataset_free(&d);
    image_pool_free(&p);
}

Test(image_pool, gives_masks_and_boxes_when_wanted) {
    image_pool p = pool_of(60, 40);
    dataset plain = open_pool(&p, 0, 2), masks = open_pool(&p, DATASET_MASKS, 2),
            boxes = open_pool(&p, DATASET_BOXES, 2), both = open_pool(&p, DATASET_MASKS | DATASET_BOXES, 2);
    for (int which = 0; which < SET_COUNT; which++) {
        const dataset_items *set = &both.sets[which];
        cr_expect(plain.sets[which].masks == NULL && plain.sets[which].boxes == NULL);
        cr_expect(masks.sets[which].masks && masks.sets[which].boxes == NULL);
        cr_expect(boxes.sets[which].masks == NULL && boxes.sets[which].boxes);
        cr_assert(eq(sz, set->box_count, set->count - set->goods));
        for (size_t i = 0; i < set->count; i++) {
            const uint32_t number = number_of(set, i);
            cr_expect(eq(u32, set->parts[i], number / 4 * 10));
            cr_expect(eq(int, memcmp(set->masks + i * AREA, p.items.masks + number * AREA, AREA), 0));
        }
        for (size_t b = 0; b < set->box_count; b++) {
            const dataset_box *box = &set->boxes[b];
            const uint32_t part = number_of(set, set->goods + b) / 4;
            cr_expect(eq(u32, box->item, (uint32_t)(set->goods + b)));
            cr_expect(eq(u32, box->type, 1 + part % 2));
            cr_expect(eq(int, (int)box->x1, (int)(part % 4)));
            cr_expect(eq(int, (int)box->y1, (int)(part % 3)));
            cr_expect(eq(int, (int)box->x2, (int)(part % 4 + 2)));
            cr_expect(eq(int, (int)box->y2, (int)(part % 3 + 3)));
        }
    }
    dataset_free(&plain);
    dataset_free(&masks);
    dataset_free(&boxes);
    dataset_free(&both);
    image_pool_free(&p);
}

/* --- boxes --- */

/* Items 0 .. 4*parts-1 as in pool_of, all defects without a mask; item i has i % 3 boxes, whose x1 is its number. */
static image_pool boxed_pool_of(uint32_t items) {
    image_pool p;
    cr_assert(eq(int, image_pool_allocate(&p, HEIGHT, WIDTH, items, DATASET_BOXES, 2 * (size_t)items, NULL), LB_OK));
    cr_assert(p.items.masks == NULL && p.items.boxes != NULL);
    cr_assert(eq(sz, p.items.box_count, 0));
    for (uint32_t i = 0; i < items; i++) {
        memcpy(p.items.pixels + (size_t)i * AREA, &i, sizeof i);
        p.items.parts[i] = 10 * i;
        p.items.types[i] = (uint16_t)(1 + i % 2);
        for (uint32_t b = 0; b < i % 3; b++)
            p.items.boxes[p.items.box_count++] =
                (dataset_box){i, 1 + b, (float)i, (float)b, (float)i + 1, (float)b + 2};
    }
    return p;
}

Test(image_pool, gives_its_own_boxes_when_wanted) {
    image_pool p = boxed_pool_of(100);
    p.usable[2] = 0;
    dataset plain = open_pool(&p, DATASET_MASKS, 1), d = open_pool(&p, DATASET_MASKS | DATASET_BOXES, 1);
    size_t found = 0;
    for (int which = 0; which < SET_COUNT; which++) {
        const dataset_items *set = &d.sets[which];
        cr_expect(plain.sets[which].boxes == NULL && set->masks == NULL && set->boxes != NULL);
        const dataset_box *box = set->boxes;
        for (uint32_t i = 0; i < set->count; i++)
            for (uint32_t b = 0; b < number_of(set, i) % 3; b++, box++) {
                cr_assert(lt(sz, (size_t)(box - set->boxes), set->box_count));
                cr_expect(eq(u32, box->item, i));
                cr_expect(eq(u32, box->type, 1 + b));
                cr_expect(eq(u32, (uint32_t)box->x1, number_of(set, i)));
            }
        cr_expect(eq(sz, (size_t)(box - set->boxes), set->box_count));
        found += set->box_count;
    }
    cr_expect(eq(sz, found, p.items.box_count - 2));
    dataset_free(&plain);
    dataset_free(&d);
    image_pool_free(&p);
}

static void expect_other_content(const image_pool *p, const char *content, const char *what) {
    char other[60];
    cr_assert(eq(int, image_pool_identify(p, other, sizeof other, NULL), LB_OK));
    cr_expect(ne(str, (char *)content, other), "%s", what);
}

Test(image_pool, content_is_of_boxes_too) {
    image_pool p = boxed_pool_of(20);
    dataset_box *box = &p.items.boxes[p.items.box_count - 1]; /* of item 19 */
    char first[60], again[60];
    p.usable[2] = 0;
    cr_assert(eq(int, image_pool_identify(&p, first, sizeof first, NULL), LB_OK));
    p.items.boxes[1].x2 += 1; /* of item 2 */
    cr_assert(eq(int, image_pool_identify(&p, again, sizeof again, NULL), LB_OK));
    cr_expect(eq(str, first, again), "a box of an item that is left out counts");
    float *const sides[] = {&box->x1, &box->y1, &box->x2, &box->y2};
    for (size_t k = 0; k < 4; k++) {
        *sides[k] += 0.5f;
        expect_other_content(&p, first, "a side");
        *sides[k] -= 0.5f;
    }
    box->type += 256;
    expect_other_content(&p, first, "the type of a box");
    box->type -= 256;
    p.items.box_count--;
    expect_other_content(&p, first, "the number of boxes");
    image_pool_free(&p);
}

/* --- splitting --- */

static void count_items(const dataset *d, size_t goods[SET_COUNT], size_t defects[SET_COUNT]) {
    for (int set = 0; set < SET_COUNT; set++) {
        goods[set] = d->sets[set].goods;
        defects[set] = d->sets[set].count - goods[set];
    }
}

static int parts_are_whole(const dataset *d, uint32_t parts) {
    int *set_of = malloc(parts * sizeof *set_of), whole = 1;
    for (uint32_t i = 0; i < parts; i++) set_of[i] = -1;
    for (int set = 0; set < SET_COUNT; set++)
        for (size_t i = 0; i < d->sets[set].count; i++) {
            int *of = &set_of[d->sets[set].parts[i] / 10];
            whole &= *of == -1 || *of == set;
            *of = set;
        }
    free(set_of);
    return whole;
}

Test(image_pool, with_clean_parts_splits_as_usual) {
    image_pool p = pool_of(200, 160);
    size_t goods[SET_COUNT], defects[SET_COUNT];
    dataset d = open_pool(&p, 0, 3);
    count_items(&d, goods, defects);
    cr_expect(eq(sz, defects[SET_CALIBRATE], 0));
    cr_expect(eq(sz, goods[SET_CALIBRATE], 96)); /* 15 % of the 640 of clean parts */
    cr_expect(eq(int, parts_are_whole(&d, 200), 1));
    dataset_free(&d);
    image_pool_free(&p);
}

/* Every image shows a defect, as in packs whose goods are tiles of defect images. */
Test(image_pool, without_clean_parts_still_calibrates_on_goods) {
    image_pool p = pool_of(200, 0);
    size_t goods[SET_COUNT], defects[SET_COUNT];
    dataset d = open_pool(&p, 0, 3), again = open_pool(&p, 0, 3), other = open_pool(&p, 0, 4);
    count_items(&d, goods, defects);
    static const size_t want[SET_COUNT] = {100, 20, 30, 50};
    for (int set = 0; set < SET_COUNT; set++) {
        cr_expect(epsilon_eq(dbl, (double)defects[set], (double)want[set], 1.01)); /* two types, whole parts */
        cr_expect(eq(sz, goods[set], 3 * defects[set]));
        cr_expect(eq(int, memcmp(d.sets[set].pixels, again.sets[set].pixels, d.sets[set].count * (size_t)AREA), 0));
    }
    cr_expect(ne(int, memcmp(d.sets[0].pixels, other.sets[0].pixels, 100 * (size_t)AREA), 0));
    cr_expect(eq(int, parts_are_whole(&d, 200), 1));
    dataset_free(&d);
    dataset_free(&again);
    dataset_free(&other);
    image_pool_free(&p);
}

Test(image_pool, content_is_of_all_that_is_used) {
    image_pool p = pool_of(10, 5);
    char first[60], other[60], small[10];
    p.usable[7] = 0;
    cr_assert(eq(int, image_pool_identify(&p, first, sizeof first, NULL), LB_OK));
    cr_expect(strncmp(first, "content=", 8) == 0 && strlen(first) == 24);
    p.items.pixels[7 * AREA] ^= 1;
    cr_assert(eq(int, image_pool_identify(&p, other, sizeof other, NULL), LB_OK));
    cr_expect(eq(str, first, other), "an item that is left out counts");
    p.items.pixels[8 * AREA + 40] ^= 1;
    cr_assert(eq(int, image_pool_identify(&p, other, sizeof other, NULL), LB_OK));
    cr_expect(ne(str, first, other), "pixels");
    p.items.pixels[8 * AREA + 40] ^= 1;
    p.items.masks[39 * AREA + 40] ^= 255;
    cr_assert(eq(int, image_pool_identify(&p, other, sizeof other, NULL), LB_OK));
    cr_expect(ne(str, first, other), "masks");
    p.items.masks[39 * AREA + 40] ^= 255;
    p.items.parts[39] += 1u << 24;
    cr_assert(eq(int, image_pool_identify(&p, other, sizeof other, NULL), LB_OK));
    cr_expect(ne(str, first, other), "parts");
    p.items.parts[39] -= 1u << 24;
    p.items.types[38] += 256;
    cr_assert(eq(int, image_pool_identify(&p, other, sizeof other, NULL), LB_OK));
    cr_expect(ne(str, first, other), "types");
    cr_expect(eq(int, image_pool_identify(&p, small, sizeof small, NULL), LB_INVALID));
    image_pool_free(&p);
}

/* --- finding --- */

Test(pack, is_found_by_its_marker, .init = make_root, .fini = remove_root) {
    char directory[PACK_PATH], folder[60], search[200], path[200];
    lb_error error = {0};
    snprintf(search, sizeof search, ":/nowhere::%s:", root);
    snprintf(folder, sizeof folder, "%s/sample", root);
    snprintf(path, sizeof path, "%s/marker", root);
    cr_expect(eq(int, pack_find("sample", "marker", search, directory, &error), LB_NOT_FOUND));
    cr_expect(strstr(error.message, "'sample'") && strstr(error.message, root) &&
                  strstr(error.message, "make datasets"),
              "%s", error.message);
    cr_expect(eq(int, pack_find("sample", "marker", NULL, directory, NULL), LB_NOT_FOUND));
    cr_assert(eq(int, mkdir(path, 0777), 0));
    cr_assert(eq(int, pack_find("sample", "marker", search, directory, NULL), LB_OK));
    cr_expect(eq(str, directory, root));
    cr_assert(eq(int, mkdir(folder, 0777), 0));
    snprintf(path, sizeof path, "%s/marker", folder);
    cr_assert(eq(int, mkdir(path, 0777), 0));
    cr_assert(eq(int, pack_find("sample", "marker", search, directory, NULL), LB_OK));
    cr_expect(eq(str, directory, folder));
}
