/* Judges of the claims about classification. */
#include "experiments/harness/claims.h"
#include "experiments/harness/compare_types.h"
#include "experiments/harness/grid.h"
#include "experiments/harness/mask_analysis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- accuracy-paradox ----------------------------------------------------------------------------------------------
 */

static int is_paradox(const measure *m) { return m->present && m->accuracy >= 0.995 && m->recall_half == 0; }

void judge_accuracy(const report *r, const evidence *e, ruling *out) {
    double ranked = 0;
    unsigned paradox = 0;
    text starts = {0};
    (void)r;
    for (size_t c = 0; c < e->study->cell_count; c++) {
        char where[PLACE_LABEL + LABEL], numbers[200], label[PLACE_LABEL];
        unsigned here = 0, n = 0;
        if (e->study->cells[c].ratio != 200) continue;
        for (unsigned k = 0; k < e->study->e.seeds; k++) {
            const measure *m = &evidence_seeds(e, c)[k];
            n += (unsigned)m->present;
            if (!is_paradox(m)) continue;
            here++;
            ranked += field_recall(m);
        }
        place_label(&(place){e->study->cells[c].block, 200}, label, sizeof label);
        snprintf(where, sizeof where, "%s, %s", label, e->study->cells[c].entry->label);
        snprintf(numbers, sizeof numbers, "%u of %u seeds reach accuracy 0.995 with recall 0 at probability one half",
                 here, n);
        rule_place(out, where, here ? HOLDS : n >= 5 ? FAILS : OPEN, numbers);
        text_add(&starts, "%s%u of %u models started at %s", starts.length ? " and " : "", here, n,
                 e->study->cells[c].entry->bias == BIAS_ZERO ? "bias 0" : "the prior bias");
        paradox += here;
    }
    if (starts.data)
        snprintf(out->finding, sizeof out->finding,
                 "At 1:200, %s are at least 99.5 %% accurate and call no test defect a defect.", starts.data);
    if (paradox)
        snprintf(out->finding + strlen(out->finding), sizeof out->finding - strlen(out->finding),
                 " With a threshold for FR 1 %% these find %.3f of the defects on average.", ranked / paradox);
    text_free(&starts);
}

/* --- prior-bias ----------------------------------------------------------------------------------------------------
 */

static double mean_difference(const evidence *e, long a, long b) {
    return a < 0 || b < 0 ? (double)NAN : compare_cells(e, (size_t)a, (size_t)b, field_recall).difference.mean;
}

void judge_prior(const report *r, const evidence *e, ruling *out) {
    static place places[MAX_PLACES];
    double bias_gain = 0, weight_gain = 0;
    size_t n = 0;
    (void)r;
    for (size_t i = 0, count = places_of(e->study, places); i < count; i++) {
        const long bce = usable_cell(e, &places[i], "bce"), zero = usable_cell(e, &places[i], "bce_bias0");
        const long weighted = usable_cell(e, &places[i], "weighted"), focal = usable_cell(e, &places[i], "focal");
        const long weighted_zero = usable_cell(e, &places[i], "weighted_bias0");
        if (bce < 0 || weighted < 0 || focal < 0) continue;
        const comparison w = compare_cells(e, (size_t)weighted, (size_t)bce, field_recall);
        const comparison f = compare_cells(e, (size_t)focal, (size_t)bce, field_recall);
        const int better = w.verdict == STAT_BETTER || f.verdict == STAT_BETTER;
        const int level = w.difference.interval.high < STAT_MARGIN && f.difference.interval.high < STAT_MARGIN;
        char where[PLACE_LABEL], numbers[260], first[100], second[100];
        place_label(&places[i], where, sizeof where);
        difference_words("weighted BCE - BCE", &w, first, sizeof first);
        difference_words("focal - BCE", &f, second, sizeof second);
        snprintf(numbers, sizeof numbers, "with prior bias: %s, %s", first, second);
        rule_place(out, where, better ? FAILS : level ? HOLDS : OPEN, numbers);
        const double gain = mean_difference(e, weighted_zero, zero), alone = mean_difference(e, bce, zero);
        if (!isfinite(gain) || !isfinite(alone)) continue;
        weight_gain += gain;
        bias_gain += alone;
        n++;
    }
    if (n)
        snprintf(out->finding, sizeof out->finding,
                 "Starting from bias 0, weighting changes recall at FR 1 %% by %+.3f and the prior bias alone changes "
                 "that of plain BCE by %+.3f (means over %zu "
                 "block-ratio pairs).",
                 weight_gain / (double)n, bias_gain / (double)n, n);
}

