/* An example (EXAMPLE names its file) that ends with 99 if it ended well but left library memory or descriptors. */
#define main example_main
#include EXAMPLE
#undef main

#include <dirent.h>

static int open_descriptors(void) {
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (directory != NULL && readdir(directory) != NULL) count++;
    closedir(directory);
    return count;
}

int main(int argc, char **argv) {
    int before = open_descriptors();
    int result = example_main(argc, argv);
    int left = open_descriptors() - before;
    uint64_t bytes = ioloop_memory_bytes();
    if (result != EXIT_SUCCESS || (left == 0 && bytes == 0)) return result;
    fprintf(stderr, "left behind: %llu bytes, %d descriptors\n", (unsigned long long)bytes, left);
    return 99;
}
