/* The importer of CrackForest: on the pack itself, where it has been fetched, and on small packs that are made here,
   one for each of its rules. */
#include "tests/datasets/failing_open.h"
#include "tests/datasets/scratch.h"
#include "tests/datasets/fake_pictures.h"
#include "tests/datasets/mask_sets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the pack itself --- */

/* The pack's description: 4,130 tiles, 1,308 with at least 0.2 % crack, 2,789 with none. */
Test(crackforest, has_the_tiles_of_its_description) {
    dataset d = open_public("crackforest", 1);
    uint32_t most;
    cr_expect(eq(sz, d.height, 64));
    cr_expect(eq(sz, d.width, 64));
    cr_expect(eq(sz, count_type(&d, 0) + count_type(&d, 1) + d.between, 4130));
    cr_expect(eq(sz, count_type(&d, 1), 1308));
    cr_expect(eq(sz, count_type(&d, 0), 2789));
    cr_expect(eq(sz, d.between, 33));
    cr_expect(eq(sz, d.duplicates + d.conflicts + d.empty + d.vanished, 0));
    cr_expect(eq(sz, count_parts(&d, &most), 118)); /* those with truth only */
    cr_expect(eq(u32, most, 118));
    cr_expect(eq(str, (char *)d.type_names[1], "crack"));
    dataset_free(&d);
    dataset_forget();
}

Test(crackforest, splits_by_photograph_whatever_the_seed) {
    for (unsigned seed = 0; seed < 5; seed++) {
        dataset d = open_public("crackforest", seed);
        expect_sound(&d);
        dataset_free(&d);
    }
    dataset_forget();
}

Test(crackforest, every_reading_gives_the_same) {
    const dataset_request request = {.search = public_data()};
    char before[300], after[300];
    dataset a = open_public("crackforest(tile=128)", 3);
    cr_assert(eq(int, dataset_text("crackforest(tile=128)", &request, before, sizeof before, NULL), LB_OK));
    dataset_forget();
    cr_assert(eq(int, dataset_text("crackforest(tile=128)", &request, after, sizeof after, NULL), LB_OK));
    dataset b = open_public("crackforest(tile=128)", 3);
    cr_expect(eq(str, before, after));
    cr_expect(eq(sz, a.width, 128));
    cr_expect(eq(sz, count_type(&a, -1) + a.between, (size_t)118 * 3 * 2));
    expect_same_data(&a, &b);
    dataset_free(&a);
    dataset_free(&b);
    dataset_forget();
}

/* --- small packs --- */

/* Photographs of 100 x 70 pixels: with tiles of 32, 2 rows of 3. Each has one tile with a crack, at the top left. */
enum { PHOTOGRAPHS = 12, HEIGHT = 70, WIDTH = 100, AREA = HEIGHT * WIDTH, TILE = 32, TILES = 6 };

static const char *path_of(const char *folder, unsigned number, const char *ending) {
    static char path[200];
    snprintf(path, sizeof path, "%s/%s/%03u.%s", root, folder, number, ending);
    return path;
}

static void write_photograph(unsigned number, size_t height, size_t width) {
    static unsigned char pixels[200 * 200];
    fill_noise(pixels, height * width, number);
    write_grey_jpeg(path_of("image", number, "jpg"), pixels, height, width);
}

/* Rows top .. top+rows-1 are crack from `left`, `length` pixels long. */
static void write_seg_of(unsigned number, size_t height, size_t width, size_t top, size_t rows, size_t left,
                         size_t length) {
    FILE *out = fopen(path_of("seg", number, "seg"), "wb");
    cr_assert(out != NULL);
    fprintf(out, "image somewhere\nwidth %zu\nheight %zu\nsegments 2\ndata\n", width, height);
    for (size_t y = 0; y < height; y++) fprintf(out, "0 %zu 0 %zu\n", y, width - 1);
    for (size_t y = top; y < top + rows; y++) fprintf(out, "1 %zu %zu %zu\n", y, left, left + length - 1);
    fclose(out);
}

