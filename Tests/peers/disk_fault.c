/* A disk that is full or cannot be written to, as programs see it: loaded before the C library (LD_PRELOAD), this stands before its
   writing functions. Files below the folder DISK_FAULT_FOLDER are concerned, while the file DISK_FAULT_FILE is there: with `full` in it
   whatever would make a file longer fails with ENOSPC, with `read-only` every write, and opening for writing, with EROFS. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault { NONE, FULL, READ_ONLY };

/* By system calls alone: what is called here must not come back here. */
static enum fault fault(void) {
    const char *path = getenv("DISK_FAULT_FILE");
    if (!path) return NONE;
    int kept = errno, file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    char text[16] = {0};
    if (file >= 0) {
        if (syscall(SYS_read, file, text, sizeof text - 1) < 0) text[0] = 0;
        syscall(SYS_close, file);
    }
    errno = kept;
    return strncmp(text, "full", 4) == 0 ? FULL : strncmp(text, "read-only", 9) == 0 ? READ_ONLY : NONE;
}

static int is_below(const char *path) {
    const char *folder = getenv("DISK_FAULT_FOLDER");
    size_t length = folder ? strlen(folder) : 0;
    return length > 0 && strncmp(path, folder, length) == 0 && path[length] == '/';
}

static int is_concerned(int file) {
    char name[64], path[PATH_MAX];
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    ssize_t count = readlink(name, path, sizeof path - 1);
    if (count < 0) return 0;
    path[count] = 0;
    return is_below(path);
}

/* Whether writing up to an end must fail; errno is set then. */
static int refuses(int file, off_t end) {
    enum fault now = fault();
    if (now == NONE || !is_concerned(file)) return 0;
    struct stat status;
    if (now == FULL && fstat(file, &status) == 0 && end <= status.st_size) return 0;
    errno = now == FULL ? ENOSPC : EROFS;
    return 1;
}

static off_t total(const struct iovec *parts, int count) {
    off_t bytes = 0;
    for (int index = 0; index < count; index++) bytes += (off_t)parts[index].iov_len;
    return bytes;
}

static off_t here(int file) {
    struct stat status;
    int flags = fcntl(file, F_GETFL);
    if (flags >= 0 && flags & O_APPEND && fstat(file, &status) == 0) return status.st_size;
    off_t place = lseek(file, 0, SEEK_CUR);
    return place < 0 ? 0 : place;
}

#define ORIGINAL(type, name, ...) \
    static type (*original)(__VA_ARGS__); \
    if (!original) original = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

ssize_t write(int file, const void *bytes, size_t count) {
    ORIGINAL(ssize_t, write, int, const void *, size_t);
    if (fault() != NONE && is_concerned(file) && refuses(file, here(file) + (off_t)count)) return -1;
    return original(file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t place) {
    ORIGINAL(ssize_t, pwrite, int, const void *, size_t, off_t);
    return refuses(file, place + (off_t)count) ? -1 : original(file, bytes, count, place);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t place) {
    ORIGINAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    return refuses(file, place + (off_t)count) ? -1 : original(file, bytes, count, place);
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t place) {
    ORIGINAL(ssize_t, pwritev, int, const struct iovec *, int, off_t);
    return refuses(file, place + total(parts, count)) ? -1 : original(file, parts, count, place);
}

ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t place) {
    ORIGINAL(ssize_t, pwritev64, int, const struct iovec *, int, off64_t);
    return refuses(file, place + total(parts, count)) ? -1 : original(file, parts, count, place);
}

int ftruncate(int file, off_t size) {
    ORIGINAL(int, ftruncate, int, off_t);
    return refuses(file, size) ? -1 : original(file, size);
}

int ftruncate64(int file, off64_t size) {
    ORIGINAL(int, ftruncate64, int, off64_t);
    return refuses(file, size) ? -1 : original(file, size);
}

/* These two give the error, and do not set errno. */
int posix_fallocate(int file, off_t place, off_t count) {
    ORIGINAL(int, posix_fallocate, int, off_t, off_t);
    return refuses(file, place + count) ? errno : original(file, place, count);
}

int posix_fallocate64(int file, off64_t place, off64_t count) {
    ORIGINAL(int, posix_fallocate64, int, off64_t, off64_t);
    return refuses(file, place + count) ? errno : original(file, place, count);
}

static int refuses_to_open(const char *path, int flags) {
    if (!(flags & (O_WRONLY | O_RDWR | O_CREAT)) || fault() != READ_ONLY || !is_below(path)) return 0;
    errno = EROFS;
    return 1;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        ORIGINAL(int, name, const char *, int, ...); \
        va_list list; \
        va_start(list, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0; \
        va_end(list); \
        return refuses_to_open(path, flags) ? -1 : original(path, flags, mode); \
    }

OPEN(open)
OPEN(open64)
