/* The inner loop of the simulation, once per instruction set: all give the same bits (tests/simulation). */
#ifndef SIMULATION_DESCENT_H
#define SIMULATION_DESCENT_H

#include <stddef.h>

/* Cases are descended in chunks of DESCENT_CHUNK, which every vector width divides. */
enum { DESCENT_GROUP = 64, DESCENT_CHUNK = 8 };

/* Cases that descend together. Positions are relative to the centre of the target. */
typedef struct {
    size_t chunks;                   /* of the DESCENT_GROUP / DESCENT_CHUNK, how many are in use */
    double box[4][DESCENT_GROUP];    /* x, y, w, h */
    double target[2][DESCENT_GROUP]; /* W, H */
    double error[DESCENT_GROUP];     /* |x| + |y| + |w-W| + |h-H|, as `advance` leaves it */
    double angle[DESCENT_GROUP];     /* atan(W/H); scratch of ciou */
} descent_group;

typedef struct {
    /* Updates all boxes `steps` times, at rate[steps], each step times 2 - IoU. sums[steps + 1][DESCENT_CHUNK] receives
       the errors before each update and after the last, [j] summed over the cases j of all chunks in their order. */
    void (*advance)(descent_group *group, const double *rate, size_t steps, double (*sums)[DESCENT_CHUNK]);

    /* out[4][]: what a step adds at rate 1 and without 2 - IoU. */
    void (*direction)(descent_group *group, double (*out)[DESCENT_GROUP]);
} descent;

/* Kernels of all rules, in the order of EACH_RULE, for one instruction set; NULL: not in this build. */
const descent *descents_avx512(void);
const descent *descents_native(void);
const descent *descents_portable(void);

/* The widest that this CPU runs. */
const descent *descents(void);

#endif