static void write_seg(unsigned number, size_t top, size_t rows, size_t left, size_t length) {
    write_seg_of(number, HEIGHT, WIDTH, top, rows, left, length);
}

static void make_folders(void) {
    char path[100];
    snprintf(path, sizeof path, "%s/image", root);
    cr_assert(eq(int, mkdir(path, 0777), 0));
    snprintf(path, sizeof path, "%s/seg", root);
    cr_assert(eq(int, mkdir(path, 0777), 0));
}

static void make_pack(void) {
    make_root();
    make_folders();
    for (unsigned n = PHOTOGRAPHS; n >= 1; n--) {
        write_photograph(n, HEIGHT, WIDTH);
        write_seg(n, 5, 3, 4, 20);
    }
    write_photograph(201, HEIGHT, WIDTH); /* without truth */
}

static int try_pack(const char *expression, dataset *d, lb_error *error) {
    const dataset_request request = {.want = DATASET_MASKS, .search = root};
    *error = (lb_error){0};
    dataset_forget();
    return dataset_open(expression, &request, d, error);
}

static dataset open_pack(void) {
    dataset d;
    lb_error error;
    cr_assert(eq(int, try_pack("crackforest(tile=32)", &d, &error), LB_OK), "%s", error.message);
    return d;
}

static void expect_refused(const char *words) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, try_pack("crackforest(tile=32)", &d, &error), LB_FORMAT), "%s: %s", words, error.message);
    cr_expect(strstr(error.message, words) != NULL, "wanted '%s': %s", words, error.message);
    cr_expect(strchr(error.message, '\n') == NULL, "%s", error.message);
}

/* The item of the part whose mask and type are asked for; SIZE_MAX: none in this set. */
static size_t find_part(const dataset_items *set, uint32_t part, uint16_t type) {
    for (size_t i = 0; i < set->count; i++)
        if (set->parts[i] == part && set->types[i] == type) return i;
    return SIZE_MAX;
}

Test(small_forest, is_cut_into_whole_tiles, .init = make_pack, .fini = remove_root) {
    uint32_t most;
    dataset d = open_pack();
    cr_expect(eq(sz, d.height, TILE));
    cr_expect(eq(sz, d.width, TILE));
    cr_expect(eq(sz, count_type(&d, 1), PHOTOGRAPHS));
    cr_expect(eq(sz, count_type(&d, 0), PHOTOGRAPHS * (TILES - 1)));
    cr_expect(eq(sz, count_parts(&d, &most), PHOTOGRAPHS));
    cr_expect(eq(u32, most, PHOTOGRAPHS)); /* 201 is not used */
    cr_expect(eq(sz, d.between, 0));
    expect_sound(&d);
    for (int set = 0; set < SET_COUNT; set++)
        for (size_t i = d.sets[set].goods; i < d.sets[set].count; i++)
            for (size_t k = 0; k < TILE * TILE; k++) {
                const size_t y = k / TILE, x = k % TILE;
                const int inside = y >= 5 && y < 8 && x >= 4 && x < 24;
                cr_assert(eq(int, d.sets[set].masks[i * TILE * TILE + k], inside ? 255 : 0));
            }
    dataset_free(&d);
}

/* The crack of photograph 4 lies in the second tile of the second row, and its pixels are those of the picture there:
   they are white, and the rest black (up to what JPEG does to a sharp edge, none here on blocks of 8). */
