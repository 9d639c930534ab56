/* The importer of the Infrared Solar Modules: on the pack itself, where it has been fetched, and on small packs that
   are made here and then damaged. */
#include "tests/datasets/failing_open.h"
#include "tests/datasets/scratch.h"
#include "datasets/dataset.h"
#include "datasets/public/jpeg_image.h"
#include "lib/base/hash.h"
#include "lib/base/rng.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>
#include <jpeglib.h>

enum { WIDTH = 24, HEIGHT = 40, AREA = WIDTH * HEIGHT };

/* --- the pack itself --- */

static const char *search_path(void) {
    const char *path = getenv("LOSSBENCH_DATASETS");
    return path ? path : "datasets/public/cache:../shared/datasets";
}

static dataset open_pack(const char *block, unsigned ratio, unsigned seed) {
    char expression[80];
    lb_error error = {0};
    dataset d;
    const dataset_request request = {.ratio = ratio, .seed = seed, .search = search_path()};
    snprintf(expression, sizeof expression, "infrared_solar_modules(block=%s)", block);
    const int code = dataset_open(expression, &request, &d, &error);
    if (code == LB_NOT_FOUND) cr_skip_test("infrared_solar_modules is not fetched");
    cr_assert(eq(int, code, LB_OK), "%s", error.message);
    return d;
}

/* Counts: the classes of module_metadata.json (204, 175 and 940 images) less the images that contradict another, two of
   Cracking; and split_usual's shares of them. Content: over numbers, labels and pixels as read by Pillow and hashed by
   a few lines of Python, not by this importer. */
static const struct {
    const char *name, *content;
    size_t defects[SET_COUNT];
} blocks[] = {
    {"Soiling", "content=ad52127380f07274", {102, 30, 0, 72}},
    {"Diode-Multi", "content=ee85aeb9c8ef95d9", {87, 26, 0, 62}},
    {"Cracking", "content=e12ce8b59a0a2dcc", {468, 141, 0, 328}},
};
enum { BLOCKS = sizeof blocks / sizeof *blocks };

static const size_t goods[SET_COUNT] = {5000, 1000, 1500, 2500};

ParameterizedTestParameters(infrared, block) {
    static int index[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) index[i] = i;
    return cr_make_param_array(int, index, BLOCKS);
}

ParameterizedTest(int *i, infrared, block) {
    char text[300], expression[80];
    const dataset_request request = {.search = search_path()};
    dataset d = open_pack(blocks[*i].name, 0, 3);
    for (int set = 0; set < SET_COUNT; set++) {
        cr_expect(eq(sz, d.sets[set].goods, goods[set]));
        cr_expect(eq(sz, d.sets[set].count - d.sets[set].goods, blocks[*i].defects[set]));
        for (size_t k = 0; k < d.sets[set].goods; k++) cr_assert(ge(u32, d.sets[set].parts[k], 10000)); /* No-Anomaly */
        for (size_t k = d.sets[set].goods; k < d.sets[set].count; k++) cr_assert(lt(u32, d.sets[set].parts[k], 10000));
    }
    cr_expect(eq(str, (char *)d.type_names[1], (char *)blocks[*i].name));
    snprintf(expression, sizeof expression, "infrared_solar_modules(block=%s)", blocks[*i].name);
    cr_assert(eq(int, dataset_text(expression, &request, text, sizeof text, NULL), LB_OK));
    cr_expect(strstr(text, blocks[*i].content) != NULL, "%s", text);
    dataset_free(&d);
    dataset_forget();
}

/* Texts and splits that published results rest on: the text in full, and a hash over parts, types and pixels of the
   four sets at seed 1. Both were noted before block=all was added. */
