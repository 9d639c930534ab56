/* The importer of X-SDD: on the pack itself, where it is there, and on small packs that are made here, one for each of
   its rules. */
#include "tests/datasets/failing_open.h"
#include "tests/datasets/fake_pictures.h"
#include "tests/datasets/mask_sets.h"
#include "tests/datasets/scratch.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TYPES = 7 };
static const char *const folders[TYPES] = {"slag inclusion",
                                           "red iron",
                                           "iron sheet ash",
                                           "surface scratch",
                                           "oxide scale of plate system",
                                           "finishing roll printing",
                                           "oxide scale of temperature system"};

static size_t count_left_out(const dataset *d) {
    return d->duplicates + d->conflicts + d->absent + d->cut + d->bad_boxes + d->unmarked + d->vanished + d->empty +
           d->between + d->train_dropped;
}

/* --- the pack itself --- */

/* Images of each class, and the nine copies, all of red iron, are from the pack's description. Numbers of a class begin
   at 1001, 2001, ..., so that 238 images of slag inclusion are 24 parts, 397 of red iron 40, and so on. */
static const size_t images_of[TYPES] = {238, 397 - 9, 122, 134, 63, 203, 203};
enum { PARTS = 24 + 40 + 13 + 14 + 7 + 21 + 21 };

Test(x_sdd, has_the_images_of_its_description) {
    uint32_t most;
    dataset d = open_public("x_sdd", 1);
    cr_expect(d.height == 64 && d.width == 64 && d.channels == 1 && d.clean == 0 && d.independent == 0);
    cr_expect(eq(sz, count_type(&d, 0), 0));
    for (int type = 1; type <= TYPES; type++) {
        char name[60];
        snprintf(name, sizeof name, "%s", folders[type - 1]);
        for (char *at = name; *at; at++)
            if (*at == ' ') *at = '_';
        cr_expect(eq(str, (char *)d.type_names[type], name));
        cr_expect(eq(sz, count_type(&d, type), images_of[type - 1]), "%s", name);
    }
    cr_expect(d.type_names[TYPES + 1] == NULL);
    cr_expect(eq(sz, d.duplicates, 9));
    cr_expect(eq(sz, count_left_out(&d), 9));
    cr_expect(eq(sz, count_parts(&d, &most), PARTS));
    dataset_free(&d);
    dataset_forget();
}

static size_t count_in_set(const dataset *d, dataset_set set, int type) {
    size_t count = 0;
    for (size_t i = 0; i < d->sets[set].count; i++) count += d->sets[set].types[i] == type;
    return count;
}

/* Whole parts allow: to one part, and 15 % for the rarest class, 63 images, are less than one. */
Test(x_sdd, has_every_class_in_every_set_whatever_the_seed) {
    static const double shares[SET_COUNT] = {0.50, 0.15, 0.00, 0.35};
    for (unsigned seed = 0; seed < 20; seed++) {
        dataset d = open_public("x_sdd(size=32)", seed);
        for (int set = 0; set < SET_COUNT; set++)
            for (int type = 1; type <= TYPES; type++) {
                const double count = (double)count_in_set(&d, (dataset_set)set, type);
                cr_expect(eq(int, count > 0, set != SET_CALIBRATE), "%s in %s, seed %u", folders[type - 1],
                          dataset_set_names[set], seed);
                cr_expect(epsilon_eq(dbl, count, shares[set] * (double)images_of[type - 1], 10), "%s in %s, seed %u",
                          folders[type - 1], dataset_set_names[set], seed);
            }
        dataset_free(&d);
    }
    dataset_forget();
}

/* --- small packs --- */

/* EACH pictures of noise of every class, 40 wide and 48 high, numbers from 1 on: parts of 9, 10, 10, 10 and 1. Odd ones
   are JPEG, even ones PNG. */
enum { EACH = 40, HEIGHT = 48, WIDTH = 40, AREA = HEIGHT * WIDTH };

static const char *path_of(int type, const char *name) {
    static char path[200];
    snprintf(path, sizeof path, "%s/X-SDD/datas/%s/%s", root, folders[type], name);
    return path;
}

static void write_image(int type, unsigned number, unsigned key, size_t height, size_t width) {
    unsigned char pixels[AREA];
    char name[40];
    fill_noise(pixels, height * width, key);
    snprintf(name, sizeof name, "%u.%s", number, number % 2 ? "jpg" : "png");
    if (number % 2)
        write_grey_jpeg(path_of(type, name), pixels, height, width);
    else
        write_grey_png(path_of(type, name), pixels, height, width);
}