Test(small_forest, tiles_have_the_pixels_of_their_place, .init = make_pack, .fini = remove_root) {
    unsigned char pixels[AREA] = {0};
    for (size_t y = 40; y < 48; y++) memset(pixels + y * WIDTH + 48, 255, 8);
    write_grey_jpeg(path_of("image", 4, "jpg"), pixels, HEIGHT, WIDTH);
    write_seg(4, 40, 8, 48, 8);
    dataset d = open_pack();
    size_t found = 0;
    for (int set = 0; set < SET_COUNT; set++) {
        const dataset_items *items = &d.sets[set];
        const size_t at = find_part(items, 4, 1);
        if (at == SIZE_MAX) continue;
        found++;
        for (size_t k = 0; k < TILE * TILE; k++) {
            const int inside = k / TILE >= 8 && k / TILE < 16 && k % TILE >= 16 && k % TILE < 24;
            cr_assert(eq(int, items->pixels[at * TILE * TILE + k], inside ? 255 : 0), "pixel %zu", k);
            cr_assert(eq(int, items->masks[at * TILE * TILE + k], inside ? 255 : 0), "pixel %zu", k);
        }
    }
    cr_expect(eq(sz, found, 1));
    cr_expect(eq(sz, d.duplicates, 4)); /* of its five black tiles */
    dataset_free(&d);
}

/* 0.2 % of 32 x 32 is 2.05 pixels. */
Test(small_forest, traces_of_a_crack_are_left_out_and_counted, .init = make_pack, .fini = remove_root) {
    write_seg(1, 5, 1, 4, 2);
    write_seg(2, 5, 1, 4, 3);
    write_seg(3, 5, 1, 30, 4);          /* two in each of two tiles */
    write_seg(4, 0, 0, 0, 0);           /* none */
    write_seg(5, HEIGHT - 6, 6, 96, 4); /* only where no whole tile lies */
    dataset d = open_pack();
    cr_expect(eq(sz, d.between, 3));
    cr_expect(eq(sz, count_type(&d, 1), PHOTOGRAPHS - 4));
    cr_expect(eq(sz, count_type(&d, 0), PHOTOGRAPHS * (TILES - 1) + 2 - 1));
    expect_sound(&d);
    dataset_free(&d);
}

/* Tiles of 100 fill 100 x 200 pixels; 0.2 % of one is 20 pixels. */
Test(small_forest, tiles_reach_to_the_edge_and_a_defect_begins_at_its_share, .init = make_pack, .fini = remove_root) {
    dataset d;
    lb_error error;
    for (unsigned n = 1; n <= PHOTOGRAPHS; n++) {
        write_photograph(n, 100, 200);
        write_seg_of(n, 100, 200, 99, 1, 180, n == 1 ? 19 : 20);
    }
    cr_assert(eq(int, try_pack("crackforest(tile=100)", &d, &error), LB_OK), "%s", error.message);
    cr_expect(eq(sz, d.between, 1));
    cr_expect(eq(sz, count_type(&d, 1), PHOTOGRAPHS - 1));
    cr_expect(eq(sz, count_type(&d, 0), PHOTOGRAPHS));
    expect_sound(&d);
    dataset_free(&d);
}

Test(small_forest, pairs_that_are_none_are_refused_by_name, .init = make_pack, .fini = remove_root) {
    write_photograph(7, WIDTH, HEIGHT);
    expect_refused("seg/007.seg' is for 100 x 70 pixels, its image has 70 x 100; fetch");
    cr_assert(eq(int, unlink(path_of("image", 7, "jpg")), 0));
    expect_refused("seg/007.seg' has no image 'image/007.jpg'; fetch");
}

Test(small_forest, other_names_are_refused, .init = make_pack, .fini = remove_root) {
    static const char *const names[] = {"x.seg", "7.seg.bak", "7.txt", "-7.seg", "1234567890.seg", "seg"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[200], words[100];
        snprintf(path, sizeof path, "%s/seg/%s", root, names[i]);
        snprintf(words, sizeof words, "seg/%s' is not named <number>.seg; remove", names[i]);
        write_text_file(path, "x");
        expect_refused(words);
        cr_assert(eq(int, unlink(path), 0));
    }
}