static const struct {
    const char *expression, *text;
    uint64_t split;
} published[] = {
    {"infrared_solar_modules", "infrared_solar_modules@1(block=Soiling) ratio=0 content=ad52127380f07274",
     0x1cf160ffb40f64d9},
    {"infrared_solar_modules(block=Diode-Multi)",
     "infrared_solar_modules@1(block=Diode-Multi) ratio=0 content=ee85aeb9c8ef95d9", 0xa1adb3e1dfe8e9bc},
    {"infrared_solar_modules(block=Cracking)",
     "infrared_solar_modules@1(block=Cracking) ratio=0 content=e12ce8b59a0a2dcc", 0x1da8a4ba7c21533f},
};

static uint64_t hash_of_split(const dataset *d) {
    uint64_t state = HASH64_START;
    for (int set = 0; set < SET_COUNT; set++) {
        const dataset_items *s = &d->sets[set];
        state = hash64_add(state, s->parts, s->count * sizeof *s->parts);
        state = hash64_add(state, s->types, s->count * sizeof *s->types);
        state = hash64_add(state, s->pixels, s->count * AREA);
    }
    return hash64_finish(state);
}

Test(infrared, published_blocks_stay_as_they_are) {
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        const dataset_request request = {.seed = 1, .search = search_path()};
        char text[300];
        dataset d;
        const int code = dataset_open(published[i].expression, &request, &d, NULL);
        if (code == LB_NOT_FOUND) cr_skip_test("infrared_solar_modules is not fetched");
        cr_assert(eq(int, code, LB_OK));
        cr_assert(eq(int, dataset_text(published[i].expression, &request, text, sizeof text, NULL), LB_OK));
        cr_expect(eq(str, text, (char *)published[i].text));
        cr_expect(eq(u64, hash_of_split(&d), published[i].split), "%s", text);
        dataset_free(&d);
    }
    dataset_forget();
}

/* Images by module_metadata.json, and those left out: the second of 16 pairs of copies, 12 images that contradict
   another; counted class by class with a few lines of Python over the files' sums. */
static const struct {
    const char *name;
    size_t images, left_out;
} classes[] = {
    {"good", 10000, 0},         {"Cell", 1877, 1},       {"Cell-Multi", 1288, 2}, {"Cracking", 940, 3},
    {"Diode", 1499, 3},         {"Diode-Multi", 175, 0}, {"Hot-Spot", 249, 1},    {"Hot-Spot-Multi", 246, 0},
    {"Offline-Module", 827, 6}, {"Shadowing", 1056, 11}, {"Soiling", 204, 0},     {"Vegetation", 1639, 1},
};
enum { CLASSES = sizeof classes / sizeof *classes };

Test(infrared, block_all_holds_every_class) {
    dataset d = open_pack("all", 0, 1);
    size_t count[CLASSES][SET_COUNT] = {0};
    for (int set = 0; set < SET_COUNT; set++) {
        cr_expect(eq(sz, d.sets[set].goods, goods[set]));
        for (size_t i = 0; i < d.sets[set].count; i++) {
            cr_assert(lt(sz, d.sets[set].types[i], CLASSES));
            count[d.sets[set].types[i]][set]++;
        }
    }
    for (size_t type = 0; type < CLASSES; type++) {
        const size_t *of = count[type], all = of[0] + of[1] + of[2] + of[3];
        cr_expect(eq(str, (char *)d.type_names[type], (char *)classes[type].name));
        cr_expect(eq(sz, all, classes[type].images - classes[type].left_out), "%s", classes[type].name);
        if (type == 0) continue;
        cr_expect(eq(sz, of[SET_TRAIN], all / 2), "%s", classes[type].name);
        cr_expect(eq(sz, of[SET_CALIBRATE], 0));
        cr_expect(epsilon_eq(dbl, (double)of[SET_TEST], 0.35 * (double)all, 1), "%s", classes[type].name);
    }
    cr_expect(d.type_names[CLASSES] == NULL);
    dataset_free(&d);
    dataset_forget();
}

