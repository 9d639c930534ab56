/* AI4I 2020 Predictive Maintenance: 10,000 synthetic rows of a milling machine, 339 with a failure. S. Matzka,
   "Explainable Artificial Intelligence for Predictive Maintenance Applications", AI4I 2020.

   Eight values: the quality L, M or H of the product as three columns of 0 and 1, and five measurements. A defect is a
   row with Machine failure 1. The numbers of the rows say nothing, and the columns of the five failure modes would say
   all: they are checked and left out.

   The rows are a random walk: the air temperature of two rows that are 10 apart correlates by .996, and by .97 at 100.
   Hence a part is a block of 100 rows, which is about one tool's life (84 rows); only the rows at its ends have
   neighbours in another set. Failures crowd (134 of 339 in rows 4000..4999), so that their number in a set varies with
   the seed. Nearly every block has one, hence all blocks are dealt by the shares of goods (split_collection). */
#include "datasets/public/number_table.h"

#include <string.h>

enum { VERSION = 1, QUALITIES = 3, MEASUREMENTS = 5, MODES = 5, BLOCK = 100 };

static int read_quality(numbers_text *row, float values[QUALITIES], lb_error *error) {
    static const char letters[] = "LMH";
    size_t length;
    const char *word = numbers_word(row, &length);
    const char *found = length == 1 ? memchr(letters, *word, QUALITIES) : NULL;
    for (int q = 0; q < QUALITIES; q++) values[q] = found == &letters[q];
    return found ? LB_OK : numbers_fail(row, "the type is none of L, M, H", error);
}

static int read_row(numbers_text *row, float *values, uint16_t *type, lb_error *error) {
    float number;
    size_t length;
    int failure = 0, mode;
    int code = numbers_value(row, &number, error); /* UDI */
    if (code) return code;
    numbers_word(row, &length); /* Product ID */
    code = read_quality(row, values, error);
    for (size_t m = 0; m < MEASUREMENTS && !code; m++) code = numbers_value(row, &values[QUALITIES + m], error);
    if (!code) code = numbers_flag(row, &failure, error);
    for (size_t m = 0; m < MODES && !code; m++) code = numbers_flag(row, &mode, error);
    *type = (uint16_t)failure;
    return code;
}

static number_table table = {
    .name = "ai4i2020",
    .file = "ai4i2020.csv",
    .header = "UDI,Product ID,Type,Air temperature [K],Process temperature [K],Rotational speed [rpm],Torque [Nm],"
              "Tool wear [min],Machine failure,TWF,HDF,PWF,OSF,RNF",
    .separator = ',',
    .fields = 3 + MEASUREMENTS + 1 + MODES,
    .columns = QUALITIES + MEASUREMENTS,
    .rows_per_part = BLOCK,
    .read_row = read_row,
};

static void forget(void) { number_table_forget(&table); }

static int identify(const double *values, const dataset_request *request, char *out, size_t size, lb_error *error) {
    (void)values;
    return number_table_identify(&table, request, out, size, error);
}

static int open_rows(const double *values, const dataset_request *request, dataset *out, lb_error *error) {
    static const char *const type_names[] = {"good", "failure", NULL};
    (void)values;
    return number_table_open(&table, 0, type_names, request, out, error);
}

const dataset_type dataset_ai4i2020 = {
    .name = "ai4i2020",
    .version = VERSION,
    .summary = "synthetic measurements of a milling machine, failure or none",
    .tasks = "classification",
    .source = "https://archive.ics.uci.edu/dataset/601/ai4i+2020+predictive+maintenance+dataset (ai4i2020.csv)",
    .licence = "CC BY 4.0",
    .citation = "S. Matzka, Explainable Artificial Intelligence for Predictive Maintenance Applications, AI4I 2020",
    .identify = identify,
    .open = open_rows,
    .forget = forget,
};
