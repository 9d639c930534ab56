#include "datasets/public/file_names.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int add_name(file_names *f, size_t *room, const char *name, lb_error *error) {
    if (f->count == *room) {
        *room = *room ? 2 * *room : 256;
        char **more = realloc(f->names, *room * sizeof *more);
        if (!more) return lb_fail_memory(error, "the names in a directory");
        f->names = more;
    }
    f->names[f->count] = strdup(name);
    if (!f->names[f->count]) return lb_fail_memory(error, "the names in a directory");
    f->count++;
    return LB_OK;
}

static int fail_directory(const char *directory, lb_error *error) {
    return lb_fail(error, LB_FORMAT, "cannot read the folder '%.300s': %s; fetch the data again with `make datasets`",
                   directory, strerror(errno));
}

static int read_open(DIR *stream, const char *directory, file_names *out, lb_error *error) {
    size_t room = 0;
    int code = LB_OK;
    for (;;) {
        errno = 0; /* readdir returns NULL at the end and on failure */
        const struct dirent *entry = readdir(stream);
        if (!entry) return errno ? fail_directory(directory, error) : LB_OK;
        if (entry->d_name[0] == '.') continue;
        if (out->count == FILE_NAMES_MOST)
            return lb_fail(error, LB_FORMAT,
                           "the folder '%.300s' holds more than %d files; remove what does not belong", directory,
                           FILE_NAMES_MOST);
        code = add_name(out, &room, entry->d_name, error);
        if (code) return code;
    }
}

int file_names_read(const char *directory, file_names *out, lb_error *error) {
    DIR *stream = opendir(directory);
    *out = (file_names){0};
    if (!stream) return errno == ENOMEM ? lb_fail_memory(error, "a folder") : fail_directory(directory, error);
    const int code = read_open(stream, directory, out, error);
    closedir(stream);
    if (code)
        file_names_free(out);
    else if (out->count)
        qsort(out->names, out->count, sizeof *out->names, by_name);
    return code;
}

void file_names_free(file_names *f) {
    for (size_t i = 0; i < f->count; i++) free(f->names[i]);
    free(f->names);
    *f = (file_names){0};
}