static void make_folders(void) {
    char path[100];
    make_root();
    snprintf(path, sizeof path, "%s/X-SDD", root);
    cr_assert(eq(int, mkdir(path, 0777), 0));
    snprintf(path, sizeof path, "%s/X-SDD/datas", root);
    cr_assert(eq(int, mkdir(path, 0777), 0));
    for (int type = 0; type < TYPES; type++) cr_assert(eq(int, mkdir(path_of(type, ""), 0777), 0));
}

static void make_pack(void) {
    make_folders();
    for (int type = 0; type < TYPES; type++)
        for (unsigned number = 1; number <= EACH; number++)
            write_image(type, number, 100 * (unsigned)type + number, HEIGHT, WIDTH);
}

static int try_pack(const char *expression, unsigned ratio, dataset *d, lb_error *error) {
    const dataset_request request = {.ratio = ratio, .search = root};
    *error = (lb_error){0};
    dataset_forget();
    return dataset_open(expression, &request, d, error);
}

static dataset open_pack(const char *expression) {
    dataset d;
    lb_error error;
    cr_assert(eq(int, try_pack(expression, 0, &d, &error), LB_OK), "%s", error.message);
    return d;
}

static void expect_refused(const char *words) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, try_pack("x_sdd", 0, &d, &error), LB_FORMAT), "%s: %s", words, error.message);
    cr_expect(strstr(error.message, words) != NULL, "wanted '%s': %s", words, error.message);
    cr_expect(strchr(error.message, '\n') == NULL, "%s", error.message);
}

Test(small_strip, is_read_in_parts_of_ten_numbers_of_one_class, .init = make_pack, .fini = remove_root) {
    uint32_t most;
    dataset d = open_pack("x_sdd");
    size_t torn = 0;
    cr_expect(eq(sz, count_type(&d, -1), TYPES * EACH));
    cr_expect(eq(sz, count_left_out(&d), 0));
    cr_expect(eq(sz, count_parts(&d, &most), TYPES * 5));
    for (int set = 0; set < SET_COUNT; set++) {
        const dataset_items *s = &d.sets[set];
        for (size_t i = 0; i < s->count; i++)
            for (size_t k = 0; k < i; k++) torn += s->parts[i] == s->parts[k] && s->types[i] != s->types[k];
    }
    cr_expect(eq(sz, torn, 0));
    dataset_free(&d);
}

/* A picture of one grey keeps it at any size, from either kind of file. */
Test(small_strip, is_resized, .init = make_pack, .fini = remove_root) {
    unsigned char grey[AREA];
    size_t found = 0;
    memset(grey, 77, sizeof grey);
    write_grey_png(path_of(4, "12.png"), grey, 41, 39);
    write_grey_jpeg(path_of(6, "13.jpg"), grey, 25, 30);
    dataset d = open_pack("x_sdd(size=36)");
    cr_expect(d.height == 36 && d.width == 36);
    for (int set = 0; set < SET_COUNT; set++)
        for (size_t i = 0; i < d.sets[set].count; i++) {
            const unsigned char *pixels = d.sets[set].pixels + i * 36 * 36;
            size_t same = 0;
            while (same < 36 * 36 && pixels[same] == 77) same++;
            found += same == 36 * 36;
        }
    cr_expect(eq(sz, d.conflicts, 2)); /* they are alike now, and of two classes */
    cr_expect(eq(sz, found, 0));
    dataset_free(&d);
    cr_assert(eq(int, unlink(path_of(6, "13.jpg")), 0));
    d = open_pack("x_sdd(size=36)");
    for (int set = 0; set < SET_COUNT; set++)
        for (size_t i = 0; i < d.sets[set].count; i++)
            found += d.sets[set].pixels[i * 36 * 36] == 77 && d.sets[set].pixels[(i + 1) * 36 * 36 - 1] == 77 &&
                     d.sets[set].types[i] == 5;
    cr_expect(eq(sz, found, 1));
    dataset_free(&d);
}

Test(small_strip, copies_are_dropped, .init = make_pack, .fini = remove_root) {
    write_image(1, 5, 107, HEIGHT, WIDTH); /* as number 7 */
    write_image(2, 4, 306, HEIGHT, WIDTH); /* as number 6 of the next class */
    dataset d = open_pack("x_sdd");
    cr_expect(eq(sz, d.duplicates, 1));
    cr_expect(eq(sz, d.conflicts, 2));
    cr_expect(eq(sz, count_left_out(&d), 3));
    cr_expect(eq(sz, count_type(&d, 2), EACH - 1));
    cr_expect(eq(sz, count_type(&d, 3), EACH - 1));
    cr_expect(eq(sz, count_type(&d, 4), EACH - 1));
    dataset_free(&d);
}

