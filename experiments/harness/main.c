/* lossbench: the command line. */
#include "experiments/harness/campaign.h"
#include "experiments/harness/catalogue.h"
#include "experiments/harness/eval.h"
#include "experiments/harness/plugin.h"
#include "experiments/harness/report.h"
#include "datasets/stack.h"
#include "lib/loss/loss.h"
#include "lib/nn/nn.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static campaign session = {.chosen.profile = "standard",
                           .out = ".",
                           .search = "datasets/public/cache:../shared/datasets",
                           .experiments = "experiments",
                           .jobs = 1,
                           .limit = 900};

static eval_precision precision = EVAL_DOUBLE;

static const char *const usage =
    "usage: lossbench COMMAND [options]\n"
    "  list                losses, data sets, models and experiments, each with its parameters\n"
    "  plan                number of trials and expected time; trains nothing\n"
    "  run                 train what is missing, then write tables, plots and REPORT.md\n"
    "  report              write them from the trials at hand\n"
    "  show KEY            one trial: its description, outcome and figures\n"
    "  export DATA         write a data set, 'synthetic(texture=cast, defect=dent) @ 200', as an image stack to DIR\n"
    "  verify              train a sample of the published trials again and compare their bits\n"
    "  eval [FILE...]      value and gradient of records, one JSON object a line, from files or standard input\n"
    "  catalogue           write docs/LOSSES.md and a picture of each loss\n"
    "options\n"
    "  --profile NAME      smoke, quick, standard or full (standard)\n"
    "  --only A,B          experiments, by file name without .ini\n"
    "  --loss A,B          losses, by label or name; bce stays as the baseline\n"
    "  --dataset A,B       blocks, by label or data set name\n"
    "  --out DIR           everything is written below DIR (.)\n"
    "  --jobs N            worker processes (1)\n"
    "  --datasets A:B      where public data are looked for\n"
    "  --experiments DIR   directory of the experiment files (experiments)\n"
    "  --plugin FILE.so    a loss from outside, built by `make plugin`; may be given several times\n"
    "  --precision P       eval: double, or float as in training (double)\n"
    "  --limit SECONDS     a trial that takes longer is killed and recorded (900)\n";

static int say(const lb_error *error) {
    fprintf(stderr, "lossbench: %s\n", error->message);
    return 1;
}

/* --- list
 * ------------------------------------------------------------------------------------------------------------- */

static void print_params(const param *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char value[64];
        spec_format_value(&rows[i], rows[i].fallback, value, sizeof value);
        printf("      %s=%s", rows[i].name, value);
        if (rows[i].scale != PARAM_CHOICE) printf("  [%g..%g]", rows[i].low, rows[i].high);
        for (const param_word *w = rows[i].words; w && w->word; w++) printf(" | %s", w->word);
        printf("  %s\n", rows[i].summary);
    }
}

static void list_registries(void) {
    printf("losses\n");
    const loss_type *l;
    for (size_t i = 0; (l = loss_type_at(i)); i++) {
        printf("  %s@%d  (%s) %s\n      %s\n", l->name, l->version, loss_kind_names[l->kind], l->summary, l->citation);
        print_params(l->params, l->param_count);
    }
    printf("short names of compounds\n");
    for (const loss_alias *a = loss_aliases; a->name; a++) printf("  %s  %s\n", a->name, a->summary);
    printf("data sets\n");
    for (const dataset_type *const *d = dataset_types; *d; d++) {
        printf("  %s@%d  %s\n      tasks: %s; licence: %s\n", (*d)->name, (*d)->version, (*d)->summary, (*d)->tasks,
               (*d)->licence);
        print_params((*d)->params, (*d)->param_count);
    }
    printf("models\n");
    for (const nn_model_type *const *m = nn_model_types; *m; m++) {
        printf("  %s@%d  %s\n", (*m)->name, (*m)->version, (*m)->summary);
        print_params((*m)->params, (*m)->param_count);
    }
}

static int command_list(lb_error *error) {
    list_registries();
    const int code = campaign_open(&session, error);
    if (code) return code;
    printf("experiments (profile %s)\n", session.chosen.profile);
    for (size_t i = 0; i < session.count; i++) {
        const experiment *e = &session.studies[i].e;
        printf("  %s  %s\n      %zu blocks, %zu losses, %u seeds, model %s, %u visits\n", e->name, e->question,
               e->block_count, e->entry_count, e->seeds, e->model, e->visits);
    }
    return LB_OK;
}

/* --- run, report, verify
 * ----------------------------------------------------------------------------------------------- */

