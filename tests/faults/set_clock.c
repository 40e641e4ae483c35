// Shows a program another wall time: as much more than the machine's as the file $SET_CLOCK says, nanoseconds, 8 bytes.
// For Linux, by LD_PRELOAD. Nothing else is touched: monotonic time, times of files, and all waits, which are by it. A library
// that replaces the waits as well has every thread queue up for it, so that a process of thirty does not get to start.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int (*real)(clockid_t, struct timespec *);
static const volatile int64_t *later_ns;

__attribute__((constructor)) static void begin(void) {
    real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("SET_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *at = mmap(NULL, sizeof *later_ns, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (at != MAP_FAILED) later_ns = at;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    if (!real) begin();
    int failed = real(clock, now);
    if (failed || !later_ns || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return failed;
    int64_t shown = (int64_t)now->tv_sec * 1000000000 + now->tv_nsec + *later_ns;
    now->tv_sec = shown / 1000000000;
    now->tv_nsec = shown % 1000000000;
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec shown;
    int failed = clock_gettime(CLOCK_REALTIME, &shown);
    now->tv_sec = shown.tv_sec;
    now->tv_usec = shown.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *at) {
    struct timespec shown;
    clock_gettime(CLOCK_REALTIME, &shown);
    if (at) *at = shown.tv_sec;
    return shown.tv_sec;
}