Test(small_strip, without_clean_images_has_its_natural_ratio_alone, .init = make_pack, .fini = remove_root) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, try_pack("x_sdd", 10, &d, &error), LB_INVALID));
    cr_expect(strstr(error.message, "'x_sdd' has no clean images") != NULL, "%s", error.message);
    d = open_pack("x_sdd");
    cr_expect(d.clean == 0 && d.sets[SET_CALIBRATE].count == 0 && d.sets[SET_TRAIN].goods == 0);
    dataset_free(&d);
}

static const char *const foreign_names[] = {
    "01.jpg", "1.jpeg", "1.JPG", "one.jpg", "1", "100000.jpg", "-1.jpg", " 1.jpg", "99999999999999999999.jpg"};

Test(small_strip, foreign_files_are_refused_by_name, .init = make_pack, .fini = remove_root) {
    for (size_t i = 0; i < sizeof foreign_names / sizeof *foreign_names; i++) {
        char words[120];
        write_text_file(path_of(2, foreign_names[i]), "x");
        snprintf(words, sizeof words, "iron sheet ash/%s' is not named <number>.jpg or .png", foreign_names[i]);
        expect_refused(words);
        cr_assert(eq(int, unlink(path_of(2, foreign_names[i])), 0));
    }
}

Test(small_strip, damaged_files_are_refused_by_name, .init = make_pack, .fini = remove_root) {
    write_text_file(path_of(3, "4.png"), "no picture");
    expect_refused("surface scratch/4.png'");
    write_image(3, 4, 304, HEIGHT, WIDTH);
    write_text_file(path_of(3, "5.jpg"), "");
    expect_refused("surface scratch/5.jpg'");
    cr_assert(eq(int, unlink(path_of(3, "5.jpg")), 0));
    cr_assert(eq(int, mkdir(path_of(3, "5.jpg"), 0777), 0));
    expect_refused("surface scratch/5.jpg'");
}

Test(small_strip, that_lacks_a_class_or_everything_is_refused, .init = make_folders, .fini = remove_root) {
    expect_refused("X-SDD/datas' holds no image");
    write_image(0, 1, 1, HEIGHT, WIDTH);
    expect_refused("it needs at least one defect");
    cr_assert(eq(int, rmdir(path_of(5, "")), 0));
    expect_refused("finishing roll printing': No such file or directory");
}

Test(small_strip, that_is_not_there_is_named_with_the_remedy, .init = make_root, .fini = remove_root) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, try_pack("x_sdd", 0, &d, &error), LB_NOT_FOUND));
    cr_expect(strstr(error.message, "'x_sdd'") && strstr(error.message, "make datasets"), "%s", error.message);
}

Test(small_strip, other_sizes_are_refused, .init = make_pack, .fini = remove_root) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, try_pack("x_sdd(size=28)", 0, &d, &error), LB_INVALID), "%s", error.message);
    cr_expect(eq(int, try_pack("x_sdd(size=132)", 0, &d, &error), LB_INVALID), "%s", error.message);
    cr_expect(eq(int, try_pack("x_sdd(size=66)", 0, &d, &error), LB_INVALID));
    cr_expect(strstr(error.message, "ask for 64 or 68") != NULL, "%s", error.message);
}

Test(small_strip, every_reading_gives_the_same_content, .init = make_pack, .fini = remove_root) {
    const dataset_request request = {.search = root};
    char first[300], again[300];
    cr_assert(eq(int, dataset_text("x_sdd", &request, first, sizeof first, NULL), LB_OK));
    dataset_forget();
    cr_assert(eq(int, dataset_text("x_sdd", &request, again, sizeof again, NULL), LB_OK));
    cr_expect(eq(str, first, again));
    write_image(0, 2, 9999, HEIGHT, WIDTH);
    dataset_forget();
    cr_assert(eq(int, dataset_text("x_sdd", &request, again, sizeof again, NULL), LB_OK));
    cr_expect(ne(str, first, again), "a picture that is changed");
}

Test(small_strip, survives_a_failed_allocation, .init = make_pack, .fini = remove_root) {
#if FAILING_MALLOC
    open_while_memory_fails("x_sdd", root, 0, 100, 67);
#else
    remove_root(); /* a skipped test has no clean-up */
    cr_skip_test("the sanitizer has a malloc of its own");
#endif
}
