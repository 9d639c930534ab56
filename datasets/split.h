/* From a pool of items to the four sets: by physical part, stratified by type, never by image where parts are known. */
#ifndef DATASETS_SPLIT_H
#define DATASETS_SPLIT_H

#include "datasets/dataset.h"
#include "lib/base/rng.h"

/* Share of each set, of goods and of defects; each row adds up to 1. */
typedef struct {
    double good[SET_COUNT], defect[SET_COUNT];
} split_shares;

/* Goods 50 / 10 / 15 / 25 %, defects 50 / 15 / 0 / 35 %: train keeps the natural ratio, and the threshold set needs no
   defects. */
extern const split_shares split_usual;

/* Item numbers of the pool, in random order, goods first. Start with {0}, free with split_free. */
typedef struct {
    uint32_t *items[SET_COUNT];
    size_t count[SET_COUNT], goods[SET_COUNT];
} item_split;

void split_free(item_split *s);

/* Marks what may be used: of identical items of one type the first is kept; identical items with different types are
   all dropped. `bytes` per item. keep is [all->count], 0 or 1; items marked 0 before are ignored. Counts are of items.
 */
int split_drop_duplicates(const dataset_items *all, size_t bytes, unsigned char *keep, size_t *duplicates,
                          size_t *conflicts, lb_error *error);

/* Deals whole parts. Parts are dealt type by type (a part counts as the rarest type it holds), at random, so that every
   set gets its share of each type's items as nearly as whole parts allow. */
int split_by_part(const dataset_items *all, const unsigned char *keep, const split_shares *shares, rng *stream,
                  item_split *out, lb_error *error);

/* Uses given sets: set_of is [all->count]. */
int split_as_given(const dataset_items *all, const unsigned char *keep, const unsigned char *set_of, rng *stream,
                   item_split *out, lb_error *error);

/* Thins train to 1:ratio: drops defects, or goods where there are too many defects missing. The rest of one seed's
   split stays, so that a thinner train is a part of a fuller one. ratio 0: nothing is dropped. */
int split_thin_train(item_split *s, unsigned ratio, const char *owner, size_t *dropped, lb_error *error);

/* Copies the chosen items into out->sets; out has its height, width and channels. Pool boxes are sorted by item. */
int split_apply(const item_split *s, const dataset_items *all, unsigned want, dataset *out, lb_error *error);

/* All of it, for a fixed collection called `name`: by part as split_usual says, or as `given` ([all->count]; NULL:
   not), at the request's ratio, which must leave at least SPLIT_LEAST_DEFECTS to train on. Where less than half of the
   goods are on parts without a defect (tiles of images that show one elsewhere), split_usual would leave calibrate few
   goods or none: then all parts are dealt by the shares of goods. The seed's split is the same whatever the ratio;
   equal goods are dealt equally whatever the defects. A collection without goods is split by split_usual's shares of
   defects, and any ratio but 0 is refused. */
enum { SPLIT_LEAST_DEFECTS = 10 };
int split_collection(const char *name, const dataset_items *all, const unsigned char *keep, const unsigned char *given,
                     const dataset_request *request, dataset *out, lb_error *error);

#endif