static int with_store(int (*action)(store *, lb_error *), lb_error *error) {
    char path[PATH_SIZE];
    int code = campaign_open(&session, error);
    if (!code) code = campaign_store_path(&session, 1, path, error);
    if (code) return code;
    store *s = store_open(path, error);
    if (!s) return (int)error->code;
    code = action(s, error);
    store_close(s);
    return code;
}

static int action_report(store *s, lb_error *error) { return report_write(&session, s, error); }

static int action_run(store *s, lb_error *error) {
    size_t failed = 0;
    int code = campaign_run(&session, s, &failed, error);
    if (!code) code = report_write(&session, s, error);
    if (!code && failed)
        code = lb_fail(error, LB_INTERNAL, "%zu trial%s crashed or timed out: the tables name them; run again to retry",
                       failed, failed == 1 ? "" : "s");
    return code;
}

static int command_verify(lb_error *error) {
    const int code = campaign_open(&session, error);
    return code ? code : report_verify(&session, error);
}

static int command_plan(lb_error *error) {
    const int code = campaign_open(&session, error);
    return code ? code : campaign_plan(&session, error);
}

/* --- show
 * ---------------------------------------------------------------------------------------------------------------- */

static int command_export(const char *operand, lb_error *error) {
    char expression[SPEC_MAX_TEXT];
    dataset d;
    if (!operand) return lb_fail(error, LB_INVALID, "export needs a data set, such as 'synthetic(texture=cast) @ 200'");
    snprintf(expression, sizeof expression, "%.*s", (int)strcspn(operand, "@"), operand);
    const char *at = strchr(operand, '@');
    const dataset_request request = {.ratio = at ? (unsigned)strtoul(at + 1, NULL, 10) : 0,
                                     .seed = 1,
                                     .want = DATASET_MASKS | DATASET_BOXES,
                                     .search = session.search};
    int code = dataset_open(expression, &request, &d, error);
    if (code) return code;
    code = make_directories(session.out, error);
    if (!code) code = stack_write(&d, session.out, error);
    dataset_free(&d);
    if (!code) printf("wrote %s/images.tif and its lists\n", session.out);
    return code;
}

static void show_figures(const trial_result *r) {
    metric_scores test;
    const trial_array *a = trial_result_find(r, "test");
    if (r->outcome != OUTCOME_OK || !a) return;
    const stat_scored scored = {
        .good = a->data, .defect = a->data + a->goods, .goods = a->goods, .defects = a->count - a->goods};
    if (metric_scores_new(&test, scored.good, scored.goods, scored.defect, scored.defects, NULL)) return;
    printf("test set: %zu goods, %zu defects\n", scored.goods, scored.defects);
    for (size_t i = 0; i < FR_LEVELS; i++) {
        metric_status status;
        stat_interval interval;
        rng stream = rng_from_text("show");
        const double recall = metric_recall_at(&test, fr_levels[i], &status).recall;
        if (status == METRIC_TOO_FEW)
            printf("recall at FR %g %%: n<%zu\n", 100 * fr_levels[i], metric_minimum_goods(fr_levels[i]));
        else if (status == METRIC_TIED)
            printf("recall at FR %g %%: tied\n", 100 * fr_levels[i]);
        else if (!stat_boot_recall(&scored, fr_levels[i], 2000, 0.95, &stream, &interval, NULL))
            printf("recall at FR %g %%: %.4f [%.4f, %.4f] (stratified bootstrap)\n", 100 * fr_levels[i], recall,
                   interval.low, interval.high);
    }
    printf("AUROC %.4f, partial AUROC to FR 5 %% %.4f, AP %.4f\n", metric_auroc(&test), metric_pauc(&test, 0.05),
           metric_average_precision(&test, metric_prevalence(&test)));
    metric_scores_free(&test);
}

static int command_show(const char *prefix, lb_error *error) {
    char path[PATH_SIZE], description[TRIAL_TEXT], key[TRIAL_KEY];
    trial_result r = {0};
    if (!prefix)
        return lb_fail(error, LB_INVALID, "show needs the KEY of a trial, as in results/<experiment>/trials.tsv");
    int code = campaign_store_path(&session, 0, path, error);
    if (code) return code;
    store *s = store_open_reader(path, error);
    if (!s) return (int)error->code;
    code = store_describe(s, prefix, description, key, error);
    if (!code) code = store_get(s, key, &r, error);
    store_close(s);
    if (code) return code;
    printf("key %s\n%soutcome %s %s\nseconds %.2f\nprior logit %.4f, loss there %.6g, loss at the end %.6g\nweights "
           "%016" PRIx64 "\n",
           key, description, trial_outcome_names[r.outcome], r.message, r.seconds, r.prior_logit, r.prior_loss,
           r.train_loss, r.weights);
    show_figures(&r);
    trial_result_free(&r);
    return LB_OK;
}

