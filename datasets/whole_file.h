/* Files that are read and written whole. */
#ifndef DATASETS_WHOLE_FILE_H
#define DATASETS_WHOLE_FILE_H

#include "lib/base/error.h"

#include <stddef.h>

/* *bytes receives the file and a terminating 0 behind it; free it. A file above `limit` bytes is refused.
   LB_NOT_FOUND when there is none. */
int whole_file_read(const char *path, size_t limit, char **bytes, size_t *size, lb_error *error);

/* Written beside and renamed: at every moment `path` is the old file or the new one. */
int whole_file_write(const char *path, const void *bytes, size_t size, lb_error *error);

#endif