/* The pictures of the Soiling block are those of type Soiling of them all, and its goods are in the same sets. */
Test(infrared, block_all_labels_the_pictures_of_a_block) {
    static unsigned char pixels[20000][AREA];
    static uint16_t types[20000];
    static int set_of[20000];
    dataset all = open_pack("all", 0, 1), one = open_pack("Soiling", 0, 1);
    size_t soiled = 0, wrong = 0;
    for (int set = 0; set < SET_COUNT; set++)
        for (size_t i = 0; i < all.sets[set].count; i++) {
            types[all.sets[set].parts[i]] = all.sets[set].types[i];
            set_of[all.sets[set].parts[i]] = set;
            memcpy(pixels[all.sets[set].parts[i]], all.sets[set].pixels + i * AREA, AREA);
            soiled += strcmp(all.type_names[all.sets[set].types[i]], "Soiling") == 0;
        }
    for (int set = 0; set < SET_COUNT; set++)
        for (size_t i = 0; i < one.sets[set].count; i++) {
            const uint32_t part = one.sets[set].parts[i];
            wrong += strcmp(all.type_names[types[part]], one.type_names[one.sets[set].types[i]]) != 0;
            wrong += i < one.sets[set].goods && set_of[part] != set;
            wrong += memcmp(pixels[part], one.sets[set].pixels + i * AREA, AREA) != 0;
        }
    cr_expect(eq(sz, wrong, 0));
    cr_expect(eq(sz, soiled, 204));
    dataset_free(&all);
    dataset_free(&one);
    dataset_forget();
}

static int holds_part(const dataset *d, uint32_t part) {
    for (int set = 0; set < SET_COUNT; set++)
        for (size_t i = 0; i < d->sets[set].count; i++)
            if (d->sets[set].parts[i] == part) return 1;
    return 0;
}

/* The pairs of identical images with two classes that the pack's description lists. */
ParameterizedTestParameters(infrared, contradictions_are_left_out) {
    static int index[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) index[i] = i;
    return cr_make_param_array(int, index, BLOCKS);
}

ParameterizedTest(int *i, infrared, contradictions_are_left_out) {
    static const uint32_t pairs[] = {3915, 7027, 450, 7484, 161, 4518, 483, 6888, 1124, 7387, 543, 5171};
    dataset d = open_pack(blocks[*i].name, 0, 0);
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++)
        cr_expect(holds_part(&d, pairs[k]) == 0, "image %u", pairs[k]);
    dataset_free(&d);
    dataset_forget();
}

static int same_set(const dataset_items *a, const dataset_items *b, size_t count) {
    return memcmp(a->parts, b->parts, count * sizeof *a->parts) == 0 &&
           memcmp(a->types, b->types, count * sizeof *a->types) == 0 && memcmp(a->pixels, b->pixels, count * AREA) == 0;
}

Test(infrared, every_call_gives_the_same) {
    dataset a = open_pack("Soiling", 100, 5), b = open_pack("Soiling", 100, 5);
    dataset_forget();
    dataset c = open_pack("Soiling", 100, 5);
    for (int set = 0; set < SET_COUNT; set++) {
        cr_assert(eq(sz, a.sets[set].count, c.sets[set].count));
        cr_expect(same_set(&a.sets[set], &b.sets[set], a.sets[set].count));
        cr_expect(same_set(&a.sets[set], &c.sets[set], a.sets[set].count));
    }
    dataset_free(&a);
    dataset_free(&b);
    dataset_free(&c);
    dataset_forget();
}

