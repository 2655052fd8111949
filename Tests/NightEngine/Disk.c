// Every call that changes files: counted, and refused or cut off where the night says so.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "Inside.h"

// Straight to the kernel: the C library's own names are the ones below.
static long kernel(long number, long a, long b, long c, long d, long e, long f) {
  static long (*real)(long, ...);
  if (!real) real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  return real(number, a, b, c, d, e, f);
}
#define KERNEL(number, a, b, c, d) \
  kernel(number, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

void night_write_plainly(int file, const char *bytes, size_t count) {
  while (count > 0) {
    long written = KERNEL(SYS_write, file, bytes, count, 0);
    if (written <= 0) return;
    bytes += written;
    count -= (size_t)written;
  }
}

typedef enum { GO, REFUSED, LAST } answer;

/// Whether an operation may be done; the last one of a life is done half where there is a half.
static answer ask(const char *kind, const char *path, long size, bool grows) {
  if (!night_lives() || !night_is_inside()) return GO;
  night->operations++;
  night_event(kind, night_bare(path), size);
  if (night->operations == night->kill_at) return LAST;
  if (grows && night->now < night->full_until) {
    night->refusals++;
    errno = ENOSPC;
    return REFUSED;
  }
  return GO;
}

/// For what is done whole or not at all.
static bool may(const char *kind, const char *path, long size, bool grows) {
  answer answer = ask(kind, path, size, grows);
  if (answer == LAST) night_die();
  return answer == GO;
}

static bool is_there(int folder, const char *path) {
  struct stat status;
  int kept = errno;
  bool is_there = fstatat(folder, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
  errno = kept;
  return is_there;
}

static bool may_open(int folder, const char *path, int flags) {
  if (!(flags & (O_CREAT | O_TRUNC))) return true;
  return may("open", path, flags, (flags & O_CREAT) && !is_there(folder, path));
}

/// The table of locks without those of other processes: what goes on beside a night is no part of it.
static int open_own_locks(void) {
  static char table[1 << 20];
  long file = KERNEL(SYS_openat, AT_FDCWD, "/proc/locks", O_RDONLY, 0), count = 0, part;
  if (file < 0) return -1;
  while ((part = KERNEL(SYS_read, file, table + count, sizeof table - 1 - count, 0)) > 0)
    count += part;
  KERNEL(SYS_close, file, 0, 0, 0);
  table[count] = 0;
  int own = (int)KERNEL(SYS_memfd_create, "locks", 0, 0, 0);
  long pid = KERNEL(SYS_getpid, 0, 0, 0, 0);
  for (char *line = strtok(table, "\n"); line && own >= 0; line = strtok(NULL, "\n")) {
    long holder = 0;
    // `1: FLOCK  ADVISORY  WRITE 1234 fe:00:131073 0 EOF`
    if (sscanf(line, "%*s %*s %*s %*s %ld", &holder) != 1 || holder != pid) continue;
    night_write_plainly(own, line, strlen(line));
    night_write_plainly(own, "\n", 1);
  }
  if (own >= 0) lseek(own, 0, SEEK_SET);
  return own;
}

static int open_at(int folder, const char *path, int flags, mode_t mode) {
  if (night_lives() && strcmp(path, "/proc/locks") == 0) return open_own_locks();
  if (!may_open(folder, path, flags)) return -1;
  return (int)KERNEL(SYS_openat, folder, path, flags, mode);
}

#define MODE(flags)                                             \
  mode_t mode = 0;                                              \
  if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) {  \
    va_list rest;                                               \
    va_start(rest, flags);                                      \
    mode = va_arg(rest, mode_t);                                \
    va_end(rest);                                               \
  }

int open(const char *path, int flags, ...) {
  MODE(flags)
  return open_at(AT_FDCWD, path, flags, mode);
}
int open64(const char *path, int flags, ...) {
  MODE(flags)
  return open_at(AT_FDCWD, path, flags, mode);
}
int openat(int folder, const char *path, int flags, ...) {
  MODE(flags)
  return open_at(folder, path, flags, mode);
}
int openat64(int folder, const char *path, int flags, ...) {
  MODE(flags)
  return open_at(folder, path, flags, mode);
}
int creat(const char *path, mode_t mode) {
  return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

static ssize_t write_at(int file, const void *bytes, size_t count, off_t offset, bool has_offset) {
  answer answer = file > 2 ? ask("write", "", (long)count, true) : GO;
  if (answer == REFUSED) return -1;
  // Torn: the kernel had taken a part of it.
  size_t part = answer == LAST ? count / 2 : count;
  long written = has_offset ? KERNEL(SYS_pwrite64, file, bytes, part, offset)
                            : KERNEL(SYS_write, file, bytes, part, 0);
  if (answer == LAST) night_die();
  return written;
}

ssize_t write(int file, const void *bytes, size_t count) {
  return write_at(file, bytes, count, 0, false);
}
ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
  return write_at(file, bytes, count, offset, true);
}
ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
  return write_at(file, bytes, count, offset, true);
}
ssize_t writev(int file, const struct iovec *parts, int count) {
  if (file > 2 && !may("writev", "", count, true)) return -1;
  return KERNEL(SYS_writev, file, parts, count, 0);
}

