/* The importer of RSDDs: its rules and refusals on small packs that are made here, and the pack itself, where it is
   there. */
#include "datasets/dataset.h"
#include "lib/base/rng.h"
#include "tests/datasets/picture_files.h"
#include "tests/datasets/failing_open.h"
#include "tests/datasets/scratch.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- small packs --- */

enum { WIDTH = 55, TILE = WIDTH * WIDTH, TILES = 5, HEIGHT = TILES * WIDTH + 20, RAILS = 24 };

static const char *folder_of(const char *folder) {
    static char path[200];
    snprintf(path, sizeof path, "%s/Type-II RSDDs dataset/%s", root, folder);
    return path;
}

static const char *rail_path(const char *folder, unsigned number) {
    static char path[240];
    snprintf(path, sizeof path, "%s/rail_%u.jpg", folder_of(folder), number);
    return path;
}

#define IMAGES "Rail surface images"
#define MASKS "GroundTruth"

/* Noise named `like`: equal numbers give equal files. */
static void write_image(unsigned number, unsigned like, size_t height, size_t width) {
    static unsigned char pixels[2 * HEIGHT * WIDTH];
    char name[40];
    snprintf(name, sizeof name, "rail %u", like);
    rng stream = rng_from_text(name);
    for (size_t i = 0; i < height * width; i++) pixels[i] = (unsigned char)rng_below(&stream, 256);
    write_jpeg_file(rail_path(IMAGES, number), pixels, height, width, 1, 75);
}

/* Sets the first n pixels of a square of side `side` at (8, 8) of a tile. */
static void draw(unsigned char *mask, size_t tile, size_t side, size_t n) {
    for (size_t i = 0; i < n; i++) mask[(tile * WIDTH + 8 + i / side) * WIDTH + 8 + i % side] = 255;
}

static void write_mask(unsigned number, const unsigned char *mask) {
    write_jpeg_file(rail_path(MASKS, number), mask, HEIGHT, WIDTH, 1, 100);
}

/* One defect of 12 x 12 pixels, in tile number % TILES. */
static void write_usual_mask(unsigned number) {
    unsigned char mask[HEIGHT * WIDTH] = {0};
    draw(mask, number % TILES, 12, 144);
    write_mask(number, mask);
}

static void make_pack(void) {
    make_root();
    cr_assert(eq(int, mkdir(folder_of(""), 0777), 0));
    cr_assert(eq(int, mkdir(folder_of(IMAGES), 0777), 0));
    cr_assert(eq(int, mkdir(folder_of(MASKS), 0777), 0));
    for (unsigned n = 1; n <= RAILS; n++) {
        write_image(n, n, HEIGHT, WIDTH);
        write_usual_mask(n);
    }
}

static int try_pack(const char *expression, dataset *d, lb_error *error) {
    const dataset_request request = {.want = DATASET_MASKS | DATASET_BOXES, .seed = 1, .search = root};
    *error = (lb_error){0};
    dataset_forget();
    return dataset_open(expression, &request, d, error);
}

static dataset open_pack(const char *expression) {
    dataset d;
    lb_error error;
    cr_assert(eq(int, try_pack(expression, &d, &error), LB_OK), "%s", error.message);
    return d;
}

static void expect_refused(const char *words, const char *also) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, try_pack("rsdds", &d, &error), LB_FORMAT), "%s: %s", words, error.message);
    cr_expect(strstr(error.message, words) && strstr(error.message, also), "wanted '%s', '%s': %s", words, also,
              error.message);
    cr_expect(strchr(error.message, '\n') == NULL, "%s", error.message);
    cr_expect(eq(sz, d.sets[SET_TRAIN].count, 0));
}

static size_t count_goods(const dataset *d) {
    size_t goods = 0;
    for (int set = 0; set < SET_COUNT; set++) goods += d->sets[set].goods;
    return goods;
}

static size_t count_defects(const dataset *d) {
    size_t defects = 0;
    for (int set = 0; set < SET_COUNT; set++) defects += d->sets[set].count - d->sets[set].goods;
    return defects;
}

/* Items of one part. */
static size_t count_part(const dataset *d, uint32_t part) {
    size_t found = 0;
    for (int set = 0; set < SET_COUNT; set++)
        for (size_t i = 0; i < d->sets[set].count; i++) found += d->sets[set].parts[i] == part;
    return found;
}

static size_t mask_pixels(const dataset *d, const dataset_items *set, size_t item) {
    size_t found = 0;
    for (size_t i = 0; i < d->height * d->width; i++) found += set->masks[item * d->height * d->width + i] == 255;
    return found;
}

