/* Short names for usual compounds. */
#include "lib/loss/loss.h"

const loss_alias loss_aliases[] = {
    {NULL, NULL, {{NULL, NULL}}},
};
