/* Sheets of masks: nets from the store give the stored scores again; panels, outlines and frames; the figure. Needs
   gnuplot, and runs from the project's root, where plots/ is. */
#include "experiments/harness/panels.h"
#include "experiments/harness/stored_net.h"
#include "experiments/harness/mask_sheet.h"
#include "lib/metrics/mask_metrics.h"
#include "tests/experiments/fixture.h"

#include <png.h>

static const unsigned char orange[3] = {0xE6, 0x9F, 0x00}, blue[3] = {0x00, 0x72, 0xB2};

/* --- panels ----------------------------------------------------------------------------------------------------- */

static size_t count_hue(const unsigned char *rgb, size_t pixels, const unsigned char *hue) {
    size_t n = 0;
    for (size_t i = 0; i < pixels; i++) n += memcmp(rgb + 3 * i, hue, 3) == 0;
    return n;
}

static int is_at(const panels *p, size_t x, size_t y, const unsigned char *hue) {
    return memcmp(p->rgb + 3 * (y * p->width + x), hue, 3) == 0;
}

static panels two_by_three(size_t height, size_t width) {
    panels p;
    cr_assert(zero(int, panels_new(&p, 2, 3, height, width, 96, NULL)));
    return p;
}

Test(panels, enlarge_to_about_96_by_whole_pixels) {
    static const struct {
        size_t height, width, zoom;
    } sizes[] = {{24, 24, 4}, {32, 32, 3}, {64, 64, 2}, {128, 128, 1}, {500, 500, 1}, {16, 48, 2}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        panels p = two_by_three(sizes[i].height, sizes[i].width);
        cr_expect(eq(sz, p.zoom, sizes[i].zoom));
        cr_expect(eq(sz, p.width, 3 * sizes[i].width * p.zoom + 4 * PANEL_GAP));
        cr_expect(eq(sz, p.height, 2 * sizes[i].height * p.zoom + 3 * PANEL_GAP));
        panels_free(&p);
    }
}

Test(panels, a_picture_fills_its_panel_and_nothing_else) {
    panels p = two_by_three(32, 24);
    unsigned char picture[32 * 24 * 3];
    memset(picture, 7, sizeof picture);
    memcpy(picture + 3 * (5 * 24 + 2), blue, 3); /* row 5, column 2 */
    panels_draw(&p, 1, 2, picture);
    static const unsigned char seven[3] = {7, 7, 7};
    const size_t left = panels_left(&p, 2), top = panels_top(&p, 1), pixel = p.zoom * p.zoom;
    cr_expect(eq(sz, count_hue(p.rgb, p.width * p.height, seven), (32 * 24 - 1) * pixel));
    cr_expect(eq(sz, count_hue(p.rgb, p.width * p.height, blue), pixel));
    cr_expect(is_at(&p, left + 2 * p.zoom, top + 5 * p.zoom, blue));
    cr_expect(is_at(&p, left + 3 * p.zoom - 1, top + 6 * p.zoom - 1, blue));
    cr_expect(is_at(&p, left + 3 * p.zoom, top + 5 * p.zoom, seven));
    panels_free(&p);
}

/* One pixel of zoom 3: a ring two wide around a square of 3, wherever it lies. */
Test(panels, an_outline_lies_outside_its_region) {
    static const size_t places[] = {0, 31, 32 * 31, 32 * 32 - 1, 32 * 16 + 16};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        panels p = two_by_three(32, 32);
        unsigned char inside[32 * 32] = {0};
        inside[places[i]] = 1;
        panels_outline(&p, 0, 1, inside);
        cr_expect(eq(sz, count_hue(p.rgb, p.width * p.height, orange), 7 * 7 - 3 * 3));
        const size_t x = panels_left(&p, 1) + places[i] % 32 * 3, y = panels_top(&p, 0) + places[i] / 32 * 3;
        cr_expect(is_at(&p, x - 1, y, orange) && is_at(&p, x - 2, y - 2, orange) && is_at(&p, x + 4, y + 4, orange));
        cr_expect(zero(int, is_at(&p, x, y, orange)));
        panels_free(&p);
    }
}

Test(panels, no_region_has_no_outline) {
    panels p = two_by_three(32, 32);
    const unsigned char inside[32 * 32] = {0};
    panels_outline(&p, 0, 0, inside);
    cr_expect(zero(sz, count_hue(p.rgb, p.width * p.height, orange)));
    panels_free(&p);
}