Test(small_rails, are_cut_into_tiles, .init = make_pack, .fini = remove_root) {
    dataset d = open_pack("rsdds(size=55)");
    cr_expect(d.height == 55 && d.width == 55 && d.channels == 1);
    cr_expect(eq(sz, count_defects(&d), RAILS));
    cr_expect(eq(sz, count_goods(&d), RAILS * (TILES - 1)));
    cr_expect(d.between == 0 && d.vanished == 0 && d.empty == 0 && d.duplicates == 0 && d.conflicts == 0);
    for (uint32_t n = 1; n <= RAILS; n++) cr_expect(eq(sz, count_part(&d, n), TILES));
    for (int which = 0; which < SET_COUNT; which++) {
        const dataset_items *set = &d.sets[which];
        for (size_t i = 0; i < set->goods; i++) cr_expect(eq(sz, mask_pixels(&d, set, i), 0));
        for (size_t b = 0; b < set->box_count; b++) {
            const dataset_box *box = &set->boxes[b];
            cr_expect(eq(sz, mask_pixels(&d, set, box->item), 144));
            cr_expect(box->item < set->count && (int)box->x1 == 8 && (int)box->y1 == 8 && (int)box->x2 == 20 &&
                      (int)box->y2 == 20);
        }
    }
    dataset_free(&d);
}

/* At size=55 nothing is resized: a tile holds the very pixels of its rail. */
Test(small_rails, give_their_tiles_from_the_top, .init = make_pack, .fini = remove_root) {
    unsigned char pixels[HEIGHT * WIDTH], mask[HEIGHT * WIDTH] = {0};
    for (size_t y = 0; y < HEIGHT; y++) memset(pixels + y * WIDTH, (int)(20 + 40 * (y / WIDTH)), WIDTH);
    write_jpeg_file(rail_path(IMAGES, 9), pixels, HEIGHT, WIDTH, 1, 100);
    draw(mask, 3, 12, 144);
    write_mask(9, mask);
    dataset d = open_pack("rsdds(size=55)");
    unsigned seen = 0;
    for (int which = 0; which < SET_COUNT; which++)
        for (size_t i = 0; i < d.sets[which].count; i++) {
            if (d.sets[which].parts[i] != 9) continue;
            const int level = d.sets[which].pixels[i * TILE + 27 * WIDTH + 27], tile = (level - 10) / 40;
            cr_expect(le(int, abs(level - 20 - 40 * tile), 3));
            cr_expect(eq(int, d.sets[which].types[i], tile == 3));
            seen |= 1u << tile;
        }
    cr_expect(eq(uint, seen, 31)); /* each of five, none of the rest */
    dataset_free(&d);
}

Test(small_rails, need_eight_pixels_for_a_defect, .init = make_pack, .fini = remove_root) {
    unsigned char mask[HEIGHT * WIDTH] = {0};
    draw(mask, 0, 4, 8);
    draw(mask, 1, 4, 7);
    draw(mask, 2, 4, 1);
    memset(mask + TILES * TILE, 255, 20 * WIDTH); /* the rest, which is not used */
    write_mask(3, mask);
    dataset d = open_pack("rsdds(size=55)");
    cr_expect(eq(sz, d.between, 2));
    cr_expect(eq(sz, count_defects(&d), RAILS));
    cr_expect(eq(sz, count_goods(&d), RAILS * (TILES - 1) - 2));
    cr_expect(eq(sz, count_part(&d, 3), 3));
    dataset_free(&d);
}

/* A JPEG mask is not only 0 and 255. */
Test(small_rails, have_a_mask_above_127, .init = make_pack, .fini = remove_root) {
    unsigned char mask[HEIGHT * WIDTH];
    memset(mask, 120, sizeof mask);
    for (size_t y = 0; y < 16; y++) memset(mask + y * WIDTH, 136, 16);
    write_mask(3, mask);
    dataset d = open_pack("rsdds(size=55)");
    cr_expect(eq(sz, count_defects(&d), RAILS));
    for (int which = 0; which < SET_COUNT; which++)
        for (size_t i = d.sets[which].goods; i < d.sets[which].count; i++)
            if (d.sets[which].parts[i] == 3) cr_expect(eq(sz, mask_pixels(&d, &d.sets[which], i), 256));
    dataset_free(&d);
}

