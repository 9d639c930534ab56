/* The claim about rare classes on planted trials whose verdict is known. */
#include "tests/experiments/planted_report.h"
#include "tests/experiments/planted_types.h"

#include <criterion/parameterized.h>

enum { PLANS = 4 };

/* What the cells of a loss label ("": all) at one ratio (or at all: 0) measured; the last plan that fits decides. */
typedef struct {
    const char *label;
    unsigned ratio;
    planted_types what;
} plan;

typedef struct {
    const char *experiment, *losses, *ratios, *verdict, *counts, *says; /* says: part of the finding */
    plan plans[PLANS];
} planted;

#define CE "ce = types = ce\n"
#define REMEDIES                                                                                                       \
    "weighted_ce = types = weighted_ce\nfocal_multiclass = types = focal_multiclass\n"                                 \
    "class_balanced_focal = types = class_balanced_focal\nlogit_adjusted = types = logit_adjusted\n"
#define ALL                                                                                                            \
    {                                                                                                                  \
        "", 0, { .rare = 20, .common = 80 }                                                                            \
    }
#define GAIN                                                                                                           \
    { .rare = 40, .common = 70 }
#define WILD                                                                                                           \
    { .rare = 30, .common = 80, .wobble = 20 }

/* clang-format off */
static const planted cases[] = {
    {"long_tail", CE REMEDIES, "10", "refuted", "0 / 1 / 0", "logit_adjusted +0.000 and +0.000", {ALL}},
    {"long_tail", CE REMEDIES, "10", "supported", "1 / 0 / 0", "weighted_ce +0.200 and -0.100;",
     {ALL, {"weighted_ce", 0, GAIN}}},
    {"long_tail", CE REMEDIES, "10", "supported", "1 / 0 / 0", "focal_multiclass +0.200 and -0.100;",
     {ALL, {"focal_multiclass", 0, GAIN}}},
    {"long_tail", CE REMEDIES, "10", "supported", "1 / 0 / 0", "class_balanced_focal +0.200 and -0.100;",
     {ALL, {"class_balanced_focal", 0, GAIN}}},
    {"long_tail", CE REMEDIES, "10 20", "mixed", "1 / 1 / 0", "logit_adjusted +0.100 and -0.050 (means over",
     {ALL, {"logit_adjusted", 20, GAIN}}},
    /* a gain of the common classes alone is none */
    {"long_tail", CE REMEDIES, "10", "refuted", "0 / 1 / 0", "weighted_ce +0.000 and +0.100",
     {ALL, {"weighted_ce", 0, {.rare = 20, .common = 90}}}},
    {"long_tail", CE REMEDIES, "10", "refuted", "0 / 1 / 0", "", {ALL, {"weighted_ce", 0, {.rare = 21, .common = 80}}}},
    /* one that may gain leaves it open, unless another does */
    {"long_tail", CE REMEDIES, "10", "unclear", "0 / 0 / 1", "", {ALL, {"weighted_ce", 0, WILD}}},
    {"long_tail", CE REMEDIES, "10", "supported", "1 / 0 / 0", "",
     {ALL, {"weighted_ce", 0, WILD}, {"logit_adjusted", 0, GAIN}}},
    {"long_tail", CE REMEDIES, "10", "unclear", "0 / 0 / 1", "", /* nor does ce that has lost a seed */
     {ALL, {"ce", 0, {.rare = 20, .common = 80, .diverged = 1}}}},
    {"long_tail", CE "ldam = types = ldam\n", "10", "not run", "0 / 0 / 0", "", {ALL}},
    {"long_tail", CE "weighted_ce = types = weighted_ce\n", "10", "refuted", "0 / 1 / 0", "weighted_ce +0.000", {ALL}},
    {"elsewhere", CE REMEDIES, "10", "not run", "0 / 0 / 0", "", {ALL}},
};
/* clang-format on */

TestSuite(claims_types, .init = planted_begin, .fini = planted_end);

static void judge(const planted *p) {
    study *s = &the_campaign.studies[0];
    lb_error error = {0};
    expand_types(p->experiment, p->ratios, p->losses, 5, s);
    the_campaign.count = 1;
    for (size_t i = 0; i < s->cell_count; i++) {
        const cell *at = &s->cells[i];
        const planted_types *what = NULL;
        for (size_t k = 0; k < PLANS && p->plans[k].label; k++)
            if ((!p->plans[k].label[0] || strcmp(p->plans[k].label, at->entry->label) == 0) &&
                (!p->plans[k].ratio || p->plans[k].ratio == at->ratio))
                what = &p->plans[k].what;
        plant_types(the_report.from, s, at, what);
    }
    planted_read(0);
    cr_assert(zero(int, report_claims(&the_report, &error)), "%s", error.message);
}

ParameterizedTestParameters(claims_types, planted_types_give_the_verdict) {
    static size_t index[sizeof cases / sizeof *cases];
    const size_t count = sizeof cases / sizeof *cases;
    for (size_t i = 0; i < count; i++) index[i] = i;
    return cr_make_param_array(size_t, index, count);
}

ParameterizedTest(size_t *index, claims_types, planted_types_give_the_verdict) {
    const planted *p = &cases[*index];
    char verdict[40], counts[40], finding[2000];
    judge(p);
    read_claim("weighting-types", 2, verdict, sizeof verdict);
    read_claim("weighting-types", 3, counts, sizeof counts);
    read_claim("weighting-types", 4, finding, sizeof finding);
    cr_assert(eq(str, verdict, (char *)p->verdict), "case %zu: %s", *index, finding);
    cr_assert(eq(str, counts, (char *)p->counts), "case %zu: %s", *index, finding);
    cr_assert(ne(ptr, strstr(finding, p->says), NULL), "case %zu: %s", *index, finding);
}

Test(claims_types, a_place_carries_its_numbers) {
    judge(&cases[1]);
    const char *line = line_of("results/claims/places.tsv", "weighting-types\tcloth 1:10\tholds\t");
    cr_assert(
        ne(ptr, strstr(line, "weighted_ce - CE +0.200 [+0.200, +0.200]; focal_multiclass - CE +0.000 [+0.000,"), NULL),
        "%s", line);
}
