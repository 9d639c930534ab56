/* Adam and SGD on logistic regression with one input, where the gradients of weight and bias can be dictated: with
   input 1 both equal the output gradient. Expected values: torch.optim of PyTorch 1.13 in float64 (AdamW and SGD for
   the weight; Adam for the bias, which does not decay), rate .01, betas .9 and .999, epsilon 1e-8, momentum .9. */
#include "lib/nn/nn.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

static const float gradients[] = {0.3f, -0.2f, 0.7f};

enum { STEPS = sizeof gradients / sizeof *gradients };

static nn_net *one_weight(float start) {
    nn_net *net = nn_net_new("mlp(layers=0)", (nn_shape){1, 1, 1}, 1, 1, NULL);
    cr_assert(net != NULL);
    nn_net_set(net, (const float[]){start, start});
    return net;
}

static void step(nn_net *net, const nn_optimiser *o, float gradient) {
    const float input = 1;
    float output;
    nn_net_forward(net, &input, 1, &output);
    nn_net_backward(net, &gradient, 1);
    nn_net_step(net, o);
}

static void expect_steps(const nn_optimiser *o, const double weights[STEPS], const double biases[STEPS]) {
    nn_net *net = one_weight(0.5f);
    float values[2];
    for (int i = 0; i < STEPS; i++) {
        step(net, o, gradients[i]);
        nn_net_get(net, values);
        cr_expect(epsilon_eq(dbl, (double)values[0], weights[i], 2e-7), "weight after step %d", i + 1);
        cr_expect(epsilon_eq(dbl, (double)values[1], biases[i], 2e-7), "bias after step %d", i + 1);
    }
    nn_net_free(net);
}

Test(optimiser, adam_with_decoupled_decay) {
    const nn_optimiser o = {NN_ADAM,         .learning_rate = 0.01, .weight_decay = 0.1,
                            .momentum = 0.9, .beta2 = 0.999,        .epsilon = 1e-8};
    expect_steps(&o, (const double[]){0.4895000003333333, 0.48756529509252633, 0.480886457984382},
                 (const double[]){0.4900000003333333, 0.48855479509285965, 0.48236352327980786});
}

Test(optimiser, sgd_with_momentum) {
    const nn_optimiser o = {NN_SGD, .learning_rate = 0.01, .momentum = 0.9};
    const double expected[] = {0.497, 0.4963, 0.48867};
    expect_steps(&o, expected, expected);
}

/* By hand: w (1 - .01 * .1) - .01 * velocity */
Test(optimiser, sgd_with_decoupled_decay) {
    const nn_optimiser o = {NN_SGD, .learning_rate = 0.01, .weight_decay = 0.1, .momentum = 0.9};
    expect_steps(&o, (const double[]){0.4965, 0.4953035, 0.4871781965}, (const double[]){0.497, 0.4963, 0.48867});
}

Test(optimiser, init_forgets_the_moments) {
    const nn_optimiser o = {NN_ADAM, .learning_rate = 0.01, .momentum = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    nn_net *net = one_weight(0.5f);
    step(net, &o, 5);
    rng stream = rng_from_text("init");
    const float bias = 0.5f;
    nn_net_init(net, &stream);
    nn_net_set_head_bias(net, &bias);
    step(net, &o, 0.3f);
    float values[2];
    nn_net_get(net, values);
    cr_expect(epsilon_eq(dbl, (double)values[1], 0.4900000003333333, 1e-7));
    nn_net_free(net);
}

Test(optimiser, zero_gradients_do_nothing_without_decay) {
    const nn_optimiser kinds[] = {
        {NN_ADAM, .learning_rate = 0.01, .momentum = 0.9, .beta2 = 0.999, .epsilon = 1e-8},
        {NN_SGD, .learning_rate = 0.01, .momentum = 0.9},
    };
    for (int k = 0; k < 2; k++) {
        nn_net *net = one_weight(-0.25f);
        const uint64_t before = nn_net_hash(net);
        step(net, &kinds[k], 0);
        cr_expect(eq(u64, nn_net_hash(net), before));
        nn_net_free(net);
    }
}
