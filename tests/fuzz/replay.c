/* The main of a fuzz target without libFuzzer: tries the files, and the files of the directories, that it is given. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <signal.h>
#include <unistd.h>

static char current[4096];

static void name_the_input(int signal_number) {
    static const char words[] = "the input is ";
    if (write(2, words, sizeof words - 1) < 0 || write(2, current, strlen(current)) < 0 || write(2, "\n", 1) < 0)
        _exit(1);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static size_t replay_file(const char *path) {
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t size = 0, room = 0, read = 0;
    snprintf(current, sizeof current, "%s", path);
    if (!file) return 0;
    do {
        room += 65536;
        data = realloc(data, room);
        if (!data) abort();
        read = fread(data + size, 1, room - size, file);
        size += read;
    } while (size == room);
    fclose(file);
    uint8_t *exact = fuzz_room(size);
    memcpy(exact, data, size);
    free(data);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 1;
}

static size_t replay(const char *path) {
    DIR *directory = opendir(path);
    if (!directory) return replay_file(path);
    size_t count = 0;
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        char inside[4096];
        if (entry->d_name[0] == '.') continue;
        if (snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name) < (int)sizeof inside)
            count += replay_file(inside);
    }
    closedir(directory);
    return count;
}

int main(int argc, char **argv) {
    size_t count = 0;
    signal(SIGABRT, name_the_input);
    signal(SIGSEGV, name_the_input);
    signal(SIGFPE, name_the_input);
    for (int i = 1; i < argc; i++) count += replay(argv[i]);
    printf("%zu inputs\n", count);
    return count == 0;
}