Test(infrared, a_seed_splits_the_goods_alike_in_all_blocks) {
    dataset a = open_pack("Soiling", 0, 5), b = open_pack("Cracking", 0, 5), c = open_pack("Soiling", 0, 6);
    size_t moved = 0;
    for (size_t i = 0; i < a.sets[SET_TEST].goods; i++) {
        const uint32_t part = a.sets[SET_TEST].parts[i];
        size_t at = 0;
        while (at < b.sets[SET_TEST].goods && b.sets[SET_TEST].parts[at] != part) at++;
        cr_assert(lt(sz, at, b.sets[SET_TEST].goods));
        for (at = 0; at < c.sets[SET_TEST].goods && c.sets[SET_TEST].parts[at] != part;) at++;
        moved += at == c.sets[SET_TEST].goods;
    }
    cr_expect(gt(sz, moved, 1500)); /* 3/4 of 2500 are expected */
    dataset_free(&a);
    dataset_free(&b);
    dataset_free(&c);
    dataset_forget();
}

Test(infrared, a_higher_ratio_trains_on_a_part_of_the_defects) {
    dataset natural = open_pack("Cracking", 0, 2), some = open_pack("Cracking", 50, 2),
            few = open_pack("Cracking", 200, 2);
    const size_t g = 5000;
    cr_assert(eq(sz, some.sets[SET_TRAIN].count, g + 100));
    cr_assert(eq(sz, few.sets[SET_TRAIN].count, g + 25));
    cr_expect(same_set(&natural.sets[SET_TRAIN], &some.sets[SET_TRAIN], g + 100));
    cr_expect(same_set(&some.sets[SET_TRAIN], &few.sets[SET_TRAIN], g + 25));
    cr_expect(eq(sz, few.train_dropped, 443));
    for (int set = SET_SELECT; set < SET_COUNT; set++) {
        cr_assert(eq(sz, few.sets[set].count, natural.sets[set].count));
        cr_expect(same_set(&few.sets[set], &natural.sets[set], few.sets[set].count));
    }
    dataset_free(&natural);
    dataset_free(&some);
    dataset_free(&few);
    dataset_forget();
}

Test(infrared, a_ratio_that_leaves_too_few_defects_is_refused) {
    const dataset_request request = {.ratio = 600, .search = search_path()};
    lb_error error = {0};
    dataset d;
    const int code = dataset_open("infrared_solar_modules(block=Cracking)", &request, &d, &error);
    if (code == LB_NOT_FOUND) cr_skip_test("infrared_solar_modules is not fetched");
    cr_expect(eq(int, code, LB_INVALID));
    cr_expect(strstr(error.message, "1:600 leaves 8 defects") != NULL, "%s", error.message);
    cr_expect(strstr(error.message, "at most 1:500") != NULL, "%s", error.message);
    dataset_forget();
}

/* --- small packs --- */

enum { GOODS = 40, DEFECTS = 20, IMAGES = GOODS + DEFECTS };

static const char *path_of(const char *file) {
    static char path[200];
    snprintf(path, sizeof path, "%s/InfraredSolarModules/%s", root, file);
    return path;
}

static void write_text(const char *file, const char *content) {
    FILE *out = fopen(path_of(file), "wb");
    cr_assert(out && fputs(content, out) >= 0 && fclose(out) == 0);
}

static void write_jpeg(const char *file, const unsigned char *pixels, unsigned width, unsigned height) {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr manager;
    FILE *out = fopen(path_of(file), "wb");
    cr_assert(out != NULL);
    jpeg.err = jpeg_std_error(&manager);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, out);
    jpeg.image_width = width;
    jpeg.image_height = height;
    jpeg.input_components = 1;
    jpeg.in_color_space = JCS_GRAYSCALE;
    jpeg_set_defaults(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    for (size_t y = 0; y < height; y++) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(pixels + y * width);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    fclose(out);
}

static void write_noise(unsigned image, unsigned like, unsigned width, unsigned height) {
    static unsigned char pixels[2 * AREA];
    char file[40], name[40];
    snprintf(name, sizeof name, "noise %u", like);
    rng stream = rng_from_text(name);
    for (size_t i = 0; i < (size_t)width * height; i++) pixels[i] = (unsigned char)rng_below(&stream, 256);
    snprintf(file, sizeof file, "images/%u.jpg", image);
    write_jpeg(file, pixels, width, height);
}

