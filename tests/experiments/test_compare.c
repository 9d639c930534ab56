/* Comparisons to any baseline, at either level, and of masks: stores planted with numbers whose tables are known. */
#include "tests/experiments/fixture.h"

#include "experiments/harness/compare.h"

#include <math.h>

#define TRAIN(model) "[train]\nmodel = " model "\nvisits = 640\nbatch = 32\nlearning_rate = 0.01\n"
#define UNET TRAIN("unet(width=narrow)")
#define MASK_DATA "synthetic(texture=cast, defect=dent, size=32, scale=0.1)"
#define ABOUT(more) "[experiment]\nquestion = q\nanalysis = compare\nfigures = none\n" more "[blocks]\ndents = "
#define LOSSES "[losses]\nbce = bce\ndice = dice(batch=on)\niou = iou(batch=on)\n"
#define MASKS ABOUT("baseline = dice\n") MASK_DATA " @ 10\n" LOSSES UNET
enum { BCE, DICE, IOU };

static study s; /* large; every test has its own process */
static evidence e;
static store *from;
static place places[MAX_PLACES];
static size_t count;
static float pixel_ap; /* of planted masks; 0: as masks_result says */

static void begin(const char *content) {
    expand_text("e", content, &s);
    from = memory_store();
    count = places_of(&s, places);
}

static void read_evidence(void) {
    lb_error error = {0};
    cr_assert(zero(int, evidence_read(&s, from, &e, &error)), "%s", error.message);
}

static void end(void) {
    evidence_free(&e);
    store_close(from);
    study_free(&s);
}

static void put(size_t c, unsigned seed, trial_result *r) {
    lb_error error = {0};
    cr_assert(zero(int, store_put(from, &s.cells[c].finals[seed], r, &error)), "%s", error.message);
    trial_result_free(r);
}

static float *added(trial_result *r, const char *name, size_t n) {
    float *data = trial_result_add(r, name, n, 0);
    cr_assert(ne(ptr, data, NULL));
    return data;
}

/* A trial of masks: recall `found` hundredths by both scores of an image; 10 instances of 1 pixel, of which `small` are
   found, and 4 of 100 pixels, all found. Images have 24 x 24 pixels, so the areas are 0.17 and 17 %. */
static trial_result masks_result(unsigned found, double dice, double distance, unsigned small) {
    trial_result r = made_result(&(made){.found = found});
    float *number = added(&r, "masks", MASK_NUMBERS), *score, *area;
    for (size_t i = 0; i < MASK_NUMBERS; i++) number[i] = (float)i / 100;
    number[MASK_DICE] = (float)dice;
    number[MASK_HAUSDORFF_95] = (float)distance;
    number[MASK_PIXEL_SHARE] = 0.0125f;
    number[MASK_VANISHED] = 7;
    if (pixel_ap > 0) number[MASK_PIXEL_AP] = pixel_ap;
    made_scores(&r, "test_max", found);
    score = added(&r, "instance_score", 14);
    area = added(&r, "instance_area", 14);
    for (unsigned i = 0; i < 14; i++) {
        score[i] = i >= 10 || i < small ? 5.0f : -5.0f;
        area[i] = i < 10 ? 1 : 100;
    }
    return r;
}

static void plant(size_t c, unsigned seed, unsigned found, double dice, double distance) {
    trial_result r = masks_result(found, dice, distance, 5);
    put(c, seed, &r);
}

static void plant_images(size_t c, unsigned seed, unsigned found) {
    put_made(from, &s.cells[c].finals[seed], &(made){.found = found});
}

static void expect(const table *t, size_t row, size_t column, const char *shown) {
    cr_assert(lt(sz, row, table_rows(t)));
    cr_assert(eq(str, (char *)table_at(t, row, column), (char *)shown));
}

/* --- baseline ---------------------------------------------------------------------------------------------------- */

static void expect_baseline(const char *content, const char *name, const char *rule) {
    char shown[LABEL];
    begin(content);
    compare_baseline_name(&s.e, shown);
    cr_assert(eq(str, shown, (char *)name));
    cr_assert(eq(str, (char *)compare_rule_label(&s.e), (char *)rule));
    end();
}

#define TUNED                                                                                                          \
    "[tuning]\npoints = 2\nseeds = 1\nlearning_rate_low = 1e-3\nlearning_rate_high = 1e-1\nweight_decay_low = 1e-6\n"  \
    "weight_decay_high = 1e-2\n"
