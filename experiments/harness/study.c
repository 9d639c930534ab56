#include "experiments/harness/study.h"

#include "experiments/harness/box_scores.h"
#include "experiments/harness/class_scores.h"
#include "experiments/harness/objective.h"

#include "lib/base/repro_math.h"
#include "lib/base/rng.h"
#include "lib/metrics/metrics.h"

#include <gsl/gsl_qrng.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the canonical text shows is what is used. */
static double rounded(double value, int digits) {
    char shown[32];
    snprintf(shown, sizeof shown, "%.*g", digits, value);
    return strtod(shown, NULL);
}

/* The point at `share` of the way from low to high on the parameter's scale. */
static double between(double low, double high, param_scale scale, double share) {
    if (scale == PARAM_LOG) return rounded(repro_exp(repro_log(low) + share * (repro_log(high) - repro_log(low))), 4);
    if (scale == PARAM_LOGIT) {
        const double first = repro_log(low / (1 - low)), last = repro_log(high / (1 - high));
        return rounded(1 / (1 + repro_exp(-(first + share * (last - first)))), 7); /* 0.99999 is not 1 */
    }
    return rounded(low + share * (high - low), 4);
}

static trial trial_of(const experiment *e, const cell *c, unsigned seed) {
    trial t = {.ratio = c->ratio,
               .seed = seed,
               .bias = c->entry->bias,
               .sampler = c->entry->sampler,
               .streams = c->entry->streams,
               .learning_rate = rounded(c->rate, 6),
               .weight_decay = rounded(e->weight_decay, 6),
               .visits = e->visits,
               .batch = e->batch,
               .checkpoints = e->checkpoints};
    snprintf(t.data, sizeof t.data, "%s", c->block->data);
    snprintf(t.content, sizeof t.content, "%s", c->content);
    snprintf(t.model, sizeof t.model, "%s", e->model);
    snprintf(t.loss, sizeof t.loss, "%s", c->entry->loss);
    return t;
}

/* Point 0: published parameters at the middle of both ranges. Others: Sobol points with one random shift per block and
   ratio, so that every loss gets the same rates and decays, and each of its own parameters a dimension of its own. */
static int set_point(const experiment *e, const cell *c, const double *shares, trial *t, lb_error *error) {
    t->learning_rate = between(e->learning_rate_low, e->learning_rate_high, PARAM_LOG, shares ? shares[0] : 0.5);
    t->weight_decay = between(e->weight_decay_low, e->weight_decay_high, PARAM_LOG, shares ? shares[1] : 0.5);
    if (!shares) return LB_OK;
    objective *goal = objective_parse(t->task, c->entry->loss, error);
    if (!goal) return LB_INVALID;
    int code = LB_OK;
    for (size_t i = 0; !code && i < objective_tunables(goal); i++) {
        const param *row = objective_tunable(goal, i);
        double value = between(row->tune_low, row->tune_high, row->scale, shares[2 + i]);
        if (row->scale == PARAM_INTEGER) value = round(value);
        code = objective_set_tunable(goal, i, value, error);
    }
    if (!code && snprintf(t->loss, sizeof t->loss, "%s", objective_label(goal)) >= (int)sizeof t->loss)
        code = lb_fail(error, LB_INVALID, "loss '%.200s' is longer than %zu characters once tuned", c->entry->loss,
                       sizeof t->loss - 1);
    objective_free(goal);
    return code;
}

static size_t tunables_of(const cell *c) {
    objective *goal = objective_parse(c->finals[0].task, c->entry->loss, NULL);
    const size_t count = goal ? objective_tunables(goal) : 0;
    objective_free(goal);
    return count;
}

static int expand_tuning(const experiment *e, cell *c, const char *search, lb_error *error) {
    const size_t dimensions = 2 + tunables_of(c);
    char name[SPEC_MAX_TEXT + 40];
    snprintf(name, sizeof name, "tuning|%s|%u", c->block->data, c->ratio);
    rng shift_stream = rng_from_text(name);
    double shift[40], shares[40];
    gsl_qrng *sobol = dimensions <= 40 ? gsl_qrng_alloc(gsl_qrng_sobol, (unsigned)dimensions) : NULL;
    if (!sobol) return lb_fail(error, LB_INVALID, "loss '%s' has too many parameters to tune", c->entry->loss);
    for (size_t i = 0; i < dimensions; i++) shift[i] = (double)rng_uniform(&shift_stream);
    int code = LB_OK;
    for (unsigned p = 0; !code && p < e->points; p++) {
        trial t = trial_of(e, c, 0);
        t.task = c->finals[0].task;
        if (p) gsl_qrng_get(sobol, shares);
        for (size_t i = 0; p && i < dimensions; i++) shares[i] = fmod(shares[i] + shift[i], 1);
        code = set_point(e, c, p ? shares : NULL, &t, error);
        for (unsigned k = 0; !code && k < e->tuning_seeds; k++) {
            t.seed = TUNING_SEED_BASE + 1 + k;
            code = trial_prepare(&t, search, error);
            c->tuning[p * e->tuning_seeds + k] = t;
        }
    }
    gsl_qrng_free(sobol);
    return code;
}