/* Images 0..GOODS-1 are goods, then Soiling; listed from `first` on, so that the order can be changed. */
static void write_list(unsigned first) {
    FILE *out = fopen(path_of("module_metadata.json"), "wb");
    cr_assert(out != NULL);
    for (unsigned k = 0; k < IMAGES; k++) {
        const unsigned i = (k + first) % IMAGES;
        fprintf(out, "%s\"%u\": {\"image_filepath\": \"images/%u.jpg\", \"anomaly_class\": \"%s\"}", k ? ", " : "{", i,
                i, i < GOODS ? "No-Anomaly" : "Soiling");
    }
    fputs("}", out);
    fclose(out);
}

static void make_pack(void) {
    char path[100];
    make_root();
    snprintf(path, sizeof path, "%s/InfraredSolarModules", root);
    cr_assert(eq(int, mkdir(path, 0777), 0));
    cr_assert(eq(int, mkdir(path_of("images"), 0777), 0));
    for (unsigned i = 0; i < IMAGES; i++) write_noise(i, i, WIDTH, HEIGHT);
    write_list(0);
}

static int try_pack(dataset *d, lb_error *error) {
    const dataset_request request = {.search = root};
    *error = (lb_error){0};
    dataset_forget();
    return dataset_open("infrared_solar_modules", &request, d, error);
}

static void expect_refused(const char *words) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, try_pack(&d, &error), LB_FORMAT), "%s: %s", words, error.message);
    cr_expect(strstr(error.message, words) != NULL, "wanted '%s': %s", words, error.message);
    cr_expect(strchr(error.message, '\n') == NULL, "%s", error.message);
    cr_expect(eq(sz, d.sets[SET_TRAIN].count, 0));
}

Test(small_pack, is_read_whatever_the_order_of_its_list, .init = make_pack, .fini = remove_root) {
    const dataset_request request = {.search = root};
    char before[200], after[200];
    dataset d;
    lb_error error;
    cr_assert(eq(int, try_pack(&d, &error), LB_OK), "%s", error.message);
    cr_expect(eq(sz, d.sets[SET_TRAIN].goods, GOODS / 2));
    cr_expect(eq(sz, d.sets[SET_TRAIN].count, GOODS / 2 + DEFECTS / 2));
    cr_assert(eq(int, dataset_text("infrared_solar_modules", &request, before, sizeof before, NULL), LB_OK));
    write_list(17);
    dataset again;
    cr_assert(eq(int, try_pack(&again, &error), LB_OK), "%s", error.message);
    cr_assert(eq(int, dataset_text("infrared_solar_modules", &request, after, sizeof after, NULL), LB_OK));
    cr_expect(eq(str, before, after));
    for (int set = 0; set < SET_COUNT; set++) cr_expect(same_set(&d.sets[set], &again.sets[set], d.sets[set].count));
    dataset_free(&d);
    dataset_free(&again);
}

Test(small_pack, is_found_anywhere_in_the_search_path, .init = make_pack, .fini = remove_root) {
    char search[200], folder[100];
    dataset d;
    snprintf(search, sizeof search, "/nowhere::%s", root);
    const dataset_request request = {.search = search};
    cr_assert(eq(int, dataset_open("infrared_solar_modules", &request, &d, NULL), LB_OK));
    dataset_free(&d);
    snprintf(folder, sizeof folder, "%s/infrared_solar_modules", root);
    cr_assert(eq(int, mkdir(folder, 0777), 0));
    char from[100], to[200];
    snprintf(from, sizeof from, "%s/InfraredSolarModules", root);
    snprintf(to, sizeof to, "%s/InfraredSolarModules", folder);
    cr_assert(eq(int, rename(from, to), 0));
    cr_expect(eq(int, dataset_open("infrared_solar_modules", &request, &d, NULL), LB_OK));
    dataset_free(&d);
}

