/* Splitting: whole parts, fair shares, no duplicates, thinning by prefix. */
#include "datasets/split.h"

#include "datasets/items.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Items whose one pixel-quad holds their own number; types and parts are for the test to set. */
static dataset_items pool_of(size_t count) {
    dataset_items all = {.count = count};
    cr_assert(eq(int, items_allocate(&all, 4, 1, ITEMS_BYTES, DATASET_BOXES | DATASET_MASKS, count, NULL), LB_OK));
    for (uint32_t i = 0; i < count; i++) {
        memcpy(all.pixels + 4 * (size_t)i, &i, sizeof i);
        all.parts[i] = i;
    }
    return all;
}

static unsigned char *keep_all(size_t count) {
    unsigned char *keep = malloc(count);
    memset(keep, 1, count);
    return keep;
}

Test(split, single_items_get_exact_shares_of_each_type) {
    enum { COUNT = 1240 };
    dataset_items all = pool_of(COUNT);
    unsigned char *keep = keep_all(COUNT);
    for (size_t i = 1000; i < COUNT; i++) all.types[i] = i < 1200 ? 1 : 2;
    rng stream = rng_from_text("split");
    item_split s;
    cr_assert(eq(int, split_by_part(&all, keep, &split_usual, &stream, &s, NULL), LB_OK));
    const size_t goods[SET_COUNT] = {500, 100, 150, 250}, common[SET_COUNT] = {100, 30, 0, 70},
                 rare[SET_COUNT] = {20, 6, 0, 14};
    unsigned char seen[COUNT] = {0};
    for (int set = 0; set < SET_COUNT; set++) {
        size_t of_type[3] = {0};
        for (size_t i = 0; i < s.count[set]; i++) {
            seen[s.items[set][i]]++;
            of_type[all.types[s.items[set][i]]]++;
            cr_expect(eq(int, all.types[s.items[set][i]] == 0, i < s.goods[set]));
        }
        cr_expect(eq(sz, of_type[0], goods[set]));
        cr_expect(eq(sz, of_type[1], common[set]));
        cr_expect(eq(sz, of_type[2], rare[set]));
    }
    for (size_t i = 0; i < COUNT; i++) cr_expect(eq(u8, seen[i], 1));
    split_free(&s);
    items_free(&all);
    free(keep);
}

/* Parts of 1 to 6 images, some with goods and defects in one. */
Test(split, parts_stay_whole) {
    enum { COUNT = 3000 };
    dataset_items all = pool_of(COUNT);
    unsigned char *keep = keep_all(COUNT);
    rng draw = rng_from_text("parts"), stream = rng_from_text("split");
    uint32_t part = 0;
    for (size_t i = 0; i < COUNT; part++)
        for (uint32_t n = 1 + rng_below(&draw, 6); n > 0 && i < COUNT; n--, i++) {
            all.parts[i] = part;
            all.types[i] = part % 5 == 0 && n % 2 ? 1 : 0;
        }
    item_split s;
    cr_assert(eq(int, split_by_part(&all, keep, &split_usual, &stream, &s, NULL), LB_OK));
    int *set_of_part = malloc(part * sizeof *set_of_part);
    for (uint32_t p = 0; p < part; p++) set_of_part[p] = -1;
    for (int set = 0; set < SET_COUNT; set++)
        for (size_t i = 0; i < s.count[set]; i++) {
            int *of = &set_of_part[all.parts[s.items[set][i]]];
            cr_expect(eq(int, *of == -1 || *of == set, 1), "a part in two sets");
            *of = set;
        }
    cr_expect(epsilon_eq(dbl, (double)s.count[SET_TRAIN], 1500, 12));
    cr_expect(epsilon_eq(dbl, (double)s.count[SET_SELECT], 300 + 0.05 * 600, 12));
    free(set_of_part);
    split_free(&s);
    items_free(&all);
    free(keep);
}

/* Tiles of parts of which `mixed` of 100 show a defect, one in five tiles of each: how many tiles calibrate gets. */
static dataset split_tiles(uint32_t mixed) {
    enum { PARTS = 100, TILES = 10 };
    dataset_items all = pool_of(PARTS * TILES);
    unsigned char *keep = keep_all(PARTS * TILES);
    for (uint32_t i = 0; i < PARTS * TILES; i++) {
        all.parts[i] = i / TILES;
        all.types[i] = i / TILES < mixed && i % 5 == 0;
    }
    const dataset_request request = {.seed = 1};
    dataset d = {.height = 2, .width = 2, .channels = 1};
    cr_assert(eq(int, split_collection("tiles", &all, keep, NULL, &request, &d, NULL), LB_OK));
    items_free(&all);
    free(keep);
    return d;
}

Test(split, parts_that_all_show_a_defect_give_goods_to_every_set) {
    dataset d = split_tiles(100);
    const double shares[SET_COUNT] = {50, 10, 15, 25};
    for (int set = 0; set < SET_COUNT; set++) {
        cr_expect(epsilon_eq(dbl, (double)d.sets[set].goods, 8 * shares[set], 8.5), "set %d", set);
        cr_expect(eq(sz, d.sets[set].count * 4, d.sets[set].goods * 5), "whole parts only, set %d", set);
    }
    dataset_free(&d);
}

Test(split, where_most_goods_are_alone_calibrate_has_no_defects) {
    dataset d = split_tiles(40);
    const dataset_items *calibrate = &d.sets[SET_CALIBRATE];
    cr_expect(eq(sz, calibrate->count, calibrate->goods));
    cr_expect(gt(sz, calibrate->goods, 50));
    dataset_free(&d);
}

