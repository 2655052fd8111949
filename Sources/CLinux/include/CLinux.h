#pragma once
// What Swift cannot import from the C library: variadic calls, and system calls without a wrapper.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/// open(2) with a mode; -1 and errno on failure.
static inline int tale_open(const char *path, int flags, mode_t mode) {
  return open(path, flags, mode);
}

/// openat(2) with a mode; -1 and errno on failure.
static inline int tale_openat(int directory, const char *path, int flags, mode_t mode) {
  return openat(directory, path, flags, mode);
}

/// openat2(2): opens `path` beneath `directory`, never through a link of any kind
/// and never above it. -1 and errno on failure (ELOOP: a link; EXDEV: outside).
static inline int tale_open_beneath(int directory, const char *path, int flags, mode_t mode) {
  struct open_how how = {0};
  how.flags = (uint64_t)flags;
  // A mode without a file to make is EINVAL; O_TMPFILE holds the bit of O_DIRECTORY.
  how.mode = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

/// fcntl(F_SETLEASE): takes (F_RDLCK) or gives back (F_UNLCK) a lease. A writer that opens the file
/// meanwhile sends SIGURG, which nobody notices, instead of SIGIO, which ends the process.
int tale_set_lease(int descriptor, int type);

/// renameat2(2) with RENAME_NOREPLACE: fails with EEXIST instead of replacing.
static inline int tale_rename_noreplace(const char *from, const char *to) {
  return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 1u);
}

/// renameat2(2) with RENAME_EXCHANGE: both names are there before and after.
static inline int tale_rename_exchange(const char *one, const char *other) {
  return (int)syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, 2u);
}

/// Names the calling thread for debuggers; the kernel keeps 15 bytes.
static inline void tale_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

/// Starts a program that outlives its parent: a session of its own, no inherited descriptor,
/// standard input from `input` (below 0: /dev/null), output and errors to `log`, default signal actions, nothing
/// blocked. 0, or the number of the error.
int tale_spawn_detached(char *const arguments[], const char *folder, int input, int log,
                        pid_t *pid);

/// pidfd_open(2): a handle that means this process for ever. -1 and errno on failure.
static inline int tale_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0u); }

/// pidfd_send_signal(2). -1 and errno on failure.
static inline int tale_pidfd_send(int process, int number) {
  return (int)syscall(SYS_pidfd_send_signal, process, number, NULL, 0u);
}

/// pipe2(2) with O_CLOEXEC: reading end, writing end. -1 and errno on failure.
static inline int tale_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

/// Columns that a terminal gives a code point (wcwidth(3)); -1 for what it cannot show. The
/// character type of the locale must be UTF-8.
int tale_columns(unsigned int scalar);
