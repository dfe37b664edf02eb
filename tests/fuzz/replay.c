/* The files named as arguments, one after the other, to a fuzz target that is built without libFuzzer. */
#include "tests/fuzz/fuzz.h"

#define FILE_MAX ((size_t)1024 * 1024)

/* The file's bytes in memory of exactly their size, so that a sanitizer sees who reads one more; NULL when it
 * cannot be read. The caller frees them. */
static uint8_t *read_file(const char *path, size_t *size)
{
    static uint8_t whole[FILE_MAX];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    *size = fread(whole, 1, sizeof whole, file);
    fclose(file);
    uint8_t *bytes = malloc(*size > 0 ? *size : 1);
    for (size_t i = 0; bytes != NULL && i < *size; i++)
        bytes[i] = whole[i];
    return bytes;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE…\n", argv[0]);
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        size_t size = 0;
        uint8_t *bytes = read_file(argv[i], &size);
        if (bytes == NULL) {
            perror(argv[i]);
            return 1;
        }
        printf("%s\n", argv[i]);
        fflush(stdout);
        LLVMFuzzerTestOneInput(bytes, size);
        free(bytes);
    }
    return 0;
}