Test(small_forest, damaged_files_are_refused_by_name, .init = make_pack, .fini = remove_root) {
    write_text_file(path_of("image", 3, "jpg"), "no picture");
    expect_refused("image/003.jpg'");
    write_photograph(3, HEIGHT, WIDTH);
    write_text_file(path_of("seg", 3, "seg"), "width 100\nheight 70\nsegments 2\ndata\n0 70 0 99\n");
    expect_refused("seg/003.seg', line 5: row 70 lies outside 0 to 69; fetch");
    write_text_file(path_of("seg", 3, "seg"), "width 100\nheight 70\nsegments 2\ndata\n0 0 0 99\n");
    expect_refused("seg/003.seg', line 5: the text ends, and only 100 of 7000 pixels are in a segment; fetch");
}

Test(small_forest, that_is_not_there_is_named_with_the_remedy, .init = make_root, .fini = remove_root) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, try_pack("crackforest", &d, &error), LB_NOT_FOUND));
    cr_expect(strstr(error.message, "make datasets") != NULL, "%s", error.message);
}

Test(small_forest, tiles_of_other_sizes_are_refused, .init = make_pack, .fini = remove_root) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, try_pack("crackforest(tile=28)", &d, &error), LB_INVALID), "%s", error.message);
    cr_expect(eq(int, try_pack("crackforest(tile=164)", &d, &error), LB_INVALID), "%s", error.message);
    cr_expect(eq(int, try_pack("crackforest(tile=66)", &d, &error), LB_INVALID));
    cr_expect(strstr(error.message, "tile=66 is no multiple of 4; ask for 64 or 68") != NULL, "%s", error.message);
    char text[300];
    const dataset_request request = {.search = root};
    cr_expect(eq(int, dataset_text("crackforest(tile=66)", &request, text, sizeof text, NULL), LB_INVALID));
    cr_expect(eq(int, try_pack("crackforest(tile=72)", &d, &error), LB_FORMAT));
    cr_expect(strstr(error.message, "no photograph of 72 x 72 pixels or more; ask for a smaller tile") != NULL, "%s",
              error.message);
}

Test(small_forest, of_two_sizes_is_kept_side_by_side, .init = make_pack, .fini = remove_root) {
    const dataset_request request = {.want = DATASET_MASKS, .search = root};
    lb_error error;
    dataset a, b, c;
    cr_assert(eq(int, dataset_open("crackforest(tile=32)", &request, &a, NULL), LB_OK));
    cr_assert(eq(int, dataset_open("crackforest(tile=40)", &request, &b, NULL), LB_OK)); /* 1 x 2 tiles */
    cr_expect(eq(sz, count_type(&b, -1), 2 * PHOTOGRAPHS));
    write_text_file(path_of("seg", 3, "seg"), "damaged");
    cr_assert(eq(int, dataset_open("crackforest(tile=32)", &request, &c, NULL), LB_OK)); /* not read again */
    expect_same_data(&a, &c);
    dataset_free(&c);
    cr_assert(eq(int, dataset_open("crackforest(tile=40)", &request, &c, NULL), LB_OK));
    expect_same_data(&b, &c);
    dataset_free(&a);
    dataset_free(&b);
    dataset_free(&c);
    cr_expect(eq(int, try_pack("crackforest(tile=32)", &a, &error), LB_FORMAT));
}

Test(small_forest, a_changed_mask_is_another_content, .init = make_pack, .fini = remove_root) {
    const dataset_request request = {.search = root};
    char before[300], after[300];
    cr_assert(eq(int, dataset_text("crackforest(tile=32)", &request, before, sizeof before, NULL), LB_OK));
    write_seg(7, 5, 3, 4, 21);
    dataset_forget();
    cr_assert(eq(int, dataset_text("crackforest(tile=32)", &request, after, sizeof after, NULL), LB_OK));
    cr_expect(strcmp(before, after) != 0);
}

Test(small_forest, survives_a_failed_allocation, .init = make_pack, .fini = remove_root) {
#if FAILING_MALLOC
    open_while_memory_fails("crackforest(tile=32)", root, DATASET_MASKS, 100, 7);
#else
    remove_root(); /* a skipped test has no clean-up */
    cr_skip_test("the sanitizer has a malloc of its own");
#endif
}