#define IMAGES(more) ABOUT(more) TINY_DATA " @ 200\n[losses]\nbce = bce\nasl = asl\n" TRAIN("cnn(width=narrow)")

Test(compare, only_a_tuned_bce_is_called_tuned) {
    expect_baseline(IMAGES("") "seeds = 1\n" TUNED, "tuned BCE", "BCE, tuned");
    expect_baseline(IMAGES("") "seeds = 1\n", "bce", "bce");
    expect_baseline(IMAGES("baseline = asl\n") "seeds = 1\n" TUNED, "asl", "asl");
}

Test(compare, a_family_stands_for_its_first_loss) {
    begin(ABOUT("baseline = focal\n") TINY_DATA
          " @ 200\n[losses]\nbce = bce\nfocal = focal(gamma={0, 2}, alpha={off})\n" TRAIN("cnn") "seeds = 1\n");
    cr_assert_not(compare_is_baseline(&s.e, 0));
    cr_assert(compare_is_baseline(&s.e, 1));
    cr_assert_not(compare_is_baseline(&s.e, 2));
    read_evidence();
    cr_assert(eq(long, compare_baseline(&e, &places[0]), 1));
    end();
}

Test(compare, summary_is_relative_to_the_baseline) {
    begin(IMAGES("baseline = asl\n") "seeds = 2\n");
    for (unsigned k = 0; k < 2; k++) {
        plant_images(0, k, 80);
        plant_images(1, k, 50);
    }
    read_evidence();
    table *t = compare_summary(&e, places, count);
    expect(t, 0, 0, "bce");
    expect(t, 0, 1, "0.800");
    expect(t, 0, 2, "+0.300");
    expect(t, 0, 4, "1"); /* better */
    expect(t, 1, 1, "0.500");
    expect(t, 1, 2, " ");
    table_free(t);
    end();
}

/* --- the level --------------------------------------------------------------------------------------------------- */

/* `goods` of test: 299 allow FR 1 %. */
static void put_goods(size_t c, size_t goods) {
    trial_result r = {.prior_loss = 1};
    added(&r, "data", DATA_FACTS);
    float *score = trial_result_add(&r, "test", goods + 10, goods);
    cr_assert(ne(ptr, score, NULL));
    for (size_t i = 0; i < goods + 10; i++) score[i] = (float)i;
    put(c, 0, &r);
}

Test(compare, places_with_few_goods_are_named_by_their_level) {
    char heading[PLACE_LABEL];
    begin(ABOUT("") TINY_DATA " @ 10 20\n[losses]\nbce = bce\nasl = asl\n" TRAIN("cnn") "seeds = 1\n");
    put_goods(0, 299);
    put_goods(1, 299);
    trial_result diverged = {.outcome = OUTCOME_DIVERGED, .prior_loss = 1}; /* does not know its goods */
    added(&diverged, "data", DATA_FACTS);
    put(2, 0, &diverged);
    put_goods(3, 298);
    read_evidence();
    place_heading(&e, &places[0], heading, sizeof heading);
    cr_assert(eq(str, heading, "dents 1:10"));
    place_heading(&e, &places[1], heading, sizeof heading);
    cr_assert(eq(str, heading, "dents 1:20, FR 5 %"));
    cr_assert(eq(str, (char *)levels_name(&e, places, 1), "FR 1 %"));
    cr_assert(eq(str, (char *)levels_note(&e, places, 1), ""));
    cr_assert(eq(str, (char *)levels_name(&e, places + 1, 1), "FR 5 %"));
    cr_assert(eq(str, (char *)levels_name(&e, places, 2), "FR 1 % or 5 %"));
    cr_assert(ne(str, (char *)levels_note(&e, places, 2), ""));
    end();
}

Test(compare, level_names_are_those_of_the_levels) {
    for (size_t i = 0; i < FR_LEVELS; i++) {
        char name[20];
        snprintf(name, sizeof name, "FR %g %%", 100 * fr_levels[i]);
        cr_assert(eq(str, (char *)level_name(i), name));
    }
}

/* --- masks ------------------------------------------------------------------------------------------------------- */

static void plant_three(void) {
    for (unsigned k = 0; k < 3; k++) {
        plant(BCE, k, 60 + k, 0.70 + 0.01 * k, 4 + k);
        plant(DICE, k, 50 + k, 0.50 + 0.01 * k, 9 + k);
        plant(IOU, k, 50 + k, 0.50 + 0.01 * k, k == 1 ? 3 : 20);
    }
}