Test(small_pack, that_is_not_there_is_named_with_the_remedy, .init = make_root, .fini = remove_root) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, try_pack(&d, &error), LB_NOT_FOUND));
    cr_expect(strstr(error.message, "make datasets") != NULL, "%s", error.message);
    cr_expect(strstr(error.message, root) != NULL, "%s", error.message);
}

Test(small_pack, copies_are_kept_once_and_contradictions_not_at_all, .init = make_pack, .fini = remove_root) {
    dataset d;
    lb_error error;
    write_noise(7, 5, WIDTH, HEIGHT);         /* goods 5 = 7 */
    write_noise(9, 5, WIDTH, HEIGHT);         /* and 9 */
    write_noise(GOODS + 1, 3, WIDTH, HEIGHT); /* a defect = good 3 */
    cr_assert(eq(int, try_pack(&d, &error), LB_OK), "%s", error.message);
    cr_expect(eq(sz, d.duplicates, 2));
    cr_expect(eq(sz, d.conflicts, 2));
    cr_expect(holds_part(&d, 5));
    cr_expect(holds_part(&d, 7) + holds_part(&d, 9) + holds_part(&d, 3) + holds_part(&d, GOODS + 1) == 0);
    dataset_free(&d);
}

Test(small_pack, damaged_images_are_refused_by_name, .init = make_pack, .fini = remove_root) {
    write_noise(4, 4, HEIGHT, WIDTH);
    expect_refused("4.jpg' is 40 x 24 pixels, not 24 x 40");
    write_noise(4, 4, WIDTH, HEIGHT);
    write_text("images/11.jpg", "no picture");
    expect_refused("11.jpg': Not a JPEG file");
    write_text("images/11.jpg", "");
    expect_refused("11.jpg': ");
    cr_assert(eq(int, unlink(path_of("images/11.jpg")), 0));
    expect_refused("11.jpg': No such file");
    cr_assert(eq(int, mkdir(path_of("images/11.jpg"), 0777), 0));
    expect_refused("11.jpg': ");
}

#define LISTED(key, path, class) "{\"" key "\": {\"image_filepath\": \"" path "\", \"anomaly_class\": \"" class "\"}}"

static const struct {
    const char *list, *words;
} bad_lists[] = {
    {"", "module_metadata.json', line 1"},
    {"{\"1\": {\"image_filepath\": \"images/1.jpg\",", "module_metadata.json', line 1"},
    {"[1, 2, 3]", "no JSON object"},
    {"{}", "no JSON object"},
    {"{\"1\": 5}", "image 1 lacks image_filepath or anomaly_class"},
    {"{\"1\": {\"image_filepath\": \"images/1.jpg\"}}", "image 1 lacks"},
    {"{\"1\": {\"image_filepath\": 1, \"anomaly_class\": \"Soiling\"}}", "image 1 lacks"},
    {LISTED("one", "images/1.jpg", "Soiling"), "'one' is no image number"},
    {LISTED("-1", "images/1.jpg", "Soiling"), "'-1' is no image number"},
    {LISTED("01", "images/1.jpg", "Soiling"), "'01' is no image number"},
    {LISTED("99999999999", "images/1.jpg", "Soiling"), "is no image number"},
    {LISTED("1", "images/1.jpg", "Rust"), "unknown class 'Rust'"},
    {LISTED("1", "images/1.jpg", "good"), "unknown class 'good'"},
    {LISTED("1", "../1.jpg", "Soiling"), "leads out of the pack"},
    {LISTED("1", "images/../../1.jpg", "Soiling"), "leads out of the pack"},
    {LISTED("1", "images/..", "Soiling"), "leads out of the pack"},
    {LISTED("1", "/etc/passwd", "Soiling"), "leads out of the pack"},
    {LISTED("1", "", "Soiling"), "leads out of the pack"},
    {"{\"1\": {}, \"1\": {}}", "module_metadata.json', line 1: duplicate"},
    {LISTED("1", "images/1\\u0000.jpg", "Soiling"), "module_metadata.json', line 1"},
};
enum { BAD_LISTS = sizeof bad_lists / sizeof *bad_lists };

