/* A/A and planted effect, at the level of statistics: recalls over paired seeds are drawn, the protocol's interval,
   verdict and test are applied. The trained A/A test belongs to the experiments. */
#include "lib/stats/stats.h"

#include "tests/stats/simulation.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

enum { SEEDS = 10 };

typedef struct {
    size_t verdicts[4]; /* by stat_verdict_kind */
    size_t significant; /* sign-flip p < .05 */
    size_t wilcoxon;    /* Wilcoxon p < .05 */
    size_t replays;
} tally;

/* A seed's data set makes both losses' recall go up and down together (sd .05); each adds noise of its own, so that the
   paired difference has mean `effect` and sd `paired_sd`: .03 is what PILOT.md measured with good initialisation. */
static tally replay(const char *name, size_t replays, double effect, double paired_sd) {
    rng stream = rng_from_text(name);
    tally t = {.replays = replays};
    for (size_t i = 0; i < replays; i++) {
        double difference[SEEDS], p;
        for (int s = 0; s < SEEDS; s++) {
            const double shared = 0.7 + 0.05 * (double)rng_normal(&stream);
            const double a = shared + paired_sd / sqrt(2) * (double)rng_normal(&stream);
            const double b = shared + effect + paired_sd / sqrt(2) * (double)rng_normal(&stream);
            difference[s] = b - a;
        }
        t.verdicts[stat_verdict(stat_t_interval(difference, SEEDS, 0.95), STAT_MARGIN)]++;
        t.significant += stat_signflip(difference, SEEDS, 0, NULL) < 0.05;
        cr_assert(zero(int, stat_wilcoxon(difference, SEEDS, &p, NULL)));
        t.wilcoxon += p < 0.05;
    }
    return t;
}

static double share(size_t count, const tally *t) { return (double)count / (double)t->replays; }

/* 200 replays. `better` needs an interval beyond +.02 though the truth is 0. R 4.2: 2*(1-pt(qt(.975,9), 9,
   ncp=-.02/(.03/sqrt(10)))) = .00011 for both words together at sd .03, i.e. .02 of 200 replays: none is allowed. p <
   .05 in at most 5 % plus slack. */
Test(replay, a_loss_against_itself_never_wins) {
    const double sd[] = {0.01, 0.02, 0.03};
    const char *names[] = {"A/A .01", "A/A .02", "A/A .03"};
    for (int i = 0; i < 3; i++) {
        const tally t = replay(names[i], runs(200, 20000), 0, sd[i]);
        const double wins = share(t.verdicts[STAT_BETTER] + t.verdicts[STAT_WORSE], &t);
        cr_assert(le(dbl, wins, t.replays == 200 ? 0 : 0.00011 + slack(0.00011, t.replays)));
        cr_assert(le(dbl, share(t.significant, &t), 0.05 + slack(0.05, t.replays)));
        cr_assert(le(dbl, share(t.wilcoxon, &t), 0.05 + slack(0.05, t.replays)));
    }
}

/* With a small paired sd the same replays must not hide behind `unclear`: equality within .02 is found. */
Test(replay, a_loss_against_itself_is_found_equivalent_when_noise_is_small) {
    const tally t = replay("A/A small", runs(200, 20000), 0, 0.01);
    cr_assert(ge(dbl, share(t.verdicts[STAT_EQUIVALENT], &t), 0.99 - slack(0.99, t.replays)));
}

/* Power of `better` at sd .03, R = 10; R 4.2: 1-pt(qt(.975,9), 9, ncp=(effect-.02)/(.03/sqrt(10))) = .8031 for effect
   .05 and .9621 for .06. The mirrored effect must be `worse` as often. */
Test(replay, a_planted_effect_is_found_with_the_stated_power) {
    const double effect[] = {0.05, 0.06, -0.05, -0.06}, power[] = {0.803096208691, 0.962104935553};
    const char *names[] = {"planted .05", "planted .06", "planted -.05", "planted -.06"};
    for (int i = 0; i < 4; i++) {
        const tally t = replay(names[i], runs(500, 20000), effect[i], 0.03);
        const stat_verdict_kind right = i < 2 ? STAT_BETTER : STAT_WORSE, wrong = i < 2 ? STAT_WORSE : STAT_BETTER;
        cr_assert(epsilon_eq(dbl, share(t.verdicts[right], &t), power[i % 2], slack(power[i % 2], t.replays)));
        cr_assert(eq(sz, t.verdicts[wrong], 0));
        cr_assert(eq(sz, t.verdicts[STAT_EQUIVALENT], 0));
        cr_assert(ge(dbl, share(t.significant, &t), 0.95));
    }
}

/* An effect of exactly the margin must be called `better` in 2.5 % only. */
Test(replay, an_effect_of_the_margin_is_not_better) {
    const tally t = replay("margin", runs(500, 20000), STAT_MARGIN, 0.03);
    cr_assert(epsilon_eq(dbl, share(t.verdicts[STAT_BETTER], &t), 0.025, slack(0.025, t.replays)));
}