/* 8 pixels of a cell of 3.4 x 3.4 in a row of 8: never half of any. */
Test(small_rails, lose_defects_that_vanish, .init = make_pack, .fini = remove_root) {
    unsigned char mask[HEIGHT * WIDTH] = {0};
    draw(mask, 2, 8, 8);
    write_mask(3, mask);
    dataset d = open_pack("rsdds(size=16)");
    cr_expect(eq(sz, d.vanished, 1));
    cr_expect(eq(sz, count_defects(&d), RAILS - 1));
    cr_expect(eq(sz, count_part(&d, 3), TILES - 1));
    dataset_free(&d);
    d = open_pack("rsdds(size=64)");
    cr_expect(eq(sz, d.vanished, 0));
    cr_expect(d.height == 64 && d.width == 64);
    cr_expect(eq(sz, count_defects(&d), RAILS));
    dataset_free(&d);
}

/* Rail 20 shows the same as rail 7. What is between in 7 is good in 20 and so the only tile of 20 that is used; the
   defect of 7 is good in 20, and neither is used. */
Test(small_rails, that_show_the_same_are_one_part, .init = make_pack, .fini = remove_root) {
    unsigned char mask[HEIGHT * WIDTH] = {0};
    write_image(20, 7, HEIGHT, WIDTH);
    draw(mask, 0, 4, 7);
    draw(mask, 1, 12, 144);
    write_mask(7, mask);
    memset(mask, 0, sizeof mask);
    draw(mask, 2, 4, 4);
    write_mask(20, mask);
    dataset d = open_pack("rsdds");
    cr_expect(eq(sz, d.between, 2));
    cr_expect(eq(sz, d.conflicts, 2));
    cr_expect(eq(sz, d.duplicates, 2));
    cr_expect(eq(sz, count_part(&d, 20), 0));
    cr_expect(eq(sz, count_part(&d, 7), 4));
    dataset_free(&d);
}

Test(small_rails, are_kept_by_type_and_size_until_forgotten, .init = make_pack, .fini = remove_root) {
    const dataset_request request = {.search = root};
    char texts[6][200], again[200], expression[40];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 6; i++) {
            snprintf(expression, sizeof expression, "rsdds(size=%d)", 32 + i);
            cr_assert(eq(int, dataset_text(expression, &request, round ? again : texts[i], 200, NULL), LB_OK));
            if (round) cr_expect(eq(str, texts[i], again));
        }
    write_image(4, 100, HEIGHT, WIDTH);
    cr_assert(eq(int, dataset_text("rsdds(size=37)", &request, again, sizeof again, NULL), LB_OK));
    cr_expect(eq(str, texts[5], again), "what is kept was read again");
    dataset_forget();
    cr_assert(eq(int, dataset_text("rsdds(size=37)", &request, again, sizeof again, NULL), LB_OK));
    cr_expect(ne(str, texts[5], again), "the content does not enter");
}

/* --- refusals --- */

Test(small_rails, that_are_not_there_are_named_with_the_remedy, .init = make_pack, .fini = remove_root) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, try_pack("rsdds(type=I)", &d, &error), LB_NOT_FOUND));
    cr_expect(strstr(error.message, "'rsdds'") && strstr(error.message, "DATASETS="), "%s", error.message);
    cr_expect(eq(int, try_pack("rsdds(size=15)", &d, &error), LB_INVALID));
    cr_expect(eq(int, try_pack("rsdds(size=161)", &d, &error), LB_INVALID));
    cr_expect(eq(int, try_pack("rsdds(type=III)", &d, &error), LB_INVALID));
}

Test(small_rails, without_their_other_half_are_refused, .init = make_pack, .fini = remove_root) {
    cr_assert(eq(int, unlink(rail_path(MASKS, 5)), 0));
    expect_refused("GroundTruth/rail_5.jpg' is missing", "unpack");
    write_usual_mask(5);
    write_usual_mask(RAILS + 1);
    expect_refused("Rail surface images/rail_25.jpg' is missing", "unpack");
    cr_assert(eq(int, unlink(rail_path(MASKS, RAILS + 1)), 0));
    cr_assert(eq(int, unlink(rail_path(MASKS, RAILS)), 0));
    expect_refused("GroundTruth/rail_24.jpg' is missing", "unpack");
    cr_assert(eq(int, unlink(rail_path(IMAGES, 1)), 0));
    expect_refused("Rail surface images/rail_1.jpg' is missing", "unpack");
    for (unsigned n = 2; n < RAILS; n++) unlink(rail_path(IMAGES, n)), unlink(rail_path(MASKS, n));
    unlink(rail_path(IMAGES, RAILS));
    write_image(1, 1, HEIGHT, WIDTH);
    expect_refused("holds 1 images", "at least 2 are needed");
}