// Nothing here outlives the machine: what a loss of power does is tested elsewhere.
int fsync(int file) { return may("fsync", "", 0, false) ? (night_lives() ? 0 : (int)KERNEL(SYS_fsync, file, 0, 0, 0)) : -1; }
int fdatasync(int file) { return may("fdatasync", "", 0, false) ? (night_lives() ? 0 : (int)KERNEL(SYS_fdatasync, file, 0, 0, 0)) : -1; }

int ftruncate(int file, off_t size) {
  struct stat status;
  bool grows = fstat(file, &status) == 0 && status.st_size < size;
  if (!may("ftruncate", "", (long)size, grows)) return -1;
  return (int)KERNEL(SYS_ftruncate, file, size, 0, 0);
}
int ftruncate64(int file, off64_t size) { return ftruncate(file, size); }

static int rename_at(int from, const char *old, int to, const char *new, unsigned flags) {
  if (!may("rename", old, (long)flags, false) || !may("to", new, 0, false)) return -1;
  if (night && night->loses && night_is_inside() && strncmp(night_bare(old), "/queue/inbox/", 13) == 0 &&
      night_random() % 4 == 0)
    return (int)KERNEL(SYS_unlinkat, from, old, 0, 0);
  return (int)kernel(SYS_renameat2, from, (long)old, to, (long)new, flags, 0);
}
int rename(const char *old, const char *new) {
  return rename_at(AT_FDCWD, old, AT_FDCWD, new, 0);
}
int renameat(int from, const char *old, int to, const char *new) {
  return rename_at(from, old, to, new, 0);
}
int renameat2(int from, const char *old, int to, const char *new, unsigned flags) {
  return rename_at(from, old, to, new, flags);
}

int link(const char *old, const char *new) {
  if (!may("link", new, 0, true)) return -1;
  return (int)kernel(SYS_linkat, AT_FDCWD, (long)old, AT_FDCWD, (long)new, 0, 0);
}
int linkat(int from, const char *old, int to, const char *new, int flags) {
  if (!may("link", new, flags, true)) return -1;
  return (int)kernel(SYS_linkat, from, (long)old, to, (long)new, flags, 0);
}
int symlink(const char *target, const char *path) {
  if (!may("symlink", path, 0, true)) return -1;
  return (int)KERNEL(SYS_symlinkat, target, AT_FDCWD, path, 0);
}
int unlink(const char *path) {
  if (!may("unlink", path, 0, false)) return -1;
  return (int)KERNEL(SYS_unlinkat, AT_FDCWD, path, 0, 0);
}
int unlinkat(int folder, const char *path, int flags) {
  if (!may("unlink", path, flags, false)) return -1;
  return (int)KERNEL(SYS_unlinkat, folder, path, flags, 0);
}
int rmdir(const char *path) {
  if (!may("rmdir", path, 0, false)) return -1;
  return (int)KERNEL(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR, 0);
}
int mkdir(const char *path, mode_t mode) {
  if (!may("mkdir", path, (long)mode, !is_there(AT_FDCWD, path))) return -1;
  return (int)KERNEL(SYS_mkdirat, AT_FDCWD, path, mode, 0);
}
int mkdirat(int folder, const char *path, mode_t mode) {
  if (!may("mkdir", path, (long)mode, !is_there(folder, path))) return -1;
  return (int)KERNEL(SYS_mkdirat, folder, path, mode, 0);
}

/// Calls without a function of their own: openat2(2) and renameat2(2) change files.
long syscall(long number, ...) {
  va_list rest;
  va_start(rest, number);
  long a = va_arg(rest, long), b = va_arg(rest, long), c = va_arg(rest, long),
       d = va_arg(rest, long), e = va_arg(rest, long), f = va_arg(rest, long);
  va_end(rest);
  if (number == SYS_renameat2)
    return rename_at((int)a, (const char *)b, (int)c, (const char *)d, (unsigned)e);
  if (number == SYS_getrandom && night_lives()) return getrandom((void *)a, (size_t)b, (unsigned)c);
  if (number == SYS_openat2) {
    // The flags come first in struct open_how.
    int flags = (int)*(const uint64_t *)c;
    if (!may_open((int)a, (const char *)b, flags)) return -1;
  }
  return kernel(number, a, b, c, d, e, f);
}