Test(panels, frames_touch_neither_panels_nor_outlines) {
    panels p = two_by_three(32, 32);
    unsigned char inside[32 * 32];
    memset(inside, 1, sizeof inside);
    for (size_t row = 0; row < 2; row++)
        for (size_t column = 0; column < 3; column++) {
            panels_outline(&p, row, column, inside);
            panels_frame(&p, row, column);
        }
    cr_expect(eq(sz, count_hue(p.rgb, p.width * p.height, orange), 6 * (100 * 100 - 96 * 96)));
    cr_expect(eq(sz, count_hue(p.rgb, p.width * p.height, blue), 6 * 3 * 4 * (96 + 2 * 3 + 3)));
    panels_free(&p);
}

/* --- a study with trained nets ---------------------------------------------------------------------------------- */

#define STUDY                                                                                                          \
    "[experiment]\nanalysis = compare\nsheet = dice bce focal\n"                                                       \
    "[blocks]\ndents = " TINY_DATA " @ 10\n"                                                                           \
    "[losses]\nbce = bce\ndice = dice(batch=on)\nfocal = focal\n"                                                      \
    "[train]\nmodel = unet(width=narrow)\nvisits = 960\nbatch = 16\nlearning_rate = 0.003\nseeds = 1\n"

static study s; /* large; every test has its own process */
static evidence e;
static store *from;
static report r;
static campaign c;
static char directory[] = "/tmp/test_sheet_XXXXXX";

static const trial *trial_of(size_t n) { return &s.cells[n].finals[0]; }

static dataset open_data(void) {
    dataset d;
    lb_error error = {0};
    const dataset_request request = trial_request(trial_of(0), "");
    cr_assert(zero(int, dataset_open(trial_of(0)->data, &request, &d, &error)), "%s", error.message);
    return d;
}

static void train(size_t n, const dataset *d) {
    trial_result result;
    lb_error error = {0};
    cr_assert(zero(int, trial_run(trial_of(n), d, &result, &error)), "%s", error.message);
    cr_assert(zero(int, store_put(from, trial_of(n), &result, &error)), "%s", error.message);
    trial_result_free(&result);
}

static trial_result stored(size_t n) {
    char key[TRIAL_KEY];
    trial_result result;
    trial_key(trial_of(n), key);
    cr_assert(zero(int, store_get(from, key, &result, NULL)));
    return result;
}

/* The first `trained` losses are in the store. */
static void begin(size_t trained) {
    lb_error error = {0};
    cr_assert(ne(ptr, mkdtemp(directory), NULL));
    expand_text("e", STUDY, &s);
    from = memory_store();
    dataset d = open_data();
    for (size_t n = 0; n < trained; n++) train(n, &d);
    dataset_free(&d);
    cr_assert(zero(int, evidence_read(&s, from, &e, &error)), "%s", error.message);
    snprintf(c.out, sizeof c.out, "%s", directory);
    r = (report){.c = &c, .from = from};
}

static void end(void) {
    char command[80];
    snprintf(command, sizeof command, "rm -r %s", directory);
    cr_assert(zero(int, system(command)));
    text_free(&r.body);
    evidence_free(&e);
    store_close(from);
    study_free(&s);
}

/* --- predictions ------------------------------------------------------------------------------------------------ */

static uint32_t *all_items(size_t count) {
    uint32_t *items = malloc(count * sizeof *items);
    cr_assert(ne(ptr, items, NULL));
    for (size_t i = 0; i < count; i++) items[i] = (uint32_t)i;
    return items;
}

/* stored_net_ask compares the image scores itself; the largest logits it does not. */
Test(stored_net, a_stored_net_gives_the_stored_scores_to_the_bit) {
    begin(2);
    dataset d = open_data();
    const size_t count = d.sets[SET_TEST].count, area = d.height * d.width;
    uint32_t *items = all_items(count);
    float *logit = malloc(count * area * sizeof *logit);
    for (size_t n = 0; n < 2; n++) {
        trial_result result = stored(n);
        lb_error error = {0};
        cr_assert(zero(int, stored_net_ask(trial_of(n), &d, &result, items, count, logit, &error)), "%s",
                  error.message);
        const trial_array *largest = trial_result_find(&result, "test_max"), *test = trial_result_find(&result, "test");
        for (size_t i = 0; i < count; i++) {
            float most = logit[i * area], room[16];
            for (size_t k = 1; k < area; k++) most = logit[i * area + k] > most ? logit[i * area + k] : most;
            cr_assert(eq(flt, most, largest->data[i]));
            cr_assert(eq(flt, metric_top_mean(logit + i * area, area, mask_top(area), room), test->data[i]));
        }
        trial_result_free(&result);
    }
    free(items);
    free(logit);
    dataset_free(&d);
    end();
}

