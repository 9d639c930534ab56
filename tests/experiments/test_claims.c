/* Stores planted with made-up scores whose verdict is known, and the word that the claims table must then show. */
#include "tests/experiments/fixture.h"

#include "experiments/harness/report.h"

#include <criterion/parameterized.h>

enum { SEEDS = 5 };

/* Recall in hundredths of all cells of a loss label (at one ratio, or at all: 0): `found`, and seed k moves it by
   wobble * (k % 2 ? -1 : 1); a negative wobble moves seed 0 alone. */
typedef struct {
    const char *label;
    unsigned ratio;
    int found, wobble;
    uint64_t weights;
    float offset;
} plan;

typedef struct {
    const char *claim, *experiment, *losses, *ratios, *verdict, *counts;
    plan plans[8]; /* the last one that fits a cell decides */
} planted;

#define PRIOR_LOSSES                                                                                                   \
    "bce = bce\nbce_bias0 = bce | bias=0\nweighted = weighted_bce(pos_weight=auto)\n"                                  \
    "weighted_bias0 = weighted_bce(pos_weight=auto) | bias=0\nfocal = focal(gamma=2, alpha=auto)\n"
#define THREE "bce = bce\nweighted_bce = weighted_bce\nfocal = focal\n"
#define GRID(gammas, alphas) "bce = bce\nfocal = focal(gamma={" gammas "}, alpha={" alphas "})\n"
#define F(gamma, alpha) "focal(gamma=" gamma ", alpha=" alpha ")"
#define ALL(found)                                                                                                     \
    { "", 0, found, 0, 1, 0 }

