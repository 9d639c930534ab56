/* The importer of elpv: on the pack itself, where it is there, and on small packs that are made here, one for each of
   its rules. */
#include "tests/datasets/failing_open.h"
#include "tests/datasets/fake_pictures.h"
#include "tests/datasets/mask_sets.h"
#include "tests/datasets/scratch.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the pack itself --- */

/* Cells by their probability (p = 0, 1/3, 2/3, 1: mono 588, 117, 56, 313; poly 920, 178, 50, 402) are from the
   description of the pack, which here holds the monocrystalline cells alone; a user's own has them all. Their runs in
   the list, 60, 180, 714, 72 and 48 rows, make 2 + 6 + 24 + 2 + 2 parts; 300, 360, 530, 180 and 180 of the others 52.
 */
Test(elpv, has_the_cells_of_its_description) {
    uint32_t most;
    dataset d = open_public("elpv(size=64)", 1);
    cr_expect(d.height == 64 && d.width == 64 && d.channels == 1 && d.clean == 1 && d.independent == 0);
    cr_expect(eq(str, (char *)d.type_names[0], "good"));
    cr_expect(eq(str, (char *)d.type_names[1], "defective"));
    cr_expect(d.type_names[2] == NULL);
    cr_expect(eq(sz, d.conflicts + d.duplicates + d.vanished + d.empty + d.between + d.cut + d.train_dropped, 0));
    if (d.absent) {
        cr_expect(eq(sz, d.absent, 1550));
        cr_expect(eq(sz, count_type(&d, 0), 588 + 117));
        cr_expect(eq(sz, count_type(&d, 1), 56 + 313));
        cr_expect(eq(sz, count_parts(&d, &most), 36));
    } else {
        cr_expect(eq(sz, count_type(&d, 0), 588 + 117 + 920 + 178));
        cr_expect(eq(sz, count_type(&d, 1), 56 + 313 + 50 + 402));
        cr_expect(eq(sz, count_parts(&d, &most), 36 + 52));
        cr_expect(eq(u32, most, 36 + 52 - 1));
    }
    dataset_free(&d);
    dataset_forget();
}

Test(elpv, leaves_goods_to_calibrate_and_defects_to_select_whatever_the_seed) {
    for (unsigned seed = 0; seed < 20; seed++) {
        dataset d = open_public("elpv(size=64)", seed);
        const double all = (double)count_type(&d, -1);
        cr_expect(ge(sz, d.sets[SET_CALIBRATE].goods, 60), "seed %u", seed);
        cr_expect(ge(sz, d.sets[SET_SELECT].count - d.sets[SET_SELECT].goods, 5), "seed %u", seed);
        cr_expect(epsilon_eq(dbl, (double)d.sets[SET_TRAIN].count / all, 0.50, 0.03), "seed %u", seed);
        cr_expect(epsilon_eq(dbl, (double)d.sets[SET_TEST].count / all, 0.25, 0.03), "seed %u", seed);
        dataset_free(&d);
    }
    dataset_forget();
}

/* --- small packs --- */

/* Cells of noise, 20 wide and 24 high, in runs of MONO, POLY, and MONO again: 4, 2 and 4 parts. Every third is
   defective. */
enum { MONO = 120, POLY = 65, CELLS = MONO + POLY + MONO, HEIGHT = 24, WIDTH = 20, AREA = HEIGHT * WIDTH };

static const char *path_of(const char *name) {
    static char path[200];
    snprintf(path, sizeof path, "%s/src/elpv_dataset/data/%s", root, name);
    return path;
}

static const char *image_path(int cell) {
    char name[40];
    snprintf(name, sizeof name, "images/cell%04d.png", cell + 1);
    return path_of(name);
}

static void write_image(int cell, unsigned key) {
    unsigned char pixels[AREA];
    fill_noise(pixels, AREA, key);
    write_grey_png(image_path(cell), pixels, HEIGHT, WIDTH);
}

/* Row `at` of the list is `instead`, if it is not NULL. `end` ends a line. */
static void write_list(const char *end, int at, const char *instead) {
    static const char *const probability[] = {"0.0", "0.3333333333333333", "1.0"};
    FILE *out = fopen(path_of("labels.csv"), "wb");
    cr_assert(out != NULL);
    for (int cell = 0; cell < CELLS; cell++)
        if (instead && cell == at)
            fprintf(out, "%s%s", instead, end);
        else
            fprintf(out, "images/cell%04d.png  %s    %s%s", cell + 1, probability[cell % 3],
                    cell < MONO || cell >= MONO + POLY ? "mono" : "poly", end);
    fclose(out);
}

static void make_folders(void) {
    static const char *const folders[] = {"src", "src/elpv_dataset", "src/elpv_dataset/data",
                                          "src/elpv_dataset/data/images"};
    char path[200];
    make_root();
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "%s/%s", root, folders[i]);
        cr_assert(eq(int, mkdir(path, 0777), 0));
    }
    write_list("\n", 0, NULL);
}