static int expand_finals(const experiment *e, cell *c, const char *search, lb_error *error) {
    for (unsigned k = 0; k < e->seeds; k++) {
        c->finals[k] = trial_of(e, c, 1 + k);
        const int code = trial_prepare(&c->finals[k], search, error);
        if (code) return code;
    }
    c->chosen = e->points ? -1 : 0;
    return LB_OK;
}

static int expand_cell(study *s, const block *b, unsigned ratio, const char *content, const entry *n, double rate,
                       const char *search, lb_error *error) {
    const experiment *e = &s->e;
    cell *c = &s->cells[s->cell_count++];
    *c = (cell){.block = b, .entry = n, .ratio = ratio, .rate = rate};
    snprintf(c->content, sizeof c->content, "%s", content);
    c->finals = calloc(e->seeds, sizeof *c->finals);
    c->tuning = e->points ? calloc((size_t)e->points * e->tuning_seeds, sizeof *c->tuning) : NULL;
    if (!c->finals || (e->points && !c->tuning)) return lb_fail_memory(error, "the plan");
    const int code = expand_finals(e, c, search, error);
    return code || !e->points ? code : expand_tuning(e, c, search, error);
}

static int expand_block(study *s, size_t place, const char *search, lb_error *error) {
    const experiment *e = &s->e;
    const block *b = &e->blocks[place];
    char content[SPEC_MAX_TEXT] = "";
    for (size_t r = 0; r < b->ratio_count; r++) {
        const dataset_request request = {.ratio = b->ratios[r], .seed = 1, .search = search};
        lb_error found = {0};
        int code = is_simulation(e) ? LB_OK : dataset_text(b->data, &request, content, sizeof content, &found);
        if (code == LB_NOT_FOUND) {
            s->unavailable[place] = 1;
            snprintf(s->reason[place], sizeof s->reason[place], "%.*s", (int)sizeof s->reason[place] - 1,
                     found.message);
            return LB_OK;
        }
        if (code) return lb_fail(error, found.code, "block '%s': %.400s", b->label, found.message);
        for (size_t n = 0; n < e->entry_count; n++)
            for (size_t k = 0; k < (e->points ? 1 : e->learning_rate_count); k++) {
                code = expand_cell(s, b, b->ratios[r], content, &e->entries[n], e->learning_rates[k], search, error);
                if (code) return code;
            }
    }
    return LB_OK;
}

int study_expand(const experiment *e, const char *search, study *out, lb_error *error) {
    *out = (study){.e = *e};
    const size_t rates = e->learning_rate_count ? e->learning_rate_count : 1;
    out->cells = calloc(e->block_count * MAX_RATIOS * e->entry_count * rates + 1, sizeof *out->cells);
    if (!out->cells) return lb_fail_memory(error, "the plan");
    for (size_t b = 0; b < e->block_count; b++) {
        const int code = expand_block(out, b, search, error);
        if (code) return code;
    }
    return LB_OK;
}

void study_free(study *s) {
    for (size_t i = 0; i < s->cell_count; i++) {
        free(s->cells[i].tuning);
        free(s->cells[i].finals);
    }
    free(s->cells);
    *s = (study){0};
}

/* Partial AUROC to FR 5 % on the select set. */
static double select_pauc(const trial_result *r) {
    const trial_array *a = trial_result_find(r, "select");
    metric_scores select;
    if (!a || metric_scores_new(&select, a->data, a->goods, a->data + a->goods, a->count - a->goods, NULL)) return 0;
    const double score = metric_pauc(&select, 0.05);
    metric_scores_free(&select);
    return score;
}

static double select_ap50(const trial_result *r) {
    const trial_array *a = trial_result_find(r, "boxes");
    return a && a->count == BOX_NUMBERS ? (double)a->data[BOX_SELECT_AP50] : 0;
}

