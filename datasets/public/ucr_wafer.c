/* Wafer: curves of one sensor while a semiconductor wafer is processed, 152 values each, normal or abnormal. R. T.
   Olszewski, "Generalized Feature Extraction for Structural Pattern Recognition in Time-Series Data", CMU-CS-01-108
   (2001); H. A. Dau et al., "The UCR Time Series Archive" (2018).

   Only Wafer_TRAIN.tsv is read (1,000 curves, 97 of them abnormal) and split anew: the archive's two sets are too few
   for ours, and Wafer_TEST.tsv (6,164 curves) is in no pack that lossbench was tested with. A line is the label, 1
   normal or -1 abnormal, and the values, which the archive has standardised within each curve; here each point in time
   is standardised over the curves too. What wafers belong together is not told: each curve is a part of its own. */
#include "datasets/public/number_table.h"

enum { VERSION = 1, VALUES = 152 };

static int read_row(numbers_text *row, float *values, uint16_t *type, lb_error *error) {
    float label;
    int code = numbers_value(row, &label, error);
    if (!code && label != 1 && label != -1) code = numbers_fail(row, "the label is neither 1 nor -1", error);
    for (size_t c = 0; c < VALUES && !code; c++) code = numbers_value(row, &values[c], error);
    *type = label < 0;
    return code;
}

static number_table table = {.name = "ucr_wafer",
                             .file = "Wafer/Wafer_TRAIN.tsv",
                             .separator = '\t',
                             .fields = 1 + VALUES,
                             .columns = VALUES,
                             .rows_per_part = 1,
                             .read_row = read_row};

static void forget(void) { number_table_forget(&table); }

static int identify(const double *values, const dataset_request *request, char *out, size_t size, lb_error *error) {
    (void)values;
    return number_table_identify(&table, request, out, size, error);
}

static int open_curves(const double *values, const dataset_request *request, dataset *out, lb_error *error) {
    static const char *const type_names[] = {"good", "abnormal", NULL};
    (void)values;
    return number_table_open(&table, 0, type_names, request, out, error);
}

const dataset_type dataset_ucr_wafer = {
    .name = "ucr_wafer",
    .version = VERSION,
    .summary = "curves of one sensor of semiconductor processing, normal or abnormal",
    .tasks = "classification",
    .source = "https://www.timeseriesclassification.com/description.php?Dataset=Wafer (Wafer_TRAIN.tsv)",
    .licence = "none stated; UCR archive, research use with citation",
    .citation = "R. T. Olszewski, CMU-CS-01-108 (2001); H. A. Dau et al., The UCR Time Series Archive (2018)",
    .identify = identify,
    .open = open_curves,
    .forget = forget,
};