static void make_pack(void) {
    make_folders();
    for (int cell = 0; cell < CELLS; cell++) write_image(cell, (unsigned)cell);
}

static int try_pack(const char *expression, dataset *d, lb_error *error) {
    const dataset_request request = {.search = root};
    *error = (lb_error){0};
    dataset_forget();
    return dataset_open(expression, &request, d, error);
}

static dataset open_pack(void) {
    dataset d;
    lb_error error;
    cr_assert(eq(int, try_pack("elpv(size=64)", &d, &error), LB_OK), "%s", error.message);
    return d;
}

static void expect_refused(const char *words) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, try_pack("elpv(size=64)", &d, &error), LB_FORMAT), "%s: %s", words, error.message);
    cr_expect(strstr(error.message, words) != NULL, "wanted '%s': %s", words, error.message);
    cr_expect(strchr(error.message, '\n') == NULL, "%s", error.message);
}

static size_t count_part(const dataset *d, uint32_t part) {
    size_t count = 0;
    for (int set = 0; set < SET_COUNT; set++)
        for (size_t i = 0; i < d->sets[set].count; i++) count += d->sets[set].parts[i] == part;
    return count;
}

Test(small_cells, are_cut_into_blocks_of_each_run, .init = make_pack, .fini = remove_root) {
    static const size_t cells[] = {30, 30, 30, 30, 33, 32, 30, 30, 30, 30};
    uint32_t most;
    dataset d = open_pack();
    cr_expect(eq(sz, count_type(&d, 0), CELLS - CELLS / 3));
    cr_expect(eq(sz, count_type(&d, 1), CELLS / 3));
    cr_expect(eq(sz, d.absent, 0));
    cr_assert(eq(sz, count_parts(&d, &most), sizeof cells / sizeof *cells));
    for (uint32_t part = 0; part <= most; part++) cr_expect(eq(sz, count_part(&d, part), cells[part]), "part %u", part);
    dataset_free(&d);
}

Test(small_cells, that_are_absent_are_counted_and_move_no_part, .init = make_pack, .fini = remove_root) {
    uint32_t most;
    for (int cell = 70; cell < 160; cell++) cr_assert(eq(int, unlink(image_path(cell)), 0));
    dataset d = open_pack();
    cr_expect(eq(sz, d.absent, 90));
    cr_expect(eq(sz, count_type(&d, -1), CELLS - 90));
    cr_expect(eq(sz, count_parts(&d, &most), 8)); /* 90 to 119 and 120 to 152 are gone */
    cr_expect(eq(u32, most, 9));
    cr_expect(eq(sz, count_part(&d, 2), 10));
    cr_expect(eq(sz, count_part(&d, 5), 65 - 40));
    cr_expect(eq(sz, count_part(&d, 6), 30));
    dataset_free(&d);
}

Test(small_cells, are_defective_from_a_half_on, .init = make_pack, .fini = remove_root) {
    static const struct {
        const char *row;
        size_t defects;
    } rows[] = {
        {"images/cell0004.png 0.6666666666666666 mono", CELLS / 3 + 1},
        {"images/cell0004.png 0.67 mono", CELLS / 3 + 1},
        {"images/cell0004.png 1 mono", CELLS / 3 + 1},
        {"images/cell0004.png 0.3333333333333333 mono", CELLS / 3},
        {"images/cell0004.png 0.33 mono", CELLS / 3},
        {"  images/cell0004.png\t0\tmono  ", CELLS / 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_list("\n", 3, rows[i].row); /* which is good in the list */
        dataset d = open_pack();
        cr_expect(eq(sz, count_type(&d, 1), rows[i].defects), "%s", rows[i].row);
        cr_expect(eq(sz, count_type(&d, -1), CELLS));
        dataset_free(&d);
    }
}

Test(small_cells, may_end_their_lines_in_any_way, .init = make_pack, .fini = remove_root) {
    const dataset_request request = {.search = root};
    static const char *const ends[] = {"\r\n", "\n\n", "  \n", "\n \r\n"};
    char first[300], again[300];
    cr_assert(eq(int, dataset_text("elpv", &request, first, sizeof first, NULL), LB_OK));
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        write_list(ends[i], 0, NULL);
        dataset_forget();
        cr_assert(eq(int, dataset_text("elpv", &request, again, sizeof again, NULL), LB_OK));
        cr_expect(eq(str, first, again));
    }
    write_list("\n", 0, "images/cell0001.png 1.0 mono");
    dataset_forget();
    cr_assert(eq(int, dataset_text("elpv", &request, again, sizeof again, NULL), LB_OK));
    cr_expect(ne(str, first, again), "a label that is changed");
}

