#include "experiments/harness/plugin.h"

#include "lib/loss/loss.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define REMEDY "build it with `make plugin LOSS_FILE=my_loss.c`"

/* The loader crashes on a shared object that was cut short; its section table comes last. */
static int check_file(const char *path, lb_error *error) {
    Elf64_Ehdr head = {0};
    FILE *f = fopen(path, "rb");
    if (!f) return lb_fail(error, LB_NOT_FOUND, "cannot open the plug-in '%.300s': %s", path, strerror(errno));
    const size_t read = fread(&head, 1, sizeof head, f);
    const int at_end = fseek(f, 0, SEEK_END);
    const long size = ftell(f);
    fclose(f);
    if (read < sizeof head || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_type != ET_DYN)
        return lb_fail(error, LB_FORMAT, "the plug-in '%.300s' is not a shared object; " REMEDY, path);
    const int is_wide = head.e_ident[EI_CLASS] == ELFCLASS64;
    if (at_end || (is_wide && head.e_shoff + (uint64_t)head.e_shentsize * head.e_shnum > (uint64_t)size))
        return lb_fail(error, LB_FORMAT, "the plug-in '%.300s' is cut short; " REMEDY, path);
    return LB_OK;
}

static int register_from(void *object, const char *path, lb_error *error) {
    const int *const abi = dlsym(object, "loss_plugin_abi");
    const loss_type *const *const type = dlsym(object, "loss_plugin");
    if (!abi || !type)
        return lb_fail(
            error, LB_FORMAT,
            "there is no loss in the plug-in '%.200s': its file must end in LOSS_TYPE(name) = {...}; " REMEDY, path);
    if (*abi != LOSS_ABI)
        return lb_fail(error, LB_VERSION,
                       "the plug-in '%.200s' was built for version %d of loss.h and this is version %d; " REMEDY
                       " again",
                       path, *abi, LOSS_ABI);
    lb_error why;
    if (!loss_register(*type, &why)) return LB_OK;
    return lb_fail(error, why.code, "the plug-in '%.200s' cannot be used: %.250s", path, why.message);
}

int plugin_load(const char *path, lb_error *error) {
    char near[1024]; /* dlopen looks elsewhere for a name without a slash */
    if (snprintf(near, sizeof near, "%s%s", strchr(path, '/') ? "" : "./", path) >= (int)sizeof near)
        return lb_fail(error, LB_INVALID, "the plug-in '%.60s...' has too long a path", path);
    if (check_file(near, error)) return (int)error->code;
    void *object = dlopen(near, RTLD_NOW | RTLD_LOCAL);
    if (!object) return lb_fail(error, LB_FORMAT, "the plug-in cannot be loaded: %.300s; " REMEDY, dlerror());
    const int code = register_from(object, path, error);
    if (code) dlclose(object);
    return code;
}