static const planted cases[] = {
    {"accuracy-paradox", "accuracy_paradox", "bce = bce\n", "200", "supported", "1 / 0 / 0", {{"", 0, 50, 0, 1, -200}}},
    {"accuracy-paradox", "accuracy_paradox", "bce = bce\n", "200", "refuted", "0 / 1 / 0", {ALL(50)}},
    {"accuracy-paradox", "accuracy_paradox", "bce = bce\n", "10", "not run", "0 / 0 / 0", {ALL(50)}},

    {"prior-bias", "prior_bias", PRIOR_LOSSES, "10 200", "supported", "2 / 0 / 0", {ALL(50)}},
    {"prior-bias",
     "prior_bias",
     PRIOR_LOSSES,
     "10 200",
     "refuted",
     "0 / 2 / 0",
     {ALL(50), {"weighted", 0, 60, 0, 1, 0}}},
    {"prior-bias", "prior_bias", PRIOR_LOSSES, "10 200", "mixed", "1 / 1 / 0", {ALL(50), {"focal", 200, 60, 0, 1, 0}}},
    {"prior-bias", "prior_bias", PRIOR_LOSSES, "10 200", "unclear", "0 / 0 / 2", {ALL(50), {"focal", 0, 50, 20, 1, 0}}},
    {"prior-bias",
     "prior_bias",
     PRIOR_LOSSES,
     "10 200",
     "supported",
     "2 / 0 / 0",
     {ALL(50), {"focal", 0, 20, 0, 1, 0}}},

    {"weighting", "classification", THREE, "10 200", "supported", "2 / 0 / 0", {ALL(50), {"focal", 0, 60, 0, 1, 0}}},
    {"weighting", "classification", THREE, "10 200", "refuted", "0 / 2 / 0", {ALL(50)}},
    {"weighting",
     "classification",
     THREE,
     "10 200",
     "mixed",
     "1 / 1 / 0",
     {ALL(50), {"weighted_bce", 10, 60, 0, 1, 0}}},
    {"weighting",
     "classification",
     THREE,
     "10 200",
     "supported",
     "1 / 0 / 1",
     {ALL(50), {"weighted_bce", 10, 60, 0, 1, 0}, {"focal", 200, 50, 20, 1, 0}}},
    {"weighting", "classification", "bce = bce\nfocal = focal\n", "10", "not run", "0 / 0 / 0", {ALL(50)}},

    {"focal-zero", "focal_sweep", GRID("0,2", "off"), "10", "supported", "1 / 0 / 0", {ALL(50)}},
    {"focal-zero",
     "focal_sweep",
     GRID("0,2", "off"),
     "10",
     "supported",
     "1 / 0 / 0",
     {ALL(50), {F("0", "off"), 0, 51, 0, 2, 0}}},
    {"focal-zero",
     "focal_sweep",
     GRID("0,2", "off"),
     "10",
     "refuted",
     "0 / 1 / 0",
     {ALL(50), {F("0", "off"), 0, 60, 0, 2, 0}}},
    {"focal-zero",
     "focal_sweep",
     GRID("0,2", "off"),
     "10",
     "unclear",
     "0 / 0 / 1",
     {ALL(50), {F("0", "off"), 0, 50, 20, 2, 0}}},
    {"focal-zero", "focal_sweep", GRID("0,2", "auto"), "10", "not run", "0 / 0 / 0", {ALL(50)}},

    {"gamma-by-ratio",
     "focal_sweep",
     GRID("0,2,3", "off"),
     "100",
     "supported",
     "1 / 0 / 0",
     {ALL(50), {F("2", "off"), 0, 60, 0, 1, 0}}},
    {"gamma-by-ratio",
     "focal_sweep",
     GRID("0,2,3", "off"),
     "100",
     "refuted",
     "0 / 1 / 0",
     {ALL(50), {F("3", "off"), 0, 60, 0, 1, 0}}},
    {"gamma-by-ratio",
     "focal_sweep",
     GRID("0,2,3", "off"),
     "100",
     "unclear",
     "0 / 0 / 1",
     {ALL(50), {F("2", "off"), 0, 60, 20, 1, 0}}},
    {"gamma-by-ratio",
     "focal_sweep",
     GRID("0,2,3", "off"),
     "1000",
     "supported",
     "1 / 0 / 0",
     {ALL(50), {F("3", "off"), 0, 60, 0, 1, 0}}},
    {"gamma-by-ratio",
     "focal_sweep",
     GRID("0,2,3", "off"),
     "1000",
     "refuted",
     "0 / 1 / 0",
     {ALL(50), {F("2", "off"), 0, 60, 0, 1, 0}, {F("3", "off"), 0, 60, 0, 1, 0}}}, /* no better than 2 */
    {"gamma-by-ratio",
     "focal_sweep",
     GRID("0,2,3", "off"),
     "1000",
     "unclear",
     "0 / 0 / 1",
     {ALL(50), {F("2", "off"), 0, 50, 20, 1, 0}, {F("3", "off"), 0, 60, 0, 1, 0}}},
    {"gamma-by-ratio", "focal_sweep", GRID("0,2,3", "off"), "500", "not run", "0 / 0 / 0", {ALL(50)}},

    {"gamma-unstable",
     "focal_sweep",
     GRID("0,5", "off,auto"),
     "200",
     "supported",
     "1 / 0 / 0",
     {{"", 0, 50, 1, 1, 0}, {F("5", "off"), 0, 50, 20, 1, 0}, {F("5", "auto"), 0, 50, 20, 1, 0}}},
    {"gamma-unstable",
     "focal_sweep",
     GRID("0,5", "off,auto"),
     "200",
     "refuted",
     "0 / 1 / 0",
     {{"", 0, 50, 1, 1, 0}, {F("0", "off"), 0, 50, 20, 1, 0}, {F("0", "auto"), 0, 50, 20, 1, 0}}},
    {"gamma-unstable",
     "focal_sweep",
     GRID("0,5", "off,auto"),
     "200",
     "unclear",
     "0 / 0 / 1",
     {{"", 0, 50, 5, 1, 0}, {F("5", "off"), 0, 50, -12, 1, 0}, {F("5", "auto"), 0, 50, -12, 1, 0}}},
    {"gamma-unstable", "focal_sweep", GRID("0,5", "off,auto"), "100", "not run", "0 / 0 / 0", {{"", 0, 50, 5, 1, 0}}},

    {"alpha-frequency",
     "focal_sweep",
     GRID("2", "off,0.25,auto"),
     "10",
     "supported",
     "1 / 0 / 0",
     {ALL(50), {F("2", "auto"), 0, 60, 0, 1, 0}}},
    {"alpha-frequency",
     "focal_sweep",
     GRID("2", "off,0.25,auto"),
     "10",
     "supported",
     "1 / 0 / 0",
     {ALL(50), {F("2", "0.25"), 0, 51, 0, 1, 0}}},
    {"alpha-frequency",
     "focal_sweep",
     GRID("2", "off,0.25,auto"),
     "10",
     "refuted",
     "0 / 1 / 0",
     {ALL(50), {F("2", "0.25"), 0, 60, 0, 1, 0}}},
    {"alpha-frequency",
     "focal_sweep",
     GRID("2", "off,0.25,auto"),
     "10",
     "unclear",
     "0 / 0 / 1",
     {ALL(50), {F("2", "0.25"), 0, 60, 20, 1, 0}}},

    /* goods at logits 0..1: gamma 2 mutes the lower ones, so the highest 1 % carry more of the gradient */
    {"focal-easy", "focal_easy", "bce = bce\n", "10", "supported", "1 / 0 / 0", {ALL(50)}},
    {"focal-easy", "elsewhere", "bce = bce\n", "10", "not run", "0 / 0 / 0", {ALL(50)}},
};

