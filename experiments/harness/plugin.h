/* Losses from outside the tree: shared objects built from one loss file with -DLOSS_PLUGIN (`make plugin`). */
#ifndef HARNESS_PLUGIN_H
#define HARNESS_PLUGIN_H

#include "lib/base/error.h"

/* Loads the shared object at `path` for the rest of the process and registers its loss, in float; in double there is
   none. Refuses what is not there, damaged, no loss, built for another loss.h, or named like another loss. */
int plugin_load(const char *path, lb_error *error);

#endif