static double select_balanced(const trial_result *r) {
    const trial_array *a = trial_result_find(r, "types");
    return a && a->count == CLASS_NUMBERS ? (double)a->data[CLASS_SELECT_BALANCED] : 0;
}

/* What a tuning point is chosen by; a diverged trial scores 0. NaN: not in the store. */
static double select_score(const trial *t, store *from) {
    char key[TRIAL_KEY];
    trial_result r;
    trial_key(t, key);
    if (!store_has(from, key) || store_get(from, key, &r, NULL)) return (double)NAN;
    const double score = r.outcome != OUTCOME_OK ? 0
                         : t->task == TASK_BOX   ? select_ap50(&r)
                         : t->task == TASK_TYPES ? select_balanced(&r)
                                                 : select_pauc(&r);
    trial_result_free(&r);
    return score;
}

double study_point_score(const study *s, const cell *c, unsigned point, store *from) {
    double sum = 0;
    for (unsigned k = 0; k < s->e.tuning_seeds; k++)
        sum += select_score(&c->tuning[point * s->e.tuning_seeds + k], from);
    return sum / s->e.tuning_seeds;
}

static void choose_point(const study *s, cell *c, store *from) {
    double best = -1;
    int chosen = -1;
    for (unsigned p = 0; p < s->e.points; p++) {
        const double score = study_point_score(s, c, p, from);
        if (isnan(score)) return;
        if (score > best) {
            best = score;
            chosen = (int)p;
        }
    }
    c->chosen = chosen;
}

void study_choose(study *s, store *from, size_t *open) {
    *open = 0;
    for (size_t i = 0; i < s->cell_count; i++) {
        cell *c = &s->cells[i];
        if (c->chosen < 0) choose_point(s, c, from);
        if (c->chosen < 0) {
            ++*open;
            continue;
        }
        for (unsigned k = 0; c->tuning && k < s->e.seeds; k++) {
            const trial *best = &c->tuning[(unsigned)c->chosen * s->e.tuning_seeds];
            trial *t = &c->finals[k];
            t->learning_rate = best->learning_rate;
            t->weight_decay = best->weight_decay;
            snprintf(t->loss, sizeof t->loss, "%s", best->loss);
            snprintf(t->loss_text, sizeof t->loss_text, "%s", best->loss_text);
        }
    }
}

typedef struct {
    const trial *t;
    char key[TRIAL_KEY];
} keyed;

static int by_key(const void *a, const void *b) { return strcmp(((const keyed *)a)->key, ((const keyed *)b)->key); }

static int by_data(const void *a, const void *b) {
    const keyed *x = a, *y = b;
    const int data = strcmp(x->t->data, y->t->data);
    if (data) return data;
    if (x->t->seed != y->t->seed) return x->t->seed < y->t->seed ? -1 : 1;
    if (x->t->ratio != y->t->ratio) return x->t->ratio < y->t->ratio ? -1 : 1;
    return by_key(a, b);
}

static size_t gather(const study *studies, size_t count, int tuning, keyed *out) {
    size_t n = 0;
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < studies[s].cell_count; i++) {
            const cell *c = &studies[s].cells[i];
            const size_t trials = tuning ? (c->tuning ? (size_t)studies[s].e.points * studies[s].e.tuning_seeds : 0)
                                         : (c->chosen >= 0 ? studies[s].e.seeds : 0);
            for (size_t k = 0; k < trials; k++, n++)
                if (out) {
                    out[n].t = tuning ? &c->tuning[k] : &c->finals[k];
                    trial_key(out[n].t, out[n].key);
                }
        }
    return n;
}

int study_collect(const study *studies, size_t count, int tuning, trial **out, size_t *out_count, lb_error *error) {
    const size_t all = gather(studies, count, tuning, NULL);
    keyed *list = calloc(all + 1, sizeof *list);
    *out = calloc(all + 1, sizeof **out);
    *out_count = 0;
    if (!list || !*out) {
        free(list);
        free(*out);
        *out = NULL;
        return lb_fail_memory(error, "the plan");
    }
    gather(studies, count, tuning, list);
    qsort(list, all, sizeof *list, by_key);
    size_t kept = 0;
    for (size_t i = 0; i < all; i++)
        if (!kept || strcmp(list[kept - 1].key, list[i].key) != 0) list[kept++] = list[i];
    qsort(list, kept, sizeof *list, by_data);
    for (size_t i = 0; i < kept; i++) (*out)[i] = *list[i].t;
    *out_count = kept;
    free(list);
    return LB_OK;
}