Test(small_rails, without_a_folder_are_refused, .init = make_pack, .fini = remove_root) {
    char moved[200];
    snprintf(moved, sizeof moved, "%s/elsewhere", root);
    static const char *const folders[] = {IMAGES, MASKS};
    for (size_t i = 0; i < 2; i++) {
        cr_assert(eq(int, rename(folder_of(folders[i]), moved), 0));
        expect_refused(folders[i], "No such file");
        cr_assert(eq(int, rename(moved, folder_of(folders[i])), 0));
    }
}

Test(small_rails, of_other_sizes_are_refused, .init = make_pack, .fini = remove_root) {
    write_image(6, 6, HEIGHT, WIDTH + 1);
    expect_refused("rail_6.jpg' is 56 x 295 pixels", "55 wide");
    write_image(6, 6, WIDTH - 1, WIDTH);
    expect_refused("rail_6.jpg' is 55 x 54 pixels", "unpack");
    write_image(6, 6, HEIGHT - 1, WIDTH);
    expect_refused("GroundTruth/rail_6.jpg' is 55 x 295", "Rail surface images/rail_6.jpg' 55 x 294");
}

Test(small_rails, that_are_damaged_are_refused, .init = make_pack, .fini = remove_root) {
    static unsigned char bytes[40000];
    const size_t size = read_bytes(rail_path(IMAGES, 8), bytes, sizeof bytes);
    write_bytes(rail_path(IMAGES, 8), bytes, size / 2);
    expect_refused("Rail surface images/rail_8.jpg'", "cannot read");
    write_bytes(rail_path(IMAGES, 8), bytes, size);
    write_bytes(rail_path(MASKS, 11), "", 0);
    expect_refused("GroundTruth/rail_11.jpg'", "cannot read");
    write_bytes(rail_path(MASKS, 11), "no picture", 10);
    expect_refused("GroundTruth/rail_11.jpg'", "Not a JPEG file");
}

Test(small_rails, among_other_files_are_read, .init = make_pack, .fini = remove_root) {
    char path[260];
    static const char *const others[] = {"Thumbs.db", "rail_3.jpg.part", "rail_03.jpg", "rail_.jpg", "rail_4.JPG"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(path, sizeof path, "%s/%s", folder_of(IMAGES), others[i]);
        write_bytes(path, "other", 5);
    }
    dataset d = open_pack("rsdds");
    cr_expect(eq(sz, count_goods(&d) + count_defects(&d), RAILS * TILES));
    dataset_free(&d);
}

Test(small_rails, survive_a_failed_allocation, .init = make_pack, .fini = remove_root) {
#if FAILING_MALLOC
    open_while_memory_fails("rsdds", root, DATASET_MASKS | DATASET_BOXES, 100, 23);
#else
    remove_root(); /* a skipped test has no clean-up */
    cr_skip_test("the sanitizer has a malloc of its own");
#endif
}

/* --- the pack itself --- */

/* Defects, goods and between before copies are left out: counts of the pack's description. It also tells of 2 (I) and
   12 (II) pairs of identical images, 6 and 22 tiles each. */
static const struct {
    const char *expression;
    size_t defects, goods, between, least_copies;
} blocks[] = {
    {"rsdds(type=II, size=64)", 265, 2545, 6, 250},
    {"rsdds(type=II, size=32)", 265, 2545, 6, 250},
    {"rsdds(type=I, size=64)", 115, 371, 1, 12},
    {"rsdds(type=I, size=32)", 115, 371, 1, 12},
};
enum { BLOCKS = sizeof blocks / sizeof *blocks };

static dataset open_real(const char *expression, unsigned seed) {
    const char *path = getenv("LOSSBENCH_DATASETS");
    const dataset_request request = {.want = DATASET_MASKS | DATASET_BOXES,
                                     .seed = seed,
                                     .search = path ? path : "datasets/public/cache:../shared/datasets"};
    lb_error error = {0};
    dataset d;
    const int code = dataset_open(expression, &request, &d, &error);
    if (code == LB_NOT_FOUND) cr_skip_test("rsdds is not fetched");
    cr_assert(eq(int, code, LB_OK), "%s", error.message);
    return d;
}