Test(stored_net, a_few_images_in_any_order_are_the_same) {
    begin(1);
    dataset d = open_data();
    const size_t count = d.sets[SET_TEST].count, area = d.height * d.width;
    uint32_t *items = all_items(count);
    const uint32_t some[3] = {(uint32_t)count - 1, 5, 40};
    float *all = malloc(count * area * sizeof *all), *few = malloc(3 * area * sizeof *few);
    trial_result result = stored(0);
    cr_assert(zero(int, stored_net_ask(trial_of(0), &d, &result, items, count, all, NULL)));
    cr_assert(zero(int, stored_net_ask(trial_of(0), &d, &result, some, 3, few, NULL)));
    for (size_t i = 0; i < 3; i++)
        cr_expect(zero(int, memcmp(few + i * area, all + some[i] * area, area * sizeof *all)));
    trial_result_free(&result);
    free(items);
    free(all);
    free(few);
    dataset_free(&d);
    end();
}

Test(stored_net, refuses_a_net_that_is_not_the_one_that_was_scored) {
    begin(1);
    dataset d = open_data();
    const uint32_t item = 0;
    float logit[24 * 24];
    lb_error error = {0};
    trial_result result = stored(0);
    trial_array *parameters = NULL;
    for (size_t i = 0; i < result.array_count; i++)
        if (strcmp(result.arrays[i].name, "parameters") == 0) parameters = &result.arrays[i];
    cr_assert(ne(ptr, parameters, NULL));
    parameters->data[parameters->count - 1] += 0.01f; /* the bias of the output */
    cr_expect(eq(int, stored_net_ask(trial_of(0), &d, &result, &item, 1, logit, &error), LB_VERSION));
    cr_expect(ne(ptr, strstr(error.message, "no longer gives the scores"), NULL), "%s", error.message);
    parameters->count--;
    cr_expect(eq(int, stored_net_ask(trial_of(0), &d, &result, &item, 1, logit, &error), LB_VERSION));
    cr_expect(ne(ptr, strstr(error.message, "no parameters"), NULL), "%s", error.message);
    parameters->name[0] = 'P';
    cr_expect(eq(int, stored_net_ask(trial_of(0), &d, &result, &item, 1, logit, NULL), LB_VERSION));
    trial_result_free(&result);
    dataset_free(&d);
    end();
}

/* --- the figure ------------------------------------------------------------------------------------------------- */

static const char *sheet_path(const char *ending) {
    static char path[4][200];
    static unsigned next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/plots/e/sheet-dents-10.%s", directory, ending);
    return path[next];
}

static size_t read_bytes(const char *path, unsigned char *out, size_t size) {
    FILE *f = fopen(path, "rb");
    cr_assert(ne(ptr, f, NULL), "%s is not there", path);
    const size_t n = fread(out, 1, size, f);
    fclose(f);
    return n;
}

static void draw_sheet(void) {
    lb_error error = {0};
    const place p = {s.cells[0].block, s.cells[0].ratio};
    cr_assert(zero(int, report_mask_sheet(&r, &e, &p, &error)), "%s", error.message);
}

static unsigned char *read_picture(const char *path, png_image *image) {
    *image = (png_image){.version = PNG_IMAGE_VERSION};
    cr_assert(ne(int, png_image_begin_read_from_file(image, path), 0), "%s", image->message);
    image->format = PNG_FORMAT_RGB;
    unsigned char *rgb = malloc(PNG_IMAGE_SIZE(*image));
    cr_assert(ne(int, png_image_finish_read(image, NULL, rgb, 0, NULL), 0));
    return rgb;
}