/* --- focal-zero ----------------------------------------------------------------------------------------------------
 */

void judge_focal_zero(const report *r, const evidence *e, ruling *out) {
    static place places[MAX_PLACES];
    grid g;
    unsigned equal = 0, pairs = 0;
    (void)r;
    grid_of(&e->study->e, &g);
    const long zero = grid_index(g.gamma, g.gammas, "0"), off = grid_index(g.alpha, g.alphas, "off");
    for (size_t i = 0, count = places_of(e->study, places); zero >= 0 && off >= 0 && i < count; i++) {
        const long bce = usable_cell(e, &places[i], "bce"),
                   focal = grid_cell(e, &g, &places[i], (size_t)zero, (size_t)off);
        if (bce < 0 || focal < 0) continue;
        unsigned same = 0;
        for (unsigned k = 0; k < e->study->e.seeds; k++)
            same += evidence_seeds(e, (size_t)bce)[k].weights == evidence_seeds(e, (size_t)focal)[k].weights;
        const comparison d = compare_cells(e, (size_t)focal, (size_t)bce, field_recall);
        char where[PLACE_LABEL], words[100], numbers[200];
        place_label(&places[i], where, sizeof where);
        difference_words("focal(gamma=0) - BCE", &d, words, sizeof words);
        snprintf(numbers, sizeof numbers, "%s; final weights bit-equal on %u of %u seeds", words, same,
                 e->study->e.seeds);
        const int identical = same == e->study->e.seeds;
        rule_place(out, where,
                   identical || d.verdict == STAT_EQUIVALENT ? HOLDS
                   : d.verdict == STAT_UNCLEAR               ? OPEN
                                                             : FAILS,
                   numbers);
        equal += same;
        pairs += e->study->e.seeds;
    }
    if (pairs)
        snprintf(
            out->finding, sizeof out->finding,
            "Trained with focal(gamma=0) and with BCE from the same start, the final weights are bit-equal in %u of "
            "%u pairs.",
            equal, pairs);
}

/* --- focal-easy ----------------------------------------------------------------------------------------------------
 */

void judge_easy(const report *r, const evidence *e, ruling *out) {
    double before = 0, after = 0;
    size_t n = 0;
    for (size_t c = 0; c < e->study->cell_count; c++) {
        estimate zero, two;
        if (!easy_gradient_share(r, e, c, METRIC_GOODS, 0, &zero) ||
            !easy_gradient_share(r, e, c, METRIC_GOODS, 2, &two))
            continue;
        char where[PLACE_LABEL], numbers[200], first[80], second[80];
        place_label(&(place){e->study->cells[c].block, e->study->cells[c].ratio}, where, sizeof where);
        estimate_text(&zero, 0, first, sizeof first);
        estimate_text(&two, 0, second, sizeof second);
        snprintf(numbers, sizeof numbers, "gradient share of the hardest 1 %% of goods: %s at gamma 0, %s at gamma 2",
                 first, second);
        rule_place(out, where,
                   two.interval.low > zero.interval.high   ? HOLDS
                   : two.interval.high < zero.interval.low ? FAILS
                                                           : OPEN,
                   numbers);
        before += zero.mean;
        after += two.mean;
        n++;
    }
    if (n)
        snprintf(out->finding, sizeof out->finding,
                 "On trained BCE models the hardest 1 %% of goods carry %.0f %% of the goods' gradient at gamma 0 and "
                 "%.0f %% at gamma 2.",
                 100 * before / (double)n, 100 * after / (double)n);
}

