/* Short names for usual compounds. */
#include "lib/loss/loss.h"

const loss_alias loss_aliases[] = {
    {"dice_ce", "dice + ce on K classes", {{"lambda_dice", "dice", NULL}, {"lambda_ce", "ce", NULL}}},
    {"dice_bce",
     "dice + bce, defects weighted",
     {{"lambda_dice", "dice", NULL}, {"lambda_bce", "weighted_bce", "pos_weight=1"}}},
    {"dice_focal", "dice + focal", {{"lambda_dice", "dice", NULL}, {"lambda_focal", "focal", NULL}}},
    {"dice_bce_focal",
     "dice + bce, defects weighted, + focal",
     {{"lambda_dice", "dice", NULL}, {"lambda_bce", "weighted_bce", "pos_weight=1"}, {"lambda_focal", "focal", NULL}}},
    {NULL, NULL, {{NULL, NULL, NULL}}},
};
