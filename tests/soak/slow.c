// Makes each write to a file take 20 ms, as a slow disk does; loaded by LD_PRELOAD.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

ssize_t write(int file, const void* data, size_t size) {
    static ssize_t (*real)(int, const void*, size_t);
    struct stat found;
    if (!real) {
        real = (ssize_t (*)(int, const void*, size_t))dlsym(RTLD_NEXT, "write");
    }
    if (fstat(file, &found) == 0 && S_ISREG(found.st_mode)) {
        usleep(20000);
    }
    return real(file, data, size);
}
