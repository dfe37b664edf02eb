/*
 * A machine that is not as it should be, for the end-to-end tests, put before the system's with LD_PRELOAD.
 *
 * HUB_TEST_CLOCK: a file of two int64 in this machine's order: milliseconds that the wall clock and the
 * steady clock are ahead of the real ones; the test changes them while the program runs. HUB_TEST_CUT: at the
 * n-th change of a file system the program is killed before it is done. HUB_TEST_DISK_MS: how long a slow
 * disk takes to bring a file to the platter.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ---------------------------------------------------------------- clocks */

static const volatile int64_t *ahead; /* [0] wall, [1] steady */

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("HUB_TEST_CLOCK");
    int file = path == NULL ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    void *memory = mmap(NULL, 2 * sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    ahead = memory == MAP_FAILED ? NULL : memory;
    close(file);
}

int clock_gettime(clockid_t id, struct timespec *out)
{
    int result = (int)syscall(SYS_clock_gettime, id, out);
    bool wall = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE;
    bool steady = id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE || id == CLOCK_BOOTTIME;
    if (result == 0 && ahead != NULL && (wall || steady)) {
        int64_t time = (int64_t)out->tv_sec * 1000000000 + out->tv_nsec + ahead[wall ? 0 : 1] * 1000000;
        out->tv_sec = (time_t)(time / 1000000000);
        out->tv_nsec = (long)(time % 1000000000);
    }
    return result;
}

/* ---------------------------------------------------------------- cuts */

static void change(void)
{
    static _Atomic long count;
    static _Atomic long cut = -1;
    if (cut < 0) {
        const char *text = getenv("HUB_TEST_CUT");
        cut = text == NULL ? 0 : atol(text);
    }
    if (cut > 0 && atomic_fetch_add(&count, 1) + 1 == cut)
        kill(getpid(), SIGKILL);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int open_file(const char *name, const char *path, int flags, mode_t mode)
{
    if ((flags & O_CREAT) != 0)
        change();
    return ((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name))(path, flags, mode);
}

#define OPEN(name)                                                                                           \
    int name(const char *path, int flags, ...)                                                               \
    {                                                                                                        \
        va_list more;                                                                                        \
        va_start(more, flags);                                                                               \
        mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;                                     \
        va_end(more);                                                                                        \
        return open_file(#name, path, flags, mode);                                                          \
    }
OPEN(open)
OPEN(open64)

#define WRITE(name)                                                                                          \
    ssize_t name(int file, const void *data, size_t size, off_t at)                                          \
    {                                                                                                        \
        change();                                                                                            \
        return NEXT(name)(file, data, size, at);                                                             \
    }
WRITE(pwrite)
WRITE(pwrite64)

ssize_t write(int file, const void *data, size_t size)
{
    if (file != STDERR_FILENO)
        change();
    return NEXT(write)(file, data, size);
}

static void take_long(void)
{
    const char *text = getenv("HUB_TEST_DISK_MS");
    if (text != NULL)
        poll(NULL, 0, atoi(text));
}

#define SYNC(name)                                                                                           \
    int name(int file)                                                                                       \
    {                                                                                                        \
        change();                                                                                            \
        take_long();                                                                                         \
        return NEXT(name)(file);                                                                             \
    }
SYNC(fsync)
SYNC(fdatasync)

int rename(const char *from, const char *to)
{
    change();
    return NEXT(rename)(from, to);
}

int unlink(const char *path)
{
    change();
    return NEXT(unlink)(path);
}

int mkdir(const char *path, mode_t mode)
{
    change();
    return NEXT(mkdir)(path, mode);
}

int ftruncate(int file, off_t size)
{
    change();
    return NEXT(ftruncate)(file, size);
}

int fchmod(int file, mode_t mode)
{
    change();
    return NEXT(fchmod)(file, mode);
}