/* Data without a clean class: two types of defect, 200 and 40 items. */
Test(split, without_goods_defects_have_their_usual_shares_and_no_ratio) {
    enum { COUNT = 240 };
    dataset_items all = pool_of(COUNT);
    unsigned char *keep = keep_all(COUNT);
    const size_t want[SET_COUNT] = {120, 36, 0, 84};
    dataset d = {.height = 2, .width = 2, .channels = 1};
    dataset_request request = {.seed = 1};
    lb_error error = {0};
    for (size_t i = 0; i < COUNT; i++) all.types[i] = i < 200 ? 1 : 2;
    cr_assert(eq(int, split_collection("sample", &all, keep, NULL, &request, &d, &error), LB_OK), "%s", error.message);
    for (int set = 0; set < SET_COUNT; set++) {
        cr_expect(eq(sz, d.sets[set].count, want[set]));
        cr_expect(eq(sz, d.sets[set].goods, 0));
    }
    dataset_free(&d);
    request.ratio = 5;
    cr_expect(eq(int, split_collection("sample", &all, keep, NULL, &request, &d, &error), LB_INVALID));
    cr_expect(strstr(error.message, "'sample' has no clean images") && strstr(error.message, "natural"), "%s",
              error.message);
    items_free(&all);
    free(keep);
}

Test(split, copies_are_kept_once_and_contradictions_never) {
    dataset_items all = pool_of(10);
    unsigned char *keep = keep_all(10);
    size_t duplicates, conflicts;
    memcpy(all.pixels + 4 * 3, all.pixels + 4 * 1, 4); /* 1, 3, 8: three copies of one good */
    memcpy(all.pixels + 4 * 8, all.pixels + 4 * 1, 4);
    memcpy(all.pixels + 4 * 5, all.pixels + 4 * 2, 4); /* 2 and 5: good and defect */
    all.types[5] = 1;
    cr_assert(eq(int, split_drop_duplicates(&all, 4, keep, &duplicates, &conflicts, NULL), LB_OK));
    const unsigned char want[10] = {1, 1, 0, 0, 1, 0, 1, 1, 0, 1};
    cr_expect(eq(int, memcmp(keep, want, sizeof want), 0));
    cr_expect(eq(sz, duplicates, 2));
    cr_expect(eq(sz, conflicts, 2));
    items_free(&all);
    free(keep);
}

static item_split split_of(size_t goods, size_t defects) {
    item_split s = {0};
    s.goods[SET_TRAIN] = goods;
    s.count[SET_TRAIN] = goods + defects;
    s.items[SET_TRAIN] = malloc((goods + defects) * sizeof(uint32_t));
    for (uint32_t i = 0; i < goods + defects; i++) s.items[SET_TRAIN][i] = i;
    return s;
}

Test(split, thinning_takes_a_prefix) {
    static const struct {
        unsigned ratio;
        size_t goods, defects;
    } want[] = {{0, 1000, 100}, {10, 1000, 100}, {20, 1000, 50}, {33, 1000, 30}, {1000, 1000, 1}, {4, 400, 100}};
    for (size_t k = 0; k < sizeof want / sizeof *want; k++) {
        item_split s = split_of(1000, 100);
        size_t dropped;
        cr_assert(eq(int, split_thin_train(&s, want[k].ratio, "x", &dropped, NULL), LB_OK));
        cr_expect(eq(sz, s.goods[SET_TRAIN], want[k].goods));
        cr_expect(eq(sz, s.count[SET_TRAIN], want[k].goods + want[k].defects));
        cr_expect(eq(sz, dropped, 1100 - want[k].goods - want[k].defects));
        cr_expect(eq(u32, s.items[SET_TRAIN][0], 0));
        cr_expect(eq(u32, s.items[SET_TRAIN][want[k].goods], 1000)); /* the first defect stays the first */
        split_free(&s);
    }
    item_split s = split_of(1000, 100);
    size_t dropped;
    lb_error error = {0};
    cr_expect(eq(int, split_thin_train(&s, 1001, "x", &dropped, &error), LB_INVALID));
    cr_expect(strstr(error.message, "1:1000") != NULL, "%s", error.message);
    split_free(&s);
}

Test(split, boxes_and_masks_follow_their_items) {
    enum { COUNT = 200 };
    dataset_items all = pool_of(COUNT);
    unsigned char *keep = keep_all(COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        all.types[i] = i % 2;
        all.masks[4 * i] = (unsigned char)i;
        if (i % 2) all.boxes[all.box_count++] = (dataset_box){i, 1, (float)i, 0, (float)i + 1, 1};
    }
    rng stream = rng_from_text("split");
    item_split s;
    dataset d = {.height = 2, .width = 2, .channels = 1};
    cr_assert(eq(int, split_by_part(&all, keep, &split_usual, &stream, &s, NULL), LB_OK));
    cr_assert(eq(int, split_apply(&s, &all, DATASET_BOXES | DATASET_MASKS, &d, NULL), LB_OK));
    for (int set = 0; set < SET_COUNT; set++) {
        const dataset_items *items = &d.sets[set];
        cr_expect(eq(sz, items->box_count, items->count - items->goods));
        for (size_t b = 0; b < items->box_count; b++) {
            const uint32_t item = items->boxes[b].item;
            cr_expect(eq(u32, item, (uint32_t)(items->goods + b)));
            cr_expect(eq(flt, items->boxes[b].x1, (float)items->parts[item]));
        }
        for (size_t i = 0; i < items->count; i++)
            cr_expect(eq(u8, items->masks[4 * i], (unsigned char)items->parts[i]));
    }
    dataset_free(&d);
    split_free(&s);
    items_free(&all);
    free(keep);
}
