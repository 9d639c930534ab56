/* A public table of numbers as a data set: read once per process, split by part, standardised by its train set. */
#ifndef DATASETS_PUBLIC_NUMBER_TABLE_H
#define DATASETS_PUBLIC_NUMBER_TABLE_H

#include "datasets/public/numbers_text.h"
#include "datasets/public/pack.h"

/* One per importer, static: what the file looks like, and what has been read of it. Not thread-safe. */
typedef struct {
    const char *name, *file; /* as pack_find wants them: the file is the marker */
    const char *header;      /* first row; NULL: none */
    char separator;
    size_t fields;        /* of a row of the file */
    size_t columns;       /* values of an item */
    size_t rows_per_part; /* rows in a block that stays in one set */
    /* Reads the fields of one row, whose number of fields has been checked, into values[columns] and its type. */
    int (*read_row)(numbers_text *row, float *values, uint16_t *type, lb_error *error);

    char directory[PACK_PATH]; /* "": nothing is kept */
    dataset_items items;       /* in the order of the file; values as written, parts: row / rows_per_part, from 0 */
    unsigned char *usable;     /* [items.count], 0: left out, as a copy or as a copy of another type */
    size_t duplicates, conflicts;
} number_table;

/* "content=<hash>" over part, type and values (as written) of the usable rows, in order. */
int number_table_identify(number_table *t, const dataset_request *request, char *out, size_t size, lb_error *error);

/* `defect` 0: the types are those of the rows. Else the rows of that type are the defects, of type 1, and all others
   the goods; which rows are left out is the same. */
int number_table_open(number_table *t, uint16_t defect, const char *const *type_names, const dataset_request *request,
                      dataset *out, lb_error *error);

void number_table_forget(number_table *t);

/* (value - mean) / standard deviation of the train items, as they are after thinning, in every set. Where a column is
   constant in train, it becomes 0; beyond NUMBER_TABLE_MOST standard deviations values are cut. */
#define NUMBER_TABLE_MOST 1e6
void number_table_standardise(dataset *d);

#endif
