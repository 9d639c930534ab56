/* Errors are values: a code for the program, a sentence for the person. The caller owns the struct. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

typedef enum {
    LB_OK = 0,
    LB_INVALID,   /* an argument, parameter, name or shape that cannot be */
    LB_NOT_FOUND, /* a file, directory or data set that is not there */
    LB_FORMAT,    /* a file that is damaged, truncated or not what its name says */
    LB_IO,        /* reading or writing failed: permission, full disk, device */
    LB_VERSION,   /* made by another version of lossbench */
    LB_MEMORY,    /* allocation failed */
    LB_INTERNAL   /* a worker crashed, a library refused; a bug if it repeats */
} lb_code;

typedef struct {
    lb_code code;
    char message[512]; /* one sentence that names the thing and the remedy; never needs freeing */
} lb_error;

/* Fills `error` (may be NULL) and returns `code`, so that a failing function ends in `return lb_fail(...)`. */
int lb_fail(lb_error *error, lb_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* lb_fail for a failed allocation of `what`. */
int lb_fail_memory(lb_error *error, const char *what);

#endif
