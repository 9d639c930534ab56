/* elpv: 2,624 grey electroluminescence images of solar cells, 300 x 300 pixels, each with the probability that the cell
   is defective. C. Buerhop-Lutz et al., "A Benchmark for Visual Identification of Defective Solar Cells in
   Electroluminescence Imagery", EU PVSEC 2018; S. Deitsch et al., Solar Energy 185, 455-468 (2019).

   A cell counts as defective from a probability of 1/2 on, and as good below. Whole images are resized to one size.

   The cells are of 44 modules and listed module by module, but where one ends is not said, only whether a cell is mono-
   or polycrystalline. Cells of a module look alike, and most of the list's order is of modules of 60 cells. Parts are
   therefore blocks of the list: each run of one kind is cut into equal blocks of about 30 cells, which makes twice as
   many blocks as there are modules. Not whole modules: of 18 monocrystalline ones four are nearly all defective, and a
   calibrate or select set, made of two or three modules, could be left with a dozen goods or defects. The price is that
   two sets may share a module, though not a stretch of it. Rows whose image is not there count too, so that a subset of
   the images has the parts of the whole. */
#include "datasets/public/kept_pools.h"
#include "datasets/public/picture.h"
#include "datasets/whole_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VERSION = 1, PART_ROWS = 30, IMAGE_NAME = 40, MOST_BYTES = 1 << 24, LONG_PATH = PACK_PATH + 100 };

#define NAME "elpv"
#define DATA "src/elpv_dataset/data"
#define LABELS DATA "/labels.csv"

static const char *const type_names[] = {"good", "defective", NULL};

static const param params[] = {
    {"size", 128, 64, 300, PARAM_INTEGER, 0, 0, NULL,
     "pixels, height and width that each image is resized to; cracks, 1 to 3 pixels wide at 300, are faint at 64"}};

/* --- the list of cells --- */

/* A row of labels.csv, its three fields between blanks: images/cell0001.png  0.3333333333333333  mono */
typedef struct {
    char image[IMAGE_NAME];
    uint16_t type;
    unsigned char poly, absent;
    uint32_t part;
} cell;

typedef struct {
    cell *cells;
    size_t count;
} cell_list;

static int fail_row(const char *path, size_t line, const char *field, const char *what, lb_error *error) {
    return lb_fail(error, LB_FORMAT, "'%.250s', line %zu: '%.60s' %s", path, line, field, what);
}

/* images/<letters, digits, _ and ->.png: it cannot lead out of the pack. */
static int is_image_path(const char *path) {
    static const char folder[] = "images/",
                      letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    if (strncmp(path, folder, sizeof folder - 1) != 0) return 0;
    const char *stem = path + sizeof folder - 1;
    const size_t length = strspn(stem, letters);
    return length > 0 && strlen(path) < IMAGE_NAME && strcmp(stem + length, ".png") == 0;
}

/* *thirds, 0 to 3, of a decimal that may be rounded, to two places at the least. */
static int read_thirds(const char *text, int *thirds) {
    char *end;
    const double tripled = 3 * strtod(text, &end), whole = floor(tripled + 0.5);
    if (end == text || *end || !(fabs(tripled - whole) < 0.02) || whole < 0 || whole > 3) return 0;
    *thirds = (int)whole;
    return 1;
}

static int read_row(const char *path, size_t line, char *fields[3], cell *out, lb_error *error) {
    int thirds;
    if (!is_image_path(fields[0])) return fail_row(path, line, fields[0], "is no images/<name>.png", error);
    if (!read_thirds(fields[1], &thirds))
        return fail_row(path, line, fields[1], "is no probability of 0, 1/3, 2/3 or 1", error);
    const int mono = strcmp(fields[2], "mono") == 0;
    if (!mono && strcmp(fields[2], "poly") != 0)
        return fail_row(path, line, fields[2], "is neither mono nor poly", error);
    *out = (cell){.type = thirds >= 2, .poly = !mono};
    memcpy(out->image, fields[0], strlen(fields[0]) + 1);
    return LB_OK;
}

/* Cuts a line up at its blanks; returns the number of fields, at most 4. */
static size_t cut_line(char *line, char *fields[4]) {
    size_t n = 0;
    char *rest = NULL;
    for (char *at = strtok_r(line, " \t\r", &rest); at && n < 4; at = strtok_r(NULL, " \t\r", &rest)) fields[n++] = at;
    return n;
}

/* bytes: the file, terminated; it is cut up. Empty lines are skipped. */
static int parse_rows(const char *path, char *bytes, cell_list *l, lb_error *error) {
    char *rest = bytes, *line, *fields[4];
    for (size_t number = 1; (line = strsep(&rest, "\n")); number++) {
        const size_t n = cut_line(line, fields);
        if (n == 0) continue;
        if (n != 3) return fail_row(path, number, fields[0], "begins a line that has not three fields", error);
        const int code = read_row(path, number, fields, &l->cells[l->count], error);
        if (code) return code;
        l->count++;
    }
    if (l->count) return LB_OK;
    return lb_fail(error, LB_FORMAT, "'%.300s' lists no cell; fetch the data again with `make datasets`", path);
}

