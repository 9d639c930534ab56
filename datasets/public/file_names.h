/* The names in a directory, in an order that does not depend on the file system. */
#ifndef DATASETS_PUBLIC_FILE_NAMES_H
#define DATASETS_PUBLIC_FILE_NAMES_H

#include "lib/base/error.h"

#include <stddef.h>

enum { FILE_NAMES_MOST = 1000000 };

typedef struct {
    char **names; /* by strcmp, owned */
    size_t count;
} file_names;

/* All but those that begin with '.'. LB_FORMAT when the directory cannot be read or holds more than FILE_NAMES_MOST.
   Free with file_names_free, which is safe after a failure. */
int file_names_read(const char *directory, file_names *out, lb_error *error);
void file_names_free(file_names *f);

#endif