Test(small_pack, damaged_lists_are_refused_with_the_place, .init = make_pack, .fini = remove_root) {
    for (size_t i = 0; i < BAD_LISTS; i++) {
        write_text("module_metadata.json", bad_lists[i].list);
        expect_refused(bad_lists[i].words);
    }
}

Test(small_pack, without_defects_is_no_block, .init = make_pack, .fini = remove_root) {
    const dataset_request request = {.search = root};
    dataset d;
    lb_error error = {0};
    cr_expect(eq(int, dataset_open("infrared_solar_modules(block=Cracking)", &request, &d, &error), LB_FORMAT));
    cr_expect(strstr(error.message, "0 defects") != NULL, "%s", error.message);
}

/* --- one JPEG --- */

static size_t read_file(const char *path, unsigned char *bytes, size_t size) {
    FILE *in = fopen(path, "rb");
    cr_assert(in != NULL);
    const size_t n = fread(bytes, 1, size, in);
    fclose(in);
    return n;
}

static void write_file(const char *path, const unsigned char *bytes, size_t size) {
    FILE *out = fopen(path, "wb");
    cr_assert(out && fwrite(bytes, 1, size, out) == size && fclose(out) == 0);
}

Test(jpeg, cut_short_anywhere_is_refused, .init = make_pack, .fini = remove_root) {
    unsigned char bytes[4000], pixels[AREA];
    const char *path = path_of("images/0.jpg");
    const size_t size = read_file(path, bytes, sizeof bytes);
    cr_assert(size > 500 && size < sizeof bytes);
    for (size_t n = 0; n < size; n++) {
        lb_error error = {0};
        write_file(path, bytes, n);
        cr_assert(eq(int, jpeg_image_read(path, HEIGHT, WIDTH, 1, pixels, &error), LB_FORMAT), "%zu of %zu bytes", n,
                  size);
        cr_assert(strstr(error.message, "0.jpg") != NULL);
    }
    write_file(path, bytes, size);
    cr_expect(eq(int, jpeg_image_read(path, HEIGHT, WIDTH, 1, pixels, NULL), LB_OK));
}

/* Some damage cannot be told from another picture; what counts is that nothing else happens. */
Test(jpeg, a_changed_byte_is_refused_or_another_picture, .init = make_pack, .fini = remove_root) {
    unsigned char bytes[4000], pixels[AREA];
    const char *path = path_of("images/0.jpg");
    const size_t size = read_file(path, bytes, sizeof bytes);
    size_t refused = 0;
    for (size_t i = 0; i < 4 * size; i++) {
        lb_error error = {0};
        const unsigned char right = bytes[i / 4];
        bytes[i / 4] = (unsigned char)(right ^ (unsigned char[]){0xff, 1, 0x80, 0x10}[i % 4]);
        write_file(path, bytes, size);
        const int code = jpeg_image_read(path, HEIGHT, WIDTH, 1, pixels, &error);
        cr_assert(code == LB_OK || (code == LB_FORMAT && error.message[0]), "byte %zu: %d", i / 4, code);
        refused += code != LB_OK;
        bytes[i / 4] = right;
    }
    cr_expect(gt(sz, refused, 100));
}

/* --- memory --- */

Test(small_pack, survives_a_failed_allocation, .init = make_pack, .fini = remove_root) {
#if FAILING_MALLOC
    json_set_alloc_funcs(__libc_malloc, free); /* jansson 2.14 aborts by itself when memory runs out in a string */
    open_while_memory_fails("infrared_solar_modules", root, 0, 400, 37);
#else
    remove_root(); /* a skipped test has no clean-up */
    cr_skip_test("the sanitizer has a malloc of its own");
#endif
}
