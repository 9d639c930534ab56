/* Pools of images with masks: finding a pack, copies, the content hash, and what a data set is made of. */
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
static mask_pool pool_of(uint32_t parts, uint32_t clean) {
    mask_pool p;
    cr_assert(eq(int, mask_pool_allocate(&p, HEIGHT, WIDTH, 4 * (size_t)parts, NULL), LB_OK));
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

static dataset open_pool(const mask_pool *p, unsigned want, unsigned seed) {
    const dataset_request request = {.seed = seed, .want = want};
    lb_error error = {0};
    dataset d;
    cr_assert(eq(int, mask_pool_open(p, "sample", type_names, &request, &d, &error), LB_OK), "%s", error.message);
    return d;
}

static uint32_t number_of(const dataset_items *set, size_t i) {
    uint32_t number;
    memcpy(&number, set->pixels + i * AREA, sizeof number);
    return number;
}

Test(mask_pool, gives_room_for_usable_items) {
    mask_pool p;
    cr_assert(eq(int, mask_pool_allocate(&p, 3, 5, 7, NULL), LB_OK));
    cr_expect(p.height == 3 && p.width == 5 && p.items.count == 7);
    for (size_t i = 0; i < 7; i++) cr_expect(eq(int, p.usable[i], 1));
    for (size_t i = 0; i < 7 * 15; i++) cr_expect(eq(int, p.items.masks[i] | p.items.pixels[i], 0));
    mask_pool_free(&p);
    cr_expect(p.usable == NULL && p.items.masks == NULL);
}

Test(mask_pool, hands_its_counts_on) {
    mask_pool p = pool_of(40, 30);
    memcpy(p.items.pixels + 5 * AREA, p.items.pixels + 4 * AREA, AREA);     /* two goods */
    memcpy(p.items.pixels + 122 * AREA, p.items.pixels + 121 * AREA, AREA); /* a good and a defect */
    p.usable[0] = 0;
    p.vanished = 3;
    p.empty = 4;
    p.between = 5;
    cr_assert(eq(int, mask_pool_finish(&p, NULL), LB_OK));
    dataset d = open_pool(&p, 0, 1);
    cr_expect(d.height == HEIGHT && d.width == WIDTH && d.channels == 1);
    cr_expect(eq(sz, d.duplicates, 1));
    cr_expect(eq(sz, d.conflicts, 2));
    cr_expect(eq(sz, d.vanished, 3));
    cr_expect(eq(sz, d.empty, 4));
    cr_expect(eq(sz, d.between, 5));
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
    mask_pool_free(&p);
}

Test(mask_pool, gives_masks_and_boxes_when_wanted) {
    mask_pool p = pool_of(60, 40);
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
    mask_pool_free(&p);
}

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

Test(mask_pool, with_clean_parts_splits_as_usual) {
    mask_pool p = pool_of(200, 160);
    size_t goods[SET_COUNT], defects[SET_COUNT];
    dataset d = open_pool(&p, 0, 3);
    count_items(&d, goods, defects);
    cr_expect(eq(sz, defects[SET_CALIBRATE], 0));
    cr_expect(eq(sz, goods[SET_CALIBRATE], 96)); /* 15 % of the 640 of clean parts */
    cr_expect(eq(int, parts_are_whole(&d, 200), 1));
    dataset_free(&d);
    mask_pool_free(&p);
}

/* Every image shows a defect, as in packs whose goods are tiles of defect images. */
Test(mask_pool, without_clean_parts_still_calibrates_on_goods) {
    mask_pool p = pool_of(200, 0);
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
    mask_pool_free(&p);
}

Test(mask_pool, content_is_of_all_that_is_used) {
    mask_pool p = pool_of(10, 5);
    char first[60], other[60], small[10];
    p.usable[7] = 0;
    cr_assert(eq(int, mask_pool_identify(&p, first, sizeof first, NULL), LB_OK));
    cr_expect(strncmp(first, "content=", 8) == 0 && strlen(first) == 24);
    p.items.pixels[7 * AREA] ^= 1;
    cr_assert(eq(int, mask_pool_identify(&p, other, sizeof other, NULL), LB_OK));
    cr_expect(eq(str, first, other), "an item that is left out counts");
    p.items.pixels[8 * AREA + 40] ^= 1;
    cr_assert(eq(int, mask_pool_identify(&p, other, sizeof other, NULL), LB_OK));
    cr_expect(ne(str, first, other), "pixels");
    p.items.pixels[8 * AREA + 40] ^= 1;
    p.items.masks[39 * AREA + 40] ^= 255;
    cr_assert(eq(int, mask_pool_identify(&p, other, sizeof other, NULL), LB_OK));
    cr_expect(ne(str, first, other), "masks");
    p.items.masks[39 * AREA + 40] ^= 255;
    p.items.parts[39] += 1u << 24;
    cr_assert(eq(int, mask_pool_identify(&p, other, sizeof other, NULL), LB_OK));
    cr_expect(ne(str, first, other), "parts");
    p.items.parts[39] -= 1u << 24;
    p.items.types[38] += 256;
    cr_assert(eq(int, mask_pool_identify(&p, other, sizeof other, NULL), LB_OK));
    cr_expect(ne(str, first, other), "types");
    cr_expect(eq(int, mask_pool_identify(&p, small, sizeof small, NULL), LB_INVALID));
    mask_pool_free(&p);
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
