/* The models of models.c. A new one: its file, a line here and a line there. */
#ifndef NN_MODELS_H
#define NN_MODELS_H

#include "lib/nn/nn.h"

extern const nn_model_type nn_model_cnn;
extern const nn_model_type nn_model_mlp;
extern const nn_model_type nn_model_unet;
extern const nn_model_type nn_model_detector;

/* The words of a parameter `width`: narrow 0, wide 1. */
extern const param_word model_widths[];
extern const size_t model_channels[2][3]; /* of the three levels of a net of this width */

/* Reads "cnn(width=narrow)" into a type and the values of its parameters. */
int model_parse(const char *expression, const nn_model_type **type, double values[SPEC_MAX_PARAMS], lb_error *error);

#endif
