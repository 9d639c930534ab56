#include "lib/stats/stats.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

/* R 4.2: qtukey(.95, 2:12, Inf)/sqrt(2); Demsar's table 5(a) has the first nine with three digits: 1.960 .. 3.164. */
static const double q05[] = {1.95996398477, 2.34370058790, 2.56903177742, 2.72777438252, 2.84970544327, 2.94832006072,
                             3.03087852260, 3.10173045751, 3.16368375350, 3.21865360722, 3.26800392433};
/* qtukey(.90, 2:10, Inf)/sqrt(2) */
static const double q10[] = {1.64485362698, 2.05229273055, 2.29134149700, 2.45951576443, 2.58852060214,
                             2.69273210126, 2.77988360853, 2.85460643167, 2.91988884065};

Test(critical_difference, demsar_q) {
    for (size_t k = 2; k <= 12; k++) cr_assert(epsilon_eq(dbl, stat_demsar_q(k, 0.95), q05[k - 2], 1e-6));
    for (size_t k = 2; k <= 10; k++) cr_assert(epsilon_eq(dbl, stat_demsar_q(k, 0.90), q10[k - 2], 1e-6));
    cr_assert(epsilon_eq(dbl, stat_demsar_q(30, 0.95), 3.74857781698, 1e-6)); /* qtukey(.95,30,Inf)/sqrt(2) */
    /* qtukey(.95,8,Inf)/sqrt(2)*sqrt(8*9/(6*12)) */
    cr_assert(epsilon_eq(dbl, stat_critical_difference(8, 12, 0.95), 3.0308785226, 1e-6));
}

/* Sets a pair apart in both triangles. */
static void separate(unsigned char *m, size_t k, size_t i, size_t j) { m[i * k + j] = m[j * k + i] = 1; }

Test(critical_difference, nothing_separated_is_one_bar) {
    const unsigned char none[25] = {0};
    stat_run bars[5], pairs[10];
    cr_assert(eq(sz, stat_cd_cliques(none, 5, bars), 1));
    cr_assert(bars[0].first == 0 && bars[0].last == 4);
    cr_assert(eq(sz, stat_cd_leftover(none, 5, bars, 1, pairs), 0));
}

Test(critical_difference, all_separated_is_no_bar) {
    unsigned char all[16];
    stat_run bars[4], pairs[6];
    for (int i = 0; i < 16; i++) all[i] = 1;
    cr_assert(eq(sz, stat_cd_cliques(all, 4, bars), 0));
    cr_assert(eq(sz, stat_cd_leftover(all, 4, bars, 0, pairs), 0));
}

/* Only best and worst differ: two bars that overlap. */
Test(critical_difference, overlapping_bars) {
    unsigned char m[16] = {0};
    stat_run bars[4], pairs[6];
    separate(m, 4, 0, 3);
    cr_assert(eq(sz, stat_cd_cliques(m, 4, bars), 2));
    cr_assert(bars[0].first == 0 && bars[0].last == 2 && bars[1].first == 1 && bars[1].last == 3);
    cr_assert(eq(sz, stat_cd_leftover(m, 4, bars, 2, pairs), 0));
}

/* Pairwise tests need not respect the order: 0 differs from 1 but not from 2, so that pair goes in the note. */
Test(critical_difference, a_pair_over_a_separated_neighbour_is_left_for_the_note) {
    unsigned char m[16] = {0};
    stat_run bars[4], pairs[6];
    separate(m, 4, 0, 1);
    separate(m, 4, 0, 3);
    cr_assert(eq(sz, stat_cd_cliques(m, 4, bars), 1));
    cr_assert(bars[0].first == 1 && bars[0].last == 3);
    cr_assert(eq(sz, stat_cd_leftover(m, 4, bars, 1, pairs), 1));
    cr_assert(pairs[0].first == 0 && pairs[0].last == 2);
}

/* Every matrix of five methods, against the definition: a bar is a run of two or more without a separated pair that no
   longer such run contains, and each pair is separated, under a bar, or left over. */
static int is_clique(const unsigned char *m, size_t k, size_t first, size_t last) {
    for (size_t i = first; i <= last; i++)
        for (size_t j = i + 1; j <= last; j++)
            if (m[i * k + j]) return 0;
    return 1;
}

Test(critical_difference, every_matrix_of_five_meets_the_definition) {
    enum { K = 5 };
    for (unsigned bits = 0; bits < 1024; bits++) {
        unsigned char m[K * K] = {0};
        unsigned bit = 0, separated = 0, covered = 0;
        for (size_t i = 0; i < K; i++)
            for (size_t j = i + 1; j < K; j++)
                if ((bits >> bit++) & 1) separate(m, K, i, j), separated++;
        stat_run bars[K], pairs[K * (K - 1) / 2];
        const size_t count = stat_cd_cliques(m, K, bars);
        const size_t left = stat_cd_leftover(m, K, bars, count, pairs);
        size_t seen = 0;
        for (size_t i = 0; i < K; i++)
            for (size_t j = i + 1; j < K; j++) {
                const int maximal = is_clique(m, K, i, j) && !(i > 0 && is_clique(m, K, i - 1, j)) &&
                                    !(j + 1 < K && is_clique(m, K, i, j + 1));
                if (maximal) {
                    cr_assert(seen < count && bars[seen].first == i && bars[seen].last == j);
                    seen++;
                }
                int under = 0;
                for (size_t b = 0; b < count; b++) under |= bars[b].first <= i && j <= bars[b].last;
                covered += (unsigned)under;
            }
        cr_assert(eq(sz, seen, count));
        cr_assert(eq(sz, separated + covered + left, 10));
    }
}
