/* Steel Plates Faults: 1,941 faults of steel plates in 27 numbers each (place, size, luminosity, shape), of seven
   types. M. Buscema, S. Terzi, W. Tastle, "A New Meta-Classifier", NAFIPS 2010; provided by Semeion.

   A line of Faults.NNA holds the numbers and seven columns of which one is 1. There are no clean plates:
   `class=all` tells the types apart; with one of them named it is the defect, and the six others stand for the goods,
   so that there is a clean class in the sense of the task. Rows are sorted by type, and which plate a row is of is not
   told: each is a part of its own. */
#include "datasets/public/number_table.h"

#include <stdio.h>

enum { VERSION = 1, COLUMNS = 27, FAULTS = 7 };

/* --- the file --- */

static int read_fault(numbers_text *row, uint16_t *type, lb_error *error) {
    char what[80];
    int code = LB_OK, faults = 0;
    for (uint16_t fault = 1; fault <= FAULTS && !code; fault++) {
        int is_this = 0;
        code = numbers_flag(row, &is_this, error);
        if (is_this) *type = fault;
        faults += is_this;
    }
    if (code || faults == 1) return code;
    snprintf(what, sizeof what, "the last %d columns must hold one 1, not %d", FAULTS, faults);
    return numbers_fail(row, what, error);
}

static int read_row(numbers_text *row, float *values, uint16_t *type, lb_error *error) {
    int code = LB_OK;
    for (size_t c = 0; c < COLUMNS && !code; c++) code = numbers_value(row, &values[c], error);
    return code ? code : read_fault(row, type, error);
}

static number_table table = {.name = "steel_plates",
                             .file = "Faults.NNA",
                             .separator = '\t',
                             .fields = COLUMNS + FAULTS,
                             .columns = COLUMNS,
                             .rows_per_part = 1,
                             .read_row = read_row};

static void forget(void) { number_table_forget(&table); }

static int identify(const double *values, const dataset_request *request, char *out, size_t size, lb_error *error) {
    (void)values;
    return number_table_identify(&table, request, out, size, error);
}

enum { ALL, DIRTINESS = 5 };

static const param_word class_words[] = {{"all", ALL},     {"Pastry", 1},
                                         {"Z_Scratch", 2}, {"K_Scatch", 3},
                                         {"Stains", 4},    {"Dirtiness", DIRTINESS},
                                         {"Bumps", 6},     {"Other_Faults", FAULTS},
                                         {NULL, 0}};
static const param params[] = {
    {"class", ALL, ALL, FAULTS, PARAM_CHOICE, 0, 0, class_words,
     "all: tell the faults apart; else the fault that counts as defect, the others count as goods"}};

static int is_clean(const double *values) { return values[0] != ALL; }

static int open_faults(const double *values, const dataset_request *request, dataset *out, lb_error *error) {
    static const char *const all_names[] = {"good",      "Pastry", "Z_Scratch",    "K_Scatch", "Stains",
                                            "Dirtiness", "Bumps",  "Other_Faults", NULL};
    static const char *const names[FAULTS + 1][3] = {[1] = {"good", "Pastry", NULL},
                                                     [2] = {"good", "Z_Scratch", NULL},
                                                     [3] = {"good", "K_Scatch", NULL},
                                                     [4] = {"good", "Stains", NULL},
                                                     [DIRTINESS] = {"good", "Dirtiness", NULL},
                                                     [6] = {"good", "Bumps", NULL},
                                                     [FAULTS] = {"good", "Other_Faults", NULL}};
    const uint16_t fault = (uint16_t)values[0];
    return number_table_open(&table, fault, fault == ALL ? all_names : names[fault], request, out, error);
}

const dataset_type dataset_steel_plates = {
    .name = "steel_plates",
    .version = VERSION,
    .summary = "faults of steel plates in 27 numbers: seven types, or one of them against the others",
    .tasks = "classification",
    .source = "https://archive.ics.uci.edu/dataset/198/steel+plates+faults (Faults.NNA)",
    .licence = "CC BY 4.0",
    .citation = "M. Buscema, S. Terzi, W. Tastle, A New Meta-Classifier, NAFIPS 2010; data provided by Semeion",
    .params = params,
    .param_count = sizeof params / sizeof *params,
    .is_clean = is_clean,
    .identify = identify,
    .open = open_faults,
    .forget = forget,
};