/* --- gamma-by-ratio ------------------------------------------------------------------------------------------------
 */

/* Gamma advised at this ratio, by index: 2 up to 1:100, from 1:1000 the least of 3..5 that is on the grid; -1: no
   advice, or not on the grid. */
static long advised_gamma(const grid *g, double ratio) {
    static const char *const rare[] = {"3", "4", "5", NULL};
    if (ratio <= 101) return grid_index(g->gamma, g->gammas, "2");
    if (ratio < 999) return -1;
    for (size_t i = 0; rare[i]; i++)
        if (grid_index(g->gamma, g->gammas, rare[i]) >= 0) return grid_index(g->gamma, g->gammas, rare[i]);
    return -1;
}

void judge_gamma(const report *r, const evidence *e, ruling *out) {
    static place places[MAX_PLACES];
    grid g;
    double low_sum = 0, high_sum = 0;
    size_t low_count = 0, high_count = 0;
    (void)r;
    grid_of(&e->study->e, &g);
    const long zero = grid_index(g.gamma, g.gammas, "0"), two = grid_index(g.gamma, g.gammas, "2");
    for (size_t i = 0, count = places_of(e->study, places); zero >= 0 && i < count; i++) {
        const long any = grid_cell(e, &g, &places[i], (size_t)zero, 0);
        const long advised = any < 0 ? -1 : advised_gamma(&g, trained_ratio(e, (size_t)any));
        if (advised < 0) continue;
        char where[PLACE_LABEL], numbers[300], words[100], what[60];
        comparison d = grid_contrast(e, &g, &places[i], (size_t)advised, (size_t)zero);
        place_verdict verdict = gain_verdict(&d);
        place_label(&places[i], where, sizeof where);
        snprintf(what, sizeof what, "gamma %s - gamma 0", g.gamma[advised].text);
        difference_words(what, &d, numbers, sizeof numbers);
        if (advised == two) {
            low_sum += d.difference.mean;
            low_count++;
        } else {
            high_sum += d.difference.mean;
            high_count++;
        }
        if (advised != two && two >= 0) { /* from 1:1000 a gamma above 2 must also beat 2 */
            d = grid_contrast(e, &g, &places[i], (size_t)advised, (size_t)two);
            snprintf(what, sizeof what, "; gamma %s - gamma 2", g.gamma[advised].text);
            difference_words(what, &d, words, sizeof words);
            strncat(numbers, words, sizeof numbers - strlen(numbers) - 1);
            const place_verdict second = gain_verdict(&d);
            if (verdict == HOLDS)
                verdict = second;
            else if (second == FAILS)
                verdict = FAILS;
        }
        rule_place(out, where, verdict, numbers);
    }
    char high[120] = "";
    if (high_count)
        snprintf(high, sizeof high, "; at 1:1000 gamma 3 or more changes it by %+.3f", high_sum / (double)high_count);
    if (low_count)
        snprintf(out->finding, sizeof out->finding,
                 "Up to 1:100, gamma 2 in place of 0 changes recall at FR 1 %% by %+.3f (mean over all alphas and %zu "
                 "block-ratio pairs)%s.",
                 low_sum / (double)low_count, low_count, high);
}

/* --- gamma-unstable ------------------------------------------------------------------------------------------------
 */