/* 12 rows of input, truth and two losses; 96 pixels a panel. The image is drawn pixel by pixel: solid hues survive. */
Test(mask_sheet, shows_the_trained_losses_beside_input_and_truth) {
    png_image image;
    begin(2);
    draw_sheet();
    cr_expect(eq(sz, r.figures, 1));
    cr_expect(ne(ptr, strstr(r.body.data, "![Figure 1](plots/e/sheet-dents-10.png)"), NULL), "%s", r.body.data);
    cr_expect(ne(ptr, strstr(r.body.data, "10 defects spread evenly over their areas and the 2 goods that bce"), NULL),
              "%s", r.body.data);
    unsigned char *rgb = read_picture(sheet_path("png"), &image);
    const size_t width = 4 * (96 + PANEL_GAP) + PANEL_GAP, height = 12 * (96 + PANEL_GAP) + PANEL_GAP;
    cr_expect(image.width > width && image.width < width + 100, "%u wide", image.width);
    cr_expect(image.height > height && image.height < height + 150, "%u high", image.height);
    cr_expect(gt(sz, count_hue(rgb, image.width * image.height, orange), 40));
    cr_expect(gt(sz, count_hue(rgb, image.width * image.height, blue), 3 * 4 * 96));
    free(rgb);
    end();
}

Test(mask_sheet, has_the_same_bytes_every_time) {
    static const char *const endings[] = {"png", "svg", "tsv"};
    static unsigned char first[3][4000000], second[4000000];
    size_t n[3];
    begin(2);
    draw_sheet();
    for (int i = 0; i < 3; i++) n[i] = read_bytes(sheet_path(endings[i]), first[i], sizeof first[i]);
    draw_sheet();
    for (int i = 0; i < 3; i++) {
        cr_expect(eq(sz, read_bytes(sheet_path(endings[i]), second, sizeof second), n[i]), "%s", endings[i]);
        cr_expect(zero(int, memcmp(first[i], second, n[i])), "%s", endings[i]);
    }
    end();
}

/* Smallest defect first, the largest last of the ten, then the goods with the highest scores of bce. */
Test(mask_sheet, lists_the_images_it_shows) {
    static unsigned char tsv[20000];
    begin(2);
    draw_sheet();
    read_bytes(sheet_path("tsv"), tsv, sizeof tsv - 1);
    cr_expect(ne(ptr, strstr((char *)tsv, "\nimage\ttype\tarea\tdice\tbce\n"), NULL), "%s", tsv);
    dataset d = open_data();
    trial_result base = stored(0);
    const trial_array *score = trial_result_find(&base, "test");
    double before = 0, area;
    unsigned item, rows = 0;
    for (char *line = strstr((char *)tsv, "\nimage"); (line = strchr(line + 1, '\n')) && line[1]; rows++) {
        cr_assert(eq(int, sscanf(line + 1, "%u", &item), 1));
        if (item < d.sets[SET_TEST].goods) {
            unsigned higher = 0;
            for (size_t i = 0; i < score->goods; i++) higher += score->data[i] > score->data[item];
            cr_expect(eq(u32, higher, rows - 10));
            continue;
        }
        cr_assert(eq(int, sscanf(line + 1, "%*u\tdent\t%lf %%", &area), 1), "%s", line);
        cr_expect(area >= before);
        before = area;
    }
    cr_expect(eq(u32, rows, 12));
    trial_result_free(&base);
    dataset_free(&d);
    end();
}

Test(mask_sheet, nothing_is_drawn_when_no_loss_is_there) {
    begin(0);
    draw_sheet();
    cr_expect(zero(sz, r.figures));
    cr_expect(zero(sz, r.body.length));
    cr_expect(ne(int, access(sheet_path("png"), F_OK), 0));
    end();
}

Test(mask_sheet, an_experiment_without_a_sheet_gets_none) {
    begin(1);
    s.e.sheet[0] = '\0';
    draw_sheet();
    cr_expect(zero(sz, r.figures));
    end();
}

/* No bce: the goods are those of the first loss shown. */
Test(mask_sheet, does_without_a_baseline) {
    begin(2);
    snprintf(s.e.baseline, sizeof s.e.baseline, "focal");
    draw_sheet();
    cr_expect(ne(ptr, strstr(r.body.data, "goods that dice scores"), NULL), "%s", r.body.data);
    end();
}

Test(mask_sheet, data_that_have_gone_since_are_no_error) {
    begin(1);
    snprintf(s.cells[0].finals[0].data, sizeof s.cells[0].finals[0].data, "rsdds");
    draw_sheet();
    cr_expect(zero(sz, r.figures));
    end();
}