static void put_diverged(size_t c, unsigned seed) {
    trial_result r = masks_result(50, 0.7, 4, 5);
    r.outcome = OUTCOME_DIVERGED;
    put(c, seed, &r);
}

Test(compare_masks, metrics_show_means_or_intervals) {
    begin(MASKS "seeds = 3\n");
    plant_three();
    read_evidence();
    cr_assert(evidence_has_masks(&e));
    table *t = compare_mask_metrics(&e, places, count, 0);
    cr_assert(eq(sz, table_rows(t), 3));
    expect(t, 0, 0, "dents 1:10");
    expect(t, 0, 1, "bce");
    expect(t, 0, 2, "0.610");
    expect(t, 0, 3, "0.610");
    expect(t, 0, 4, "0.643"); /* 9 of 14 instances */
    expect(t, 0, 5, "0.050"); /* pixel AP, MASK_PIXEL_AP hundredths */
    expect(t, 0, 6, "0.080"); /* at FR_HEADLINE of MASK_PIXEL_RECALL */
    expect(t, 0, 7, "0.710");
    expect(t, 0, 8, "0.020");
    expect(t, 0, 9, "0.030");
    expect(t, 0, 10, "0.100");
    expect(t, 0, 11, "5.0");
    expect(t, 0, 12, "0.120");
    expect(t, 0, 13, "0.130");
    expect(t, 0, 14, "0 of 3");
    table_free(t);
    t = compare_mask_metrics(&e, places, count, 1);
    expect(t, 0, 7, "0.710 [0.685, 0.735]"); /* 0.71 -+ 4.3027 x 0.01 / sqrt(3) */
    expect(t, 0, 11, "5.0 [2.5, 7.5]");
    table_free(t);
    end();
}

/* Of three seeds one finds 9 of 100 and one diverges; a missing seed is none. */
Test(compare_masks, seeds_that_find_next_to_nothing_are_counted) {
    begin(MASKS "seeds = 4\n");
    plant(DICE, 0, 50, 0.5, 3);
    plant(DICE, 1, 9, 0.5, 3);
    put_diverged(DICE, 2);
    read_evidence();
    table *t = compare_mask_metrics(&e, places, count, 0);
    expect(t, DICE, 14, "2 of 3");
    table_free(t);
    end();
}

Test(compare_masks, differences_carry_verdicts_and_distances_words) {
    begin(MASKS "seeds = 3\n");
    plant_three();
    read_evidence();
    table *t = compare_mask_differences(&e, places, count);
    cr_assert(eq(sz, table_rows(t), 2)); /* not dice, the baseline */
    expect(t, 0, 1, "bce");
    expect(t, 0, 2, "+0.200 [+0.200, +0.200] better");
    expect(t, 0, 3, "+0.000 [+0.000, +0.000] equivalent");
    expect(t, 0, 6, "-5.00 [-5.00, -5.00] shorter");
    expect(t, 1, 1, "iou");
    expect(t, 1, 6, "+4.33 [-20.17, +28.84] unclear"); /* scipy 1.10, t.interval of 11, -7, 9 */
    table_free(t);
    end();
}

Test(compare_masks, a_longer_distance_is_longer_and_one_seed_is_unclear) {
    begin(MASKS "seeds = 2\n");
    for (unsigned k = 0; k < 2; k++) {
        plant(DICE, k, 50, 0.5, 3);
        plant(BCE, k, 50, 0.5, 8);
    }
    plant(IOU, 0, 50, 0.5, 8);
    read_evidence();
    table *t = compare_mask_differences(&e, places, count);
    expect(t, 0, 6, "+5.00 [+5.00, +5.00] longer");
    expect(t, 1, 2, "failed"); /* a seed is missing */
    table_free(t);
    end();
    begin(MASKS "seeds = 1\n");
    plant(DICE, 0, 50, 0.5, 3);
    plant(BCE, 0, 50, 0.9, 8);
    read_evidence();
    t = compare_mask_differences(&e, places, count);
    expect(t, 0, 2, "+0.400 unclear");
    expect(t, 0, 6, "+5.00 unclear");
    table_free(t);
    end();
}

Test(compare_masks, without_a_baseline_there_is_no_difference) {
    begin(MASKS "seeds = 1\n");
    plant(BCE, 0, 50, 0.9, 8);
    read_evidence();
    table *t = compare_mask_differences(&e, places, count);
    for (size_t i = 2; i < 7; i++) expect(t, 0, i, "no baseline");
    table_free(t);
    end();
}