void judge_unstable(const report *r, const evidence *e, ruling *out) {
    static place places[MAX_PLACES];
    grid g;
    double widest = 0;
    char worst[PLACE_LABEL] = "";
    (void)r;
    grid_of(&e->study->e, &g);
    const long zero = grid_index(g.gamma, g.gammas, "0");
    if (zero < 0 || g.gammas < 2) return;
    const size_t top = g.gammas - 1;
    for (size_t i = 0, count = places_of(e->study, places); i < count; i++) {
        const long any = grid_cell(e, &g, &places[i], (size_t)zero, 0);
        if (any < 0 || trained_ratio(e, (size_t)any) < 199) continue;
        const double calm = grid_spread(e, &g, &places[i], (size_t)zero, -1),
                     wild = grid_spread(e, &g, &places[i], top, -1);
        if (!(calm > 0) || !isfinite(wild)) continue;
        const estimate ratio = grid_spread_ratio(e, &g, &places[i], top, (size_t)zero);
        const double low = ratio.interval.low, high = ratio.interval.high;
        char where[PLACE_LABEL], numbers[200];
        place_label(&places[i], where, sizeof where);
        snprintf(numbers, sizeof numbers, "sd over seeds %.3f at gamma %s, %.3f at gamma 0: ratio %.2f [%.2f, %.2f]",
                 wild, g.gamma[top].text, calm, wild / calm, low, high);
        rule_place(out, where, low > 1 ? HOLDS : high < 1.25 ? FAILS : OPEN, numbers);
        if (wild / calm <= widest) continue;
        widest = wild / calm;
        snprintf(worst, sizeof worst, "%s", where);
    }
    if (widest > 0)
        snprintf(
            out->finding, sizeof out->finding,
            "From 1:200 on, the standard deviation over seeds at gamma %s is at most %.2f times that at gamma 0 (%s).",
            g.gamma[top].text, widest, worst);
}

/* --- alpha-frequency -----------------------------------------------------------------------------------------------
 */

static long best_alpha(const evidence *e, const grid *g, const place *p, size_t gamma) {
    long best = -1;
    double highest = -1;
    for (size_t a = 0; a < g->alphas; a++) {
        const long c = grid_cell(e, g, p, gamma, a);
        const double mean = c < 0 ? -1 : estimate_field(e, (size_t)c, field_recall).mean;
        if (!(mean > highest)) continue;
        highest = mean;
        best = c;
    }
    return best;
}

void judge_alpha(const report *r, const evidence *e, ruling *out) {
    static place places[MAX_PLACES];
    grid g;
    double regret = 0;
    size_t n = 0;
    (void)r;
    grid_of(&e->study->e, &g);
    const long two = grid_index(g.gamma, g.gammas, "2"), automatic = grid_index(g.alpha, g.alphas, "auto");
    for (size_t i = 0, count = places_of(e->study, places); two >= 0 && automatic >= 0 && i < count; i++) {
        const long rule = grid_cell(e, &g, &places[i], (size_t)two, (size_t)automatic),
                   best = best_alpha(e, &g, &places[i], (size_t)two);
        if (rule < 0 || best < 0) continue;
        char where[PLACE_LABEL], numbers[300], words[100];
        place_label(&places[i], where, sizeof where);
        const comparison d = compare_cells(e, (size_t)rule, (size_t)best, field_recall);
        difference_words("inverse frequency - best alpha", &d, words, sizeof words);
        snprintf(numbers, sizeof numbers, "at gamma 2: %s, best `%s`", words, e->study->cells[best].entry->label);
        rule_place(out, where,
                   rule == best || d.difference.interval.low > -STAT_MARGIN ? HOLDS
                   : d.verdict == STAT_WORSE                                ? FAILS
                                                                            : OPEN,
                   numbers);
        regret -= d.difference.mean;
        n++;
    }
    if (n)
        snprintf(out->finding, sizeof out->finding,
                 "At gamma 2, alpha by inverse frequency stays %.3f recall below the best alpha of the grid (mean of "
                 "%zu block-ratio pairs; the best is picked "
                 "with hindsight).",
                 regret / (double)n, n);
}

/* --- weighting -----------------------------------------------------------------------------------------------------
 */

