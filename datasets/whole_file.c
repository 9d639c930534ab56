#include "datasets/whole_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int fail_io(const char *verb, const char *path, lb_error *error) {
    const lb_code code = errno == ENOENT ? LB_NOT_FOUND : LB_IO;
    return lb_fail(error, code, "cannot %s '%.300s': %s", verb, path, strerror(errno));
}

static int read_all(FILE *file, const char *path, size_t limit, char **bytes, size_t *size, lb_error *error) {
    struct stat status;
    if (fstat(fileno(file), &status)) return fail_io("read", path, error);
    if (!S_ISREG(status.st_mode)) return lb_fail(error, LB_INVALID, "'%.300s' is no regular file", path);
    if ((unsigned long long)status.st_size > limit)
        return lb_fail(error, LB_INVALID, "'%.300s' has %lld bytes; the limit is %zu", path, (long long)status.st_size,
                       limit);
    *size = (size_t)status.st_size;
    *bytes = malloc(*size + 1);
    if (!*bytes) return lb_fail_memory(error, "a file");
    (*bytes)[*size] = '\0';
    errno = 0;
    if (fread(*bytes, 1, *size, file) == *size) return LB_OK;
    return lb_fail(error, LB_IO, "cannot read '%.300s': %s", path, errno ? strerror(errno) : "it became shorter");
}

int whole_file_read(const char *path, size_t limit, char **bytes, size_t *size, lb_error *error) {
    FILE *file = fopen(path, "rb");
    *bytes = NULL;
    *size = 0;
    if (!file) return fail_io("read", path, error);
    const int code = read_all(file, path, limit, bytes, size, error);
    if (code) {
        free(*bytes);
        *bytes = NULL;
    }
    fclose(file);
    return code;
}

int whole_file_write(const char *path, const void *bytes, size_t size, lb_error *error) {
    char part[1400];
    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part)
        return lb_fail(error, LB_INVALID, "the path '%.60s...' is too long", path);
    FILE *file = fopen(part, "wb");
    if (!file) return lb_fail(error, LB_IO, "cannot write '%.300s': %s", path, strerror(errno));
    const int written = fwrite(bytes, 1, size, file) == size && fflush(file) == 0;
    int problem = written ? 0 : errno;
    if (fclose(file) && !problem) problem = errno; /* a full disk may show only here */
    if (!problem && rename(part, path)) problem = errno;
    if (!problem) return LB_OK;
    remove(part);
    return lb_fail(error, LB_IO, "cannot write '%.300s': %s", path, strerror(problem));
}