/* Scores of images tie, so there is no image recall; pixels do not care. */
Test(compare_masks, a_tie_of_images_hides_their_recall_only) {
    begin(MASKS "seeds = 1\n");
    trial_result r = masks_result(50, 0.7, 4, 5);
    float *score = NULL;
    for (size_t i = 0; i < r.array_count; i++)
        if (strcmp(r.arrays[i].name, "test") == 0) score = r.arrays[i].data;
    cr_assert(ne(ptr, score, NULL));
    for (unsigned i = 0; i < 10; i++) score[MADE_GOODS - 1 - i] = score[MADE_GOODS - 1];
    put(BCE, 0, &r);
    read_evidence();
    table *t = compare_mask_metrics(&e, places, count, 0);
    expect(t, 0, 2, "tied");
    expect(t, 0, 3, "0.500");
    expect(t, 0, 7, "0.700");
    expect(t, 1, 2, "failed");
    expect(t, 1, 11, "failed");
    table_free(t);
    end();
}

Test(compare_masks, sizes_count_instances_and_a_diverged_model_finds_none) {
    begin(MASKS "seeds = 2\n");
    plant(BCE, 0, 50, 0.5, 4);
    plant(BCE, 1, 50, 0.5, 4);
    plant(DICE, 0, 50, 0.5, 4);
    put_diverged(DICE, 1);
    put_diverged(IOU, 0);
    put_diverged(IOU, 1);
    read_evidence();
    table *t = compare_mask_sizes(&e, places, count);
    expect(t, 0, 2, "0.500 [0.500, 0.500]");
    expect(t, 0, 3, "none");
    expect(t, 0, 5, "1.000 [1.000, 1.000]");
    expect(t, 0, 6, "10.0");
    expect(t, 0, 7, "0.0");
    expect(t, 0, 9, "4.0");
    cr_assert(eq(int, strncmp(table_at(t, 1, 2), "0.250 ", 6), 0));
    expect(t, 1, 6, "10.0");
    cr_assert(eq(int, strncmp(table_at(t, 2, 2), "0.000 ", 6), 0));
    expect(t, 2, 6, "10.0"); /* what is there does not depend on the loss */
    table_free(t);
    end();
}

Test(compare_masks, every_trial_has_a_row) {
    char key[TRIAL_KEY];
    begin(MASKS "seeds = 2\n");
    plant(BCE, 0, 50, 0.12346, 4);
    put_diverged(BCE, 1);
    read_evidence();
    table *t = compare_mask_trials(&e);
    cr_assert(eq(sz, table_rows(t), 6));
    trial_key(&s.cells[0].finals[0], key);
    expect(t, 0, 0, key);
    expect(t, 0, 1, "dents");
    expect(t, 0, 2, "1:10");
    expect(t, 0, 3, "bce");
    expect(t, 0, 4, "1");
    expect(t, 0, 5, "ok");
    expect(t, 0, 6, "1.0000");
    expect(t, 0, 7, "0.5000");
    for (size_t i = 0; i < MASK_NUMBERS; i++) {
        char number[40];
        snprintf(number, sizeof number, "%.4f", field_mask(evidence_seeds(&e, 0), i));
        expect(t, 0, 10 + i, number);
    }
    expect(t, 0, 10 + MASK_DICE, "0.1235");
    expect(t, 0, 10 + MASK_NUMBERS, "0.5000");
    expect(t, 0, 10 + MASK_NUMBERS + 1, "NaN");
    expect(t, 0, 10 + MASK_NUMBERS + SIZE_BINS, "10");
    expect(t, 1, 5, "diverged");
    expect(t, 1, 10 + MASK_NUMBERS + SIZE_BINS, "NaN");
    expect(t, 2, 5, "missing");
    expect(t, 2, 10 + MASK_DICE, "NaN");
    table_free(t);
    end();
}

/* --- in the report ----------------------------------------------------------------------------------------------- */

static char directory[] = "/tmp/test_compare_XXXXXX";

static void make_directory(void) { cr_assert(ne(ptr, mkdtemp(directory), NULL)); }

static void remove_directory(void) {
    char command[200];
    snprintf(command, sizeof command, "rm -r %s", directory);
    cr_assert(zero(int, system(command)));
}

static const char *read_back(const char *path) {
    static char content[200000];
    char whole[300];
    snprintf(whole, sizeof whole, "%s/%s", directory, path);
    FILE *f = fopen(whole, "r");
    cr_assert(ne(ptr, f, NULL), "%s is not there", whole);
    content[fread(content, 1, sizeof content - 1, f)] = 0;
    fclose(f);
    return content;
}