static size_t count_lines(const char *bytes) {
    size_t lines = 1;
    while ((bytes = strchr(bytes, '\n'))) {
        bytes++;
        lines++;
    }
    return lines;
}

static int read_rows(const char *path, cell_list *l, lb_error *error) {
    char *bytes;
    size_t size;
    int code = whole_file_read(path, MOST_BYTES, &bytes, &size, error);
    if (code) return code;
    if (memchr(bytes, 0, size))
        code = lb_fail(error, LB_FORMAT, "'%.250s' is no text: it holds a zero byte", path);
    else if (!(l->cells = malloc(count_lines(bytes) * sizeof *l->cells)))
        code = lb_fail_memory(error, "the list of cells");
    else
        code = parse_rows(path, bytes, l, error);
    free(bytes);
    return code;
}

static void number_parts(cell_list *l) {
    uint32_t part = 0;
    for (size_t from = 0, to; from < l->count; from = to) {
        for (to = from + 1; to < l->count && l->cells[to].poly == l->cells[from].poly; to++) {
        }
        const size_t rows = to - from, blocks = rows < PART_ROWS ? 1 : (rows + PART_ROWS / 2) / PART_ROWS;
        for (size_t i = from; i < to; i++) l->cells[i].part = part + (uint32_t)((i - from) * blocks / rows);
        part += (uint32_t)blocks;
    }
}

/* --- images --- */

static void write_path(const char *directory, const cell *c, char out[LONG_PATH]) {
    snprintf(out, LONG_PATH, "%s/" DATA "/%s", directory, c->image);
}

static size_t mark_absent(const char *directory, cell_list *l) {
    char path[LONG_PATH];
    size_t absent = 0;
    for (size_t i = 0; i < l->count; i++) {
        write_path(directory, &l->cells[i], path);
        l->cells[i].absent = access(path, F_OK) != 0;
        absent += l->cells[i].absent;
    }
    return absent;
}

static int fill(const char *directory, const cell_list *l, image_pool *pool, lb_error *error) {
    char path[LONG_PATH];
    size_t item = 0;
    int code = LB_OK;
    for (size_t i = 0; i < l->count && !code; i++) {
        const cell *c = &l->cells[i];
        if (c->absent) continue;
        write_path(directory, c, path);
        pool->items.types[item] = c->type;
        pool->items.parts[item] = c->part;
        code = picture_read_resized(path, pool->height, pool->width,
                                    pool->items.pixels + item * pool->height * pool->width, error);
        item++;
    }
    return code ? code : image_pool_finish(pool, error);
}

static int read_pool(const char *directory, size_t size, image_pool *out, lb_error *error) {
    char path[LONG_PATH];
    cell_list l = {0};
    size_t absent = 0;
    snprintf(path, sizeof path, "%s/" LABELS, directory);
    int code = read_rows(path, &l, error);
    if (!code) {
        number_parts(&l);
        absent = mark_absent(directory, &l);
        if (absent == l.count)
            code = lb_fail(error, LB_FORMAT,
                           "'%.300s' holds none of the %zu images of its list; fetch the data again with "
                           "`make datasets`",
                           directory, l.count);
    }
    if (!code) code = image_pool_allocate(out, size, size, l.count - absent, 0, 0, error);
    if (!code) {
        out->absent = absent;
        code = fill(directory, &l, out, error);
    }
    free(l.cells);
    return code;
}

/* --- the data set --- */

/* By size. */
static kept_pools pools = {.name = NAME, .marker = LABELS, .read = read_pool};

static int identify(const double *values, const dataset_request *request, char *out, size_t size, lb_error *error) {
    const image_pool *pool;
    const int code = kept_pools_get(&pools, (size_t)values[0], request->search, &pool, error);
    return code ? code : image_pool_identify(pool, out, size, error);
}

static int open_cells(const double *values, const dataset_request *request, dataset *out, lb_error *error) {
    const image_pool *pool;
    const int code = kept_pools_get(&pools, (size_t)values[0], request->search, &pool, error);
    return code ? code : image_pool_open(pool, NAME, type_names, NULL, request, out, error);
}

static void forget(void) { kept_pools_forget(&pools); }

const dataset_type dataset_elpv = {
    .name = NAME,
    .version = VERSION,
    .summary = "electroluminescence images of solar cells, defective from a probability of 1/2 on",
    .tasks = "image class",
    .source = "https://github.com/zae-bayern/elpv-dataset, commit 411fd729dad19511883306aa85e52f1962cba581",
    .licence = "CC BY-NC-SA 4.0 (images; not for commercial use)",
    .citation = "C. Buerhop-Lutz et al., A Benchmark for Visual Identification of Defective Solar Cells in "
                "Electroluminescence Imagery, EU PVSEC 2018; S. Deitsch et al. 2019 and 2021 as listed in its README",
    .params = params,
    .param_count = sizeof params / sizeof *params,
    .identify = identify,
    .open = open_cells,
    .forget = forget,
};