/* --- options
 * ------------------------------------------------------------------------------------------------------------- */

static const struct option options[] = {
    {"profile", 1, NULL, 'p'}, {"only", 1, NULL, 'o'},  {"loss", 1, NULL, 'l'},      {"dataset", 1, NULL, 'd'},
    {"out", 1, NULL, 'O'},     {"jobs", 1, NULL, 'j'},  {"datasets", 1, NULL, 's'},  {"experiments", 1, NULL, 'e'},
    {"plugin", 1, NULL, 'P'},  {"limit", 1, NULL, 't'}, {"precision", 1, NULL, 'r'}, {"help", 0, NULL, 'h'},
    {NULL, 0, NULL, 0}};

static int keep(char *out, size_t size, const char *value, lb_error *error) {
    if (snprintf(out, size, "%s", value) < (int)size) return LB_OK;
    return lb_fail(error, LB_INVALID, "the option value '%.60s...' is too long", value);
}

static int read_number(const char *name, const char *value, double low, double high, double *out, lb_error *error) {
    char *end;
    *out = strtod(value, &end);
    if (end != value && !*end && *out >= low && *out <= high) return LB_OK;
    return lb_fail(error, LB_INVALID, "--%s %.60s is not a number from %g to %g", name, value, low, high);
}

static int read_precision(const char *value, lb_error *error) {
    precision = strcmp(value, "float") == 0 ? EVAL_FLOAT : EVAL_DOUBLE;
    if (precision == EVAL_FLOAT || strcmp(value, "double") == 0) return LB_OK;
    return lb_fail(error, LB_INVALID, "--precision %.60s is not one of: double, float", value);
}

static int read_option(int letter, const char *value, lb_error *error) {
    double number = 1;
    int code = LB_OK;
    switch (letter) {
    case 'p':
        return keep(session.chosen.profile, sizeof session.chosen.profile, value, error);
    case 'o':
        return keep(session.chosen.only, sizeof session.chosen.only, value, error);
    case 'l':
        return keep(session.chosen.loss, sizeof session.chosen.loss, value, error);
    case 'd':
        return keep(session.chosen.data, sizeof session.chosen.data, value, error);
    case 'O':
        return keep(session.out, sizeof session.out, value, error);
    case 's':
        return keep(session.search, sizeof session.search, value, error);
    case 'e':
        return keep(session.experiments, sizeof session.experiments, value, error);
    case 'j':
        code = read_number("jobs", value, 1, 256, &number, error);
        session.jobs = (unsigned)number;
        return code;
    case 'P':
        return plugin_load(value, error);
    case 'r':
        return read_precision(value, error);
    case 't':
        return read_number("limit", value, 1, 1e6, &session.limit, error);
    default:
        return lb_fail(error, LB_INVALID, "see lossbench --help for the options");
    }
}

static int check_profile(lb_error *error) {
    static const char *const known = "smoke quick standard full";
    if (session.chosen.profile[0] && in_list(known, session.chosen.profile)) return LB_OK;
    return lb_fail(error, LB_INVALID, "unknown profile '%s': choose one of %s", session.chosen.profile, known);
}

/* `operands` ends with NULL. */
static int dispatch(const char *command, char *const *operands, size_t count, lb_error *error) {
    const char *operand = operands[0];
    if (strcmp(command, "list") == 0) return command_list(error);
    if (strcmp(command, "plan") == 0) return command_plan(error);
    if (strcmp(command, "run") == 0) return with_store(action_run, error);
    if (strcmp(command, "report") == 0) return with_store(action_report, error);
    if (strcmp(command, "verify") == 0) return command_verify(error);
    if (strcmp(command, "export") == 0) return command_export(operand, error);
    if (strcmp(command, "show") == 0) return command_show(operand, error);
    if (strcmp(command, "eval") == 0) return eval_run(operands, count, precision, error);
    if (strcmp(command, "catalogue") == 0) return catalogue_write(session.out, session.chosen.loss, error);
    return lb_fail(error, LB_INVALID,
                   "unknown command '%s': list, plan, run, report, show, export, verify, eval or catalogue", command);
}

int main(int argc, char **argv) {
    lb_error error = {0};
    for (int letter; (letter = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (letter == 'h') return printf("%s", usage) < 0;
        if (letter == '?') return 2; /* getopt has said what is wrong */
        if (read_option(letter, optarg, &error)) return say(&error);
    }
    if (optind == argc) {
        fprintf(stderr, "%s", usage);
        return 2;
    }
    int code = check_profile(&error);
    if (!code) code = dispatch(argv[optind], argv + optind + 1, (size_t)(argc - optind - 1), &error);
    campaign_close(&session);
    dataset_forget();
    return code ? say(&error) : 0;
}