static size_t lines_with(const char *content, const char *word) {
    size_t n = 0;
    for (const char *at = strstr(content, word); at; at = strstr(at + 1, word)) n++;
    return n;
}

static void plant_all(const study *at) {
    for (size_t c = 0; c < at->cell_count; c++)
        for (unsigned k = 0; k < at->e.seeds; k++) {
            lb_error error = {0};
            trial_result r = at->cells[c].finals[k].task == TASK_MASK ? masks_result(50, 0.5, 4, 5)
                                                                      : made_result(&(made){.found = 50});
            cr_assert(zero(int, store_put(from, &at->cells[c].finals[k], &r, &error)), "%s", error.message);
            trial_result_free(&r);
        }
}

static void write_report(const char *first, const char *second) {
    static campaign c;
    lb_error error = {0};
    snprintf(c.out, sizeof c.out, "%s", directory);
    expand_text("first", first, &c.studies[0]);
    expand_text("second", second, &c.studies[1]);
    c.count = 2;
    from = memory_store();
    for (size_t i = 0; i < 2; i++) plant_all(&c.studies[i]);
    cr_assert(zero(int, report_write(&c, from, &error)), "%s", error.message);
    store_close(from);
    for (size_t i = 0; i < 2; i++) study_free(&c.studies[i]);
}

#define SAME_IMAGES ABOUT("") MASK_DATA " @ 10\n[losses]\nbce = bce\nasl = asl\n" TRAIN("cnn(width=narrow)")

TestSuite(compare_report, .init = make_directory, .fini = remove_directory);

/* One block, first as images and then as masks: one row of data, one of masks. */
Test(compare_report, a_block_is_listed_once_and_its_masks_once) {
    write_report(SAME_IMAGES "seeds = 1\n", MASKS "seeds = 1\n");
    cr_assert(eq(sz, lines_with(read_back("results/data/sets.tsv"), "\ndents\t"), 1));
    cr_assert(ne(ptr, strstr(read_back("results/data/masks.tsv"), "\ndents\t1:10\t1.25 %\t"), NULL));
    cr_assert(eq(sz, lines_with(read_back("results/data/masks.tsv"), "\ndents\t"), 1));
    cr_assert(ne(ptr, strstr(read_back("results/data/masks.tsv"), "\t7\t"), NULL));
    cr_assert(ne(ptr, strstr(read_back("REPORT.md"), "Paired difference in recall at FR 1 % to dice, 95 %"), NULL));
    read_back("results/second/mask_trials.tsv");
    read_back("results/second/sizes.tsv");
}

Test(compare_report, masks_used_twice_are_listed_once) {
    write_report(MASKS "seeds = 1\n", ABOUT("") MASK_DATA " @ 10\n" LOSSES UNET "seeds = 1\n");
    cr_assert(eq(sz, lines_with(read_back("results/data/masks.tsv"), "\ndents\t"), 1));
    cr_assert(ne(ptr, strstr(read_back("REPORT.md"), "recall at FR 1 % to bce, 95 %"), NULL)); /* a fixed rate */
}

/* 16 % of 100 defect images of 500 are 3.2 % of the pixels: an AP of .05 is little, one of .1 is more than three times
 * it. */
Test(compare_report, a_place_where_little_is_learnt_is_named) {
    write_report(SAME_IMAGES "seeds = 1\n", MASKS "seeds = 1\n");
    cr_assert(ne(ptr,
                 strstr(read_back("REPORT.md"),
                        "Little is learnt on dents 1:10**: the pixel AP of dice is 0.050, and that of chance 0.032"),
                 NULL));
    pixel_ap = 0.1f;
    write_report(SAME_IMAGES "seeds = 1\n", MASKS "seeds = 1\n");
    cr_assert(eq(sz, lines_with(read_back("REPORT.md"), "Little is learnt"), 0));
}

Test(compare_report, without_masks_nothing_is_said_of_masks) {
    char path[300];
    write_report(SAME_IMAGES "seeds = 1\n", SAME_IMAGES "seeds = 1\n");
    cr_assert(eq(sz, lines_with(read_back("REPORT.md"), "mask_metrics"), 0));
    snprintf(path, sizeof path, "%s/results/data/masks.tsv", directory);
    cr_assert(ne(int, access(path, F_OK), 0));
}
