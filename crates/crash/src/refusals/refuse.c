/*
 * Loaded into the server before its libraries: file calls below one folder, and the making of processes, fail as a file that is
 * mapped into memory says. The harness writes that file, so a fault begins and ends while the server runs.
 *
 * fsync is left alone: after one that fails the server ends, as it must (see fsync_error.rs). Reading is left alone but for the
 * opening of files. Children of the server start with an empty environment and know nothing of this.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* What the harness writes: error numbers, 0 for none; each `every`-th call fails. */
struct orders {
    volatile int writes;   /* what needs space or changes content: write, truncate, allocate */
    volatile int makes;    /* what makes a name: opening to create, mkdir, rename */
    volatile int removes;  /* unlink, rmdir */
    volatile int opens;    /* opening at all */
    volatile int forks;    /* new processes */
    volatile int every;    /* 1: all of them */
    volatile int refused;  /* counts what was refused */
};

#define DESCRIPTORS 65536

static struct orders *orders;
static const char *under;
static size_t under_length;
static int calls;
/* Descriptors of files below the folder. */
static volatile char ours[DESCRIPTORS];

__attribute__((constructor)) static void begin(void)
{
    const char *file = getenv("REFUSALS_FILE");
    under = getenv("REFUSALS_UNDER");
    if (!file || !under)
        return;
    under_length = strlen(under);
    int fd = open(file, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, sizeof(struct orders), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped != MAP_FAILED)
        orders = mapped;
}

static int is_below(const char *path)
{
    return orders && path && strncmp(path, under, under_length) == 0;
}

/* Whether this call fails; errno is set then. */
static int refuses(int error)
{
    if (!error)
        return 0;
    if (orders->every > 1 && __sync_add_and_fetch(&calls, 1) % orders->every)
        return 0;
    __sync_add_and_fetch(&orders->refused, 1);
    errno = error;
    return 1;
}

static int is_ours(int fd)
{
    return orders && fd >= 0 && fd < DESCRIPTORS && ours[fd];
}

static int refuses_open(const char *path, int flags)
{
    if (!is_below(path))
        return 0;
    if (refuses(orders->opens))
        return 1;
    if ((flags & O_CREAT) && refuses(orders->makes))
        return 1;
    return 0;
}

static int opened(const char *path, int fd)
{
    if (fd >= 0 && fd < DESCRIPTORS)
        ours[fd] = (char)is_below(path);
    return fd;
}

#define REAL(type, name, ...)                                      \
    static type (*real)(__VA_ARGS__);                              \
    if (!real)                                                     \
        real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

#define MODE(flags)                       \
    mode_t mode = 0;                      \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list list;                     \
        va_start(list, flags);            \
        mode = va_arg(list, mode_t);      \
        va_end(list);                     \
    }

int open(const char *path, int flags, ...)
{
    MODE(flags)
    REAL(int, open, const char *, int, ...);
    return refuses_open(path, flags) ? -1 : opened(path, real(path, flags, mode));
}

int open64(const char *path, int flags, ...)
{
    MODE(flags)
    REAL(int, open64, const char *, int, ...);
    return refuses_open(path, flags) ? -1 : opened(path, real(path, flags, mode));
}

int close(int fd)
{
    REAL(int, close, int);
    if (fd >= 0 && fd < DESCRIPTORS)
        ours[fd] = 0;
    return real(fd);
}

ssize_t write(int fd, const void *data, size_t size)
{
    REAL(ssize_t, write, int, const void *, size_t);
    return is_ours(fd) && refuses(orders->writes) ? -1 : real(fd, data, size);
}

ssize_t writev(int fd, const struct iovec *data, int count)
{
    REAL(ssize_t, writev, int, const struct iovec *, int);
    return is_ours(fd) && refuses(orders->writes) ? -1 : real(fd, data, count);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
    return is_ours(fd) && refuses(orders->writes) ? -1 : real(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    return is_ours(fd) && refuses(orders->writes) ? -1 : real(fd, data, size, at);
}

int ftruncate(int fd, off_t size)
{
    REAL(int, ftruncate, int, off_t);
    return is_ours(fd) && refuses(orders->writes) ? -1 : real(fd, size);
}

int ftruncate64(int fd, off64_t size)
{
    REAL(int, ftruncate64, int, off64_t);
    return is_ours(fd) && refuses(orders->writes) ? -1 : real(fd, size);
}

int fallocate(int fd, int how, off_t at, off_t size)
{
    REAL(int, fallocate, int, int, off_t, off_t);
    return is_ours(fd) && refuses(orders->writes) ? -1 : real(fd, how, at, size);
}

int posix_fallocate(int fd, off_t at, off_t size)
{
    REAL(int, posix_fallocate, int, off_t, off_t);
    return is_ours(fd) && refuses(orders->writes) ? errno : real(fd, at, size);
}

int mkdir(const char *path, mode_t mode)
{
    REAL(int, mkdir, const char *, mode_t);
    return is_below(path) && refuses(orders->makes) ? -1 : real(path, mode);
}

int rename(const char *from, const char *to)
{
    REAL(int, rename, const char *, const char *);
    return is_below(to) && refuses(orders->makes) ? -1 : real(from, to);
}

int link(const char *from, const char *to)
{
    REAL(int, link, const char *, const char *);
    return is_below(to) && refuses(orders->makes) ? -1 : real(from, to);
}

int unlink(const char *path)
{
    REAL(int, unlink, const char *);
    return is_below(path) && refuses(orders->removes) ? -1 : real(path);
}

int rmdir(const char *path)
{
    REAL(int, rmdir, const char *);
    return is_below(path) && refuses(orders->removes) ? -1 : real(path);
}

pid_t fork(void)
{
    REAL(pid_t, fork, void);
    return orders && refuses(orders->forks) ? -1 : real();
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                char *const arguments[], char *const environment[])
{
    REAL(int, posix_spawn, pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
         char *const[], char *const[]);
    return orders && refuses(orders->forks) ? errno : real(pid, path, actions, attributes, arguments, environment);
}

int posix_spawnp(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                 char *const arguments[], char *const environment[])
{
    REAL(int, posix_spawnp, pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
         char *const[], char *const[]);
    return orders && refuses(orders->forks) ? errno : real(pid, path, actions, attributes, arguments, environment);
}