static void expect_masks_as_types_say(const dataset *d) {
    for (int which = 0; which < SET_COUNT; which++) {
        const dataset_items *set = &d->sets[which];
        cr_expect(eq(sz, set->box_count, set->count - set->goods));
        for (size_t i = 0; i < set->count; i++) {
            cr_expect(eq(int, mask_pixels(d, set, i) > 0, i >= set->goods));
            cr_expect(eq(int, set->types[i], i >= set->goods));
        }
    }
}

static void expect_whole_parts(const dataset *d, uint32_t images) {
    int set_of[200];
    memset(set_of, -1, sizeof set_of);
    for (int which = 0; which < SET_COUNT; which++)
        for (size_t i = 0; i < d->sets[which].count; i++) {
            const uint32_t part = d->sets[which].parts[i];
            cr_assert(part >= 1 && part <= images);
            cr_expect(set_of[part] == -1 || set_of[part] == which, "part %u in two sets", part);
            set_of[part] = which;
        }
}

ParameterizedTestParameters(rsdds, block) {
    static int index[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) index[i] = i;
    return cr_make_param_array(int, index, BLOCKS);
}

ParameterizedTest(int *i, rsdds, block) {
    for (unsigned seed = 0; seed < 3; seed++) {
        dataset d = open_real(blocks[*i].expression, seed);
        const size_t all = count_goods(&d) + count_defects(&d) + d.duplicates + d.conflicts + d.vanished;
        cr_expect(eq(sz, all, blocks[*i].goods + blocks[*i].defects));
        cr_expect(eq(sz, d.between, blocks[*i].between));
        cr_expect(eq(sz, d.empty, 0));
        cr_expect(le(sz, d.vanished, 1));
        cr_expect(ge(sz, d.duplicates + d.conflicts, blocks[*i].least_copies));
        cr_expect(le(sz, count_defects(&d), blocks[*i].defects));
        cr_expect(gt(sz, count_defects(&d), blocks[*i].defects * 85 / 100));
        expect_masks_as_types_say(&d);
        expect_whole_parts(&d, strstr(blocks[*i].expression, "II") ? 128 : 67);
        cr_expect(gt(sz, d.sets[SET_CALIBRATE].goods, blocks[*i].goods / 10));
        dataset_free(&d);
    }
    dataset_forget();
}

ParameterizedTestParameters(rsdds, every_call_gives_the_same) {
    static int index[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) index[i] = i;
    return cr_make_param_array(int, index, BLOCKS);
}

ParameterizedTest(int *i, rsdds, every_call_gives_the_same) {
    const char *path = getenv("LOSSBENCH_DATASETS");
    const dataset_request request = {.search = path ? path : "datasets/public/cache:../shared/datasets"};
    char text[300], again[300];
    dataset a = open_real(blocks[*i].expression, 5);
    cr_assert(eq(int, dataset_text(blocks[*i].expression, &request, text, sizeof text, NULL), LB_OK));
    dataset_forget();
    dataset b = open_real(blocks[*i].expression, 5);
    cr_assert(eq(int, dataset_text(blocks[*i].expression, &request, again, sizeof again, NULL), LB_OK));
    cr_expect(eq(str, text, again));
    const size_t area = a.height * a.width;
    for (int which = 0; which < SET_COUNT; which++) {
        const dataset_items *x = &a.sets[which], *y = &b.sets[which];
        cr_assert(eq(sz, x->count, y->count));
        cr_expect(eq(int, memcmp(x->pixels, y->pixels, x->count * area), 0));
        cr_expect(eq(int, memcmp(x->masks, y->masks, x->count * area), 0));
        cr_expect(eq(int, memcmp(x->parts, y->parts, x->count * sizeof *x->parts), 0));
    }
    dataset_free(&a);
    dataset_free(&b);
    dataset_forget();
}

/* Contents pin decoder, cutting and resizing: they may change with the version of the data set alone. */
Test(rsdds, content_is_pinned) {
    static const char *const contents[BLOCKS] = {"content=ba534cf2c58e0ce4", "content=fa722a782dae030a",
                                                 "content=eae6edf3d8924842", "content=3d9ffd5236254d89"};
    const char *path = getenv("LOSSBENCH_DATASETS");
    const dataset_request request = {.search = path ? path : "datasets/public/cache:../shared/datasets"};
    for (int i = 0; i < BLOCKS; i++) {
        char text[300];
        const int code = dataset_text(blocks[i].expression, &request, text, sizeof text, NULL);
        if (code == LB_NOT_FOUND) cr_skip_test("rsdds is not fetched");
        cr_assert(eq(int, code, LB_OK));
        cr_expect(strstr(text, contents[i]) != NULL, "%s", text);
    }
    dataset_forget();
}