Test(small_cells, copies_are_dropped, .init = make_pack, .fini = remove_root) {
    write_image(6, 9);  /* good as 9 is */
    write_image(12, 8); /* good, and 8 is defective */
    dataset d = open_pack();
    cr_expect(eq(sz, d.duplicates, 1));
    cr_expect(eq(sz, d.conflicts, 2));
    cr_expect(eq(sz, count_type(&d, -1), CELLS - 3));
    dataset_free(&d);
}

static const struct {
    const char *row, *words;
} bad_rows[] = {
    {"images/cell0003.png,1.0,mono", "labels.csv', line 3: 'images/cell0003.png,1.0,mono' begins a line that has not"},
    {"images/cell0003.png 1.0", "line 3: 'images/cell0003.png' begins a line that has not three fields"},
    {"images/cell0003.png 1.0 mono mono", "begins a line that has not three fields"},
    {"images/cell0003.png 1.0 mono mono mono mono", "begins a line that has not three fields"},
    {"images/cell0003.png 0.5 mono", "line 3: '0.5' is no probability of 0, 1/3, 2/3 or 1"},
    {"images/cell0003.png 0.3 mono", "'0.3' is no probability"},
    {"images/cell0003.png 1.3333333333333333 mono", "is no probability"},
    {"images/cell0003.png -0.3333333333333333 mono", "is no probability"},
    {"images/cell0003.png nan mono", "'nan' is no probability"},
    {"images/cell0003.png inf mono", "'inf' is no probability"},
    {"images/cell0003.png 1.0x mono", "'1.0x' is no probability"},
    {"images/cell0003.png 1.0 Mono", "line 3: 'Mono' is neither mono nor poly"},
    {"../cell0003.png 1.0 mono", "line 3: '../cell0003.png' is no images/<name>.png"},
    {"images/../cell0003.png 1.0 mono", "is no images/<name>.png"},
    {"images/.png 1.0 mono", "is no images/<name>.png"},
    {"images/cell0003.jpg 1.0 mono", "is no images/<name>.png"},
    {"images/cell0003.png.png 1.0 mono", "is no images/<name>.png"},
    {"images/cell00030000000000000000000000000000000000.png 1.0 mono", "is no images/<name>.png"},
    {"/images/cell0003.png 1.0 mono", "is no images/<name>.png"},
};

Test(small_cells, damaged_lists_are_refused_with_the_line, .init = make_pack, .fini = remove_root) {
    for (size_t i = 0; i < sizeof bad_rows / sizeof *bad_rows; i++) {
        write_list("\n", 2, bad_rows[i].row);
        expect_refused(bad_rows[i].words);
    }
    write_text_file(path_of("labels.csv"), "");
    expect_refused("labels.csv' lists no cell");
    write_text_file(path_of("labels.csv"), "\n \r\n");
    expect_refused("labels.csv' lists no cell");
}

Test(small_cells, a_list_with_a_zero_byte_is_refused, .init = make_pack, .fini = remove_root) {
    FILE *out = fopen(path_of("labels.csv"), "ab");
    cr_assert(out && fputc(0, out) == 0 && fclose(out) == 0);
    expect_refused("labels.csv' is no text");
}

Test(small_cells, damaged_images_are_refused_by_name, .init = make_pack, .fini = remove_root) {
    write_text_file(image_path(4), "no picture");
    expect_refused("images/cell0005.png'");
    cr_assert(eq(int, truncate(image_path(4), 0), 0));
    expect_refused("images/cell0005.png'");
}

Test(small_cells, without_an_image_are_refused, .init = make_folders, .fini = remove_root) {
    expect_refused("holds none of the 305 images of its list");
    write_image(0, 1);
    expect_refused("it needs at least one of each");
}

Test(small_cells, that_are_not_there_are_named_with_the_remedy, .init = make_root, .fini = remove_root) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, try_pack("elpv", &d, &error), LB_NOT_FOUND));
    cr_expect(strstr(error.message, "'elpv'") && strstr(error.message, "make datasets"), "%s", error.message);
}

Test(small_cells, are_resized_to_the_sizes_that_are_allowed, .init = make_pack, .fini = remove_root) {
    dataset d;
    lb_error error;
    cr_assert(eq(int, try_pack("elpv", &d, &error), LB_OK), "%s", error.message);
    cr_expect(d.height == 128 && d.width == 128);
    dataset_free(&d);
    cr_expect(eq(int, try_pack("elpv(size=63)", &d, &error), LB_INVALID), "%s", error.message);
    cr_expect(eq(int, try_pack("elpv(size=301)", &d, &error), LB_INVALID), "%s", error.message);
}

Test(small_cells, survive_a_failed_allocation, .init = make_pack, .fini = remove_root) {
#if FAILING_MALLOC
    open_while_memory_fails("elpv(size=64)", root, 0, 100, 97);
#else
    remove_root(); /* a skipped test has no clean-up */
    cr_skip_test("the sanitizer has a malloc of its own");
#endif
}