static char directory[] = "/tmp/test_claims_XXXXXX";
static void make_directory(void) { cr_assert(ne(ptr, mkdtemp(directory), NULL)); }
static void remove_directory(void) {
    char command[80];
    snprintf(command, sizeof command, "rm -r %s", directory);
    cr_assert(zero(int, system(command)));
}
TestSuite(claims, .init = make_directory, .fini = remove_directory);

static void plant_cell(store *to, const cell *c, const plan *plans) {
    const plan *chosen = NULL;
    for (size_t i = 0; i < 8 && plans[i].label; i++)
        if ((!plans[i].label[0] || strcmp(plans[i].label, c->entry->label) == 0) &&
            (!plans[i].ratio || plans[i].ratio == c->ratio))
            chosen = &plans[i];
    for (unsigned k = 0; k < SEEDS; k++) {
        const int moved = chosen->wobble < 0 ? (k ? 0 : chosen->wobble) : k % 2 ? -chosen->wobble : chosen->wobble;
        const made m = {.found = (unsigned)(chosen->found + moved),
                        .weights = chosen->weights,
                        .train_goods = 10.0f * (float)c->ratio,
                        .train_defects = 10,
                        .offset = chosen->offset};
        put_made(to, &c->finals[k], &m);
    }
}

/* Cell `column` of the row of claims.tsv that begins with `claim`. */
static void read_claim(const char *claim, int column, char *out, size_t size) {
    char path[200], line[4096];
    snprintf(path, sizeof path, "%s/results/claims/claims.tsv", directory);
    FILE *f = fopen(path, "r");
    cr_assert(ne(ptr, f, NULL));
    out[0] = '\0';
    while (fgets(line, sizeof line, f)) {
        char *at = line;
        if (strncmp(line, claim, strlen(claim)) != 0 || line[strlen(claim)] != '\t') continue;
        for (int i = 0; i < column; i++) at += strcspn(at, "\t") + 1;
        snprintf(out, size, "%.*s", (int)strcspn(at, "\t"), at);
    }
    fclose(f);
}

ParameterizedTestParameters(claims, planted_evidence_gives_the_verdict) {
    static size_t index[sizeof cases / sizeof *cases];
    const size_t count = sizeof cases / sizeof *cases;
    for (size_t i = 0; i < count; i++) index[i] = i;
    return cr_make_param_array(size_t, index, count);
}

ParameterizedTest(size_t *index, claims, planted_evidence_gives_the_verdict) {
    const planted *p = &cases[*index];
    static campaign c;
    static report r;
    char content[2000], verdict[40], counts[40], finding[700];
    lb_error error = {0};
    snprintf(content, sizeof content,
             "[experiment]\nanalysis = compare\n[blocks]\ndents = " TINY_DATA
             " @ %s\n[losses]\n%s[train]\nmodel = cnn\n"
             "visits = 640\nbatch = 32\nseeds = %d\nlearning_rate = 0.01\n",
             p->ratios, p->losses, SEEDS);
    expand_text(p->experiment, content, &c.studies[0]);
    c.count = 1;
    snprintf(c.out, sizeof c.out, "%s", directory);
    r = (report){.c = &c, .from = memory_store()};
    for (size_t i = 0; i < c.studies[0].cell_count; i++) plant_cell(r.from, &c.studies[0].cells[i], p->plans);
    cr_assert(zero(int, evidence_read(&c.studies[0], r.from, &r.evidences[0], &error)), "%s", error.message);
    cr_assert(zero(int, report_claims(&r, &error)), "%s", error.message);
    read_claim(p->claim, 2, verdict, sizeof verdict);
    read_claim(p->claim, 3, counts, sizeof counts);
    read_claim(p->claim, 4, finding, sizeof finding);
    cr_assert(eq(str, verdict, (char *)p->verdict), "%s: %s", p->claim, finding);
    cr_assert(eq(str, counts, (char *)p->counts), "%s: %s", p->claim, finding);
    if (strcmp(verdict, "not run") == 0) cr_assert(eq(str, finding, "No block of this run can judge it."));
    cr_assert(ne(ptr, strstr(r.body.data, verdict), NULL));
    evidence_free(&r.evidences[0]);
    text_free(&r.body);
    store_close(r.from);
    study_free(&c.studies[0]);
}
