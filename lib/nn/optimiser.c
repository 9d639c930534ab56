/* Adam (Kingma & Ba 2015, 1412.6980, algorithm 1) and SGD with momentum, both with decoupled weight decay (Loshchilov &
   Hutter 2019, 1711.05101): w <- (1 - rate decay) w before the step, weights only, not biases.

   Adam:  m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  w <- w - rate/(1 - b1^t) m / (sqrt(v/(1 - b2^t)) +
   epsilon) SGD:   v <- momentum v + g;     w <- w - rate v

   The powers of b1 and b2 are running products: pow() differs between C libraries. Factors are formed in double and
   rounded once; each element then uses float multiplication, addition, division and square root only, all exact to the
   last bit by IEEE 754, so that vectorising cannot change them. */
#include "lib/nn/layer.h"

#include <math.h>

typedef struct {
    float keep;        /* 1 - rate decay */
    float rate, scale; /* rate / (1 - b1^t), 1 / sqrt(1 - b2^t); SGD: rate */
    float old1, new1, old2, new2, epsilon;
} factors;

static void adam(float *w, const float *g, float *m, float *v, size_t n, factors f) {
    for (size_t i = 0; i < n; i++) {
        m[i] = f.old1 * m[i] + f.new1 * g[i];
        v[i] = f.old2 * v[i] + f.new2 * (g[i] * g[i]);
        w[i] = f.keep * w[i] - f.rate * (m[i] / (sqrtf(v[i]) * f.scale + f.epsilon));
    }
}

static void sgd(float *w, const float *g, float *velocity, size_t n, factors f) {
    for (size_t i = 0; i < n; i++) {
        velocity[i] = f.old1 * velocity[i] + g[i];
        w[i] = f.keep * w[i] - f.rate * velocity[i];
    }
}

static void step_range(nn_net *net, const nn_optimiser *o, size_t at, size_t n, factors f) {
    float *w = net->parameters + at, *m = net->first_moment + at;
    const float *g = net->gradient + at;
    if (o->kind == NN_ADAM)
        adam(w, g, m, net->second_moment + at, n, f);
    else
        sgd(w, g, m, n, f);
}

static factors factors_of(nn_net *net, const nn_optimiser *o) {
    factors f = {.rate = (float)o->learning_rate, .old1 = (float)o->momentum};
    if (o->kind == NN_SGD) return f;
    net->beta1_power *= o->momentum;
    net->beta2_power *= o->beta2;
    f.rate = (float)(o->learning_rate / (1 - net->beta1_power));
    f.scale = (float)(1 / sqrt(1 - net->beta2_power));
    f.new1 = (float)(1 - o->momentum);
    f.old2 = (float)o->beta2;
    f.new2 = (float)(1 - o->beta2);
    f.epsilon = (float)o->epsilon;
    return f;
}

void nn_net_step(nn_net *net, const nn_optimiser *optimiser) {
    factors f = factors_of(net, optimiser);
    for (size_t i = 0; i < net->layer_count; i++) {
        const layer *l = &net->layers[i];
        f.keep = (float)(1 - optimiser->learning_rate * optimiser->weight_decay);
        step_range(net, optimiser, l->weight_offset, l->weight_count, f);
        f.keep = 1;
        step_range(net, optimiser, l->weight_offset + l->weight_count, l->bias_count, f);
    }
    net->flipped_is_old = 1;
}