void judge_weighting(const report *r, const evidence *e, ruling *out) {
    static const char *const remedies[] = {"weighted_bce", "focal"};
    static place places[MAX_PLACES];
    double gain[2] = {0};
    size_t n = 0;
    (void)r;
    for (size_t i = 0, count = places_of(e->study, places); i < count; i++) {
        const long bce = usable_cell(e, &places[i], "bce");
        char where[PLACE_LABEL], numbers[260] = "", words[110];
        size_t better = 0, decided = 0;
        const long cells[2] = {usable_cell(e, &places[i], remedies[0]), usable_cell(e, &places[i], remedies[1])};
        if (bce < 0 || cells[0] < 0 || cells[1] < 0) continue;
        place_label(&places[i], where, sizeof where);
        for (size_t k = 0; k < 2; k++) {
            char what[40];
            const comparison d = compare_cells(e, (size_t)cells[k], (size_t)bce, field_recall);
            snprintf(what, sizeof what, "%s%s - BCE", k ? "; " : "", remedies[k]);
            difference_words(what, &d, words, sizeof words);
            strncat(numbers, words, sizeof numbers - strlen(numbers) - 1);
            better += d.verdict == STAT_BETTER;
            decided += d.difference.interval.high < STAT_MARGIN;
            gain[k] += d.difference.mean;
        }
        rule_place(out, where, better ? HOLDS : decided == 2 ? FAILS : OPEN, numbers);
        n++;
    }
    if (n)
        snprintf(out->finding, sizeof out->finding,
                 "Against tuned BCE with prior bias, tuned weighted BCE changes recall at FR 1 %% by %+.3f and tuned "
                 "focal by %+.3f (means over %zu blocks).",
                 gain[0] / (double)n, gain[1] / (double)n, n);
}

/* --- weighting-types -----------------------------------------------------------------------------------------------
 */

/* Sums over places of a remedy's gain on the rarest third of the classes, and of its change on the commonest. */
typedef struct {
    double rare, common;
    size_t n;
} remedy_sum;

enum { TYPE_REMEDIES = 4 };
static const char *const type_remedies[TYPE_REMEDIES] = {"weighted_ce", "focal_multiclass", "class_balanced_focal",
                                                         "logit_adjusted"};

static void judge_rare_classes(const evidence *e, const place *p, ruling *out, remedy_sum *sums) {
    const long ce = usable_field(e, p, "ce", field_rare_recall);
    char where[PLACE_LABEL], numbers[CLAIM_NUMBERS] = "";
    place_verdict verdict = FAILS;
    for (size_t k = 0; ce >= 0 && k < TYPE_REMEDIES; k++) {
        const long c = usable_field(e, p, type_remedies[k], field_rare_recall);
        char what[60];
        if (c < 0) continue;
        const comparison rare = compare_cells(e, (size_t)c, (size_t)ce, field_rare_recall);
        if (!rare.difference.count) continue;
        snprintf(what, sizeof what, "%s - CE", type_remedies[k]);
        add_words(numbers, what, &rare);
        verdict = any_of(verdict, gain_verdict(&rare));
        sums[k].rare += rare.difference.mean;
        sums[k].common += compare_cells(e, (size_t)c, (size_t)ce, field_common_recall).difference.mean;
        sums[k].n++;
    }
    if (!numbers[0]) return;
    place_label(p, where, sizeof where);
    rule_place(out, where, verdict, numbers);
}

void judge_weighting_types(const evidence *const *e, size_t count, ruling *out) {
    static place places[MAX_PLACES];
    remedy_sum sums[TYPE_REMEDIES] = {0};
    text said = {0};
    for (size_t n = 0; n < count; n++)
        for (size_t i = 0, many = places_of(e[n]->study, places); i < many; i++)
            judge_rare_classes(e[n], &places[i], out, sums);
    for (size_t k = 0; k < TYPE_REMEDIES; k++)
        if (sums[k].n)
            text_add(&said, "%s%s %+.3f and %+.3f", said.length ? "; " : "", type_remedies[k],
                     sums[k].rare / (double)sums[k].n, sums[k].common / (double)sums[k].n);
    if (said.data)
        snprintf(out->finding, sizeof out->finding,
                 "Change of mean recall on the rarest and on the commonest third of the classes against tuned CE: %s "
                 "(means over the blocks).",
                 said.data);
    text_free(&said);
}
