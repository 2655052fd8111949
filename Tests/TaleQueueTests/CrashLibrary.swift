import Glibc
import SystemPackage
import TestSupport

/// A library for LD_PRELOAD that counts every call by which a process changes something below a
/// folder, writes each down, and kills the process right before the n-th.
///
/// Before step n is after step n - 1, so n = 1, 2, ... until the process comes to its end visits
/// every state that a kill can leave. The process starts once: at its first look at the folder it
/// waits to be told the next n, and a fork of it goes on from there.
final class CrashLibrary {
  private let folder: TemporaryFolder
  private let control: FileDescriptor
  private let answers: FileDescriptor
  private let arguments: [String]
  private let root: FilePath
  private var program: Program?

  struct CannotBuild: Error { let why: String }
  struct NoAnswer: Error { let output: String }

  /// What became of a run.
  struct Run {
    /// The exit code, or minus the signal.
    let code: Int32
    /// The steps that it took: operation, path and target with tabs between them.
    let steps: [Substring]
    var wasKilled: Bool { code == -SIGKILL }
  }

  init(_ arguments: [String], below root: FilePath) throws {
    folder = try TemporaryFolder()
    try folder.write(Self.source, to: "crash.c")
    let library = folder("crash.so").string
    let end = try Program.run(
      "cc", ["-shared", "-fPIC", "-O1", "-o", library, folder("crash.c").string, "-ldl"])
    guard end.succeeded else { throw CannotBuild(why: end.output) }
    for name in ["control", "answers"] { try Program.run("mkfifo", [folder(name).string]) }
    // Open for both on this side, so that neither open nor write waits for the other.
    control = try .open(folder("control"), .readWrite)
    answers = try .open(folder("answers"), .readWrite)
    self.arguments = arguments
    self.root = root
  }

  deinit {
    program?.kill()
    try? control.close()
    try? answers.close()
  }

  /// - Parameters:
  ///   - step: before which it is killed; nil: never.
  ///   - torn: with true it is killed in the middle of that step where the step is a write.
  func run(killedBefore step: Int?, torn: Bool = false) throws -> Run {
    if program == nil { program = try start() }
    let order = "\(step ?? 0) \(torn ? 1 : 0)\n"
    _ = try control.writeAll(order.utf8)
    var poll = pollfd(fd: answers.rawValue, events: Int16(POLLIN), revents: 0)
    guard Glibc.poll(&poll, 1, 60_000) == 1 else { throw NoAnswer(output: program?.output ?? "") }
    var status: Int32 = 0
    _ = try withUnsafeMutableBytes(of: &status) { try answers.read(into: $0) }
    let signal = status & 0x7f
    let steps = try text(folder("steps")).split(separator: "\n")
    return Run(code: signal == 0 ? (status >> 8) & 0xff : -signal, steps: steps)
  }

  /// Only when the folder is there to be looked at.
  private func start() throws -> Program {
    try Program.start(
      try Program.built("QueueStandIn"), arguments,
      environment: [
        "LD_PRELOAD": folder("crash.so").string, "CRASH_ROOT": root.string,
        "CRASH_DIR": folder.path.string,
      ])
  }

  private static let source = #"""
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <fcntl.h>
    #include <limits.h>
    #include <linux/openat2.h>
    #include <signal.h>
    #include <stdarg.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/prctl.h>
    #include <sys/stat.h>
    #include <sys/syscall.h>
    #include <sys/types.h>
    #include <sys/wait.h>
    #include <unistd.h>

    static long (*next_syscall)(long, ...);
    /* Other libraries' constructors may open files before ours has run. */
    #define raw (next_syscall ?: (next_syscall = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall")))
    static const char *root;
    static int log_file = -1;
    static long kill_at, count;
    static int torn;

    /* Forks once for each order of the test; only the forks return. */
    static void serve(void) {
      char path[PATH_MAX];
      static int control = -1, answers;
      if (control >= 0) return;
      snprintf(path, sizeof path, "%s/control", getenv("CRASH_DIR"));
      control = (int)raw(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
      snprintf(path, sizeof path, "%s/answers", getenv("CRASH_DIR"));
      answers = (int)raw(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
      snprintf(path, sizeof path, "%s/steps", getenv("CRASH_DIR"));
      char order[64];
      int size = 0;
      while (raw(SYS_read, control, order + size, 1) == 1) {
        if (order[size] != '\n') { size++; continue; }
        order[size] = 0;
        size = 0;
        pid_t child = fork();
        if (!child) {
          /* One that hangs goes with the test that gave it up. */
          prctl(PR_SET_PDEATHSIG, SIGKILL);
          sscanf(order, "%ld %d", &kill_at, &torn);
          log_file = (int)raw(SYS_openat, AT_FDCWD, path,
                              O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
          return;
        }
        int status = -1;
        waitpid(child, &status, 0);
        raw(SYS_write, answers, &status, sizeof status);
      }
      _exit(0);
    }

    static int concerns(const char *path) {
      if (!root) root = getenv("CRASH_ROOT") ?: "/nowhere";
      if (!path || strncmp(path, root, strlen(root))) return 0;
      serve();
      return 1;
    }

    static void path_of(int file, char *path) {
      char link[64];
      snprintf(link, sizeof link, "/proc/self/fd/%d", file);
      long length = raw(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
      path[length > 0 ? length : 0] = 0;
    }

    static void absolute(int folder, const char *name, char *path) {
      if (name[0] == '/' || folder == AT_FDCWD) {
        snprintf(path, PATH_MAX, "%s", name);
      } else {
        char base[PATH_MAX];
        path_of(folder, base);
        snprintf(path, PATH_MAX, "%.2000s/%.2000s", base, name);
      }
    }

    /* Counts a step, and kills before it when it is its turn. A write may be torn instead. */
    static int step(const char *what, const char *path, const char *target) {
      if (!concerns(path) && !concerns(target)) return 0;
      int is_last = __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST) == kill_at;
      if (is_last && torn && !strcmp(what, "write")) return 1;
      if (is_last) {
        raw(SYS_kill, getpid(), SIGKILL);
        for (;;) pause();
      }
      char line[3 * PATH_MAX];
      int length = snprintf(line, sizeof line, "%s\t%s\t%s\n", what, path, target ? target : "");
      raw(SYS_write, log_file, line, length);
      return 0;
    }

    #define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

    static void opening(int folder, const char *name, int flags) {
      char path[PATH_MAX];
      if (!(flags & (O_CREAT | O_TRUNC))) return;
      absolute(folder, name, path);
      struct stat there;
      int is_new = raw(SYS_newfstatat, AT_FDCWD, path, &there, AT_SYMLINK_NOFOLLOW) != 0;
      if (is_new || (flags & O_TRUNC)) step(is_new ? "create" : "empty", path, NULL);
    }

    #define MODE(flags) \
      mode_t mode = 0; \
      if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); \
      }

    int open(const char *path, int flags, ...) {
      MODE(flags)
      opening(AT_FDCWD, path, flags);
      return (int)raw(SYS_openat, AT_FDCWD, path, flags, mode);
    }
    int open64(const char *path, int flags, ...) {
      MODE(flags)
      opening(AT_FDCWD, path, flags);
      return (int)raw(SYS_openat, AT_FDCWD, path, flags, mode);
    }
    int openat(int folder, const char *path, int flags, ...) {
      MODE(flags)
      opening(folder, path, flags);
      return (int)raw(SYS_openat, folder, path, flags, mode);
    }
    ssize_t write(int file, const void *bytes, size_t size) {
      char path[PATH_MAX];
      path_of(file, path);
      if (step("write", path, NULL)) {
        raw(SYS_write, file, bytes, size / 2);
        raw(SYS_kill, getpid(), SIGKILL);
        for (;;) pause();
      }
      return raw(SYS_write, file, bytes, size);
    }
    int fsync(int file) {
      char path[PATH_MAX];
      path_of(file, path);
      step("sync", path, NULL);
      return NEXT(fsync)(file);
    }
    int ftruncate(int file, off_t size) {
      char path[PATH_MAX];
      path_of(file, path);
      step("cut", path, NULL);
      return NEXT(ftruncate)(file, size);
    }
    int mkdir(const char *path, mode_t mode) {
      struct stat there;
      concerns(path);
      if (raw(SYS_newfstatat, AT_FDCWD, path, &there, AT_SYMLINK_NOFOLLOW)) step("mkdir", path, NULL);
      return NEXT(mkdir)(path, mode);
    }
    int rename(const char *from, const char *to) {
      step("rename", from, to);
      return NEXT(rename)(from, to);
    }
    int unlink(const char *path) {
      struct stat there;
      if (!raw(SYS_newfstatat, AT_FDCWD, path, &there, AT_SYMLINK_NOFOLLOW)) step("unlink", path, NULL);
      return NEXT(unlink)(path);
    }
    int unlinkat(int folder, const char *name, int flags) {
      char path[PATH_MAX];
      absolute(folder, name, path);
      step("unlink", path, NULL);
      return NEXT(unlinkat)(folder, name, flags);
    }
    int rmdir(const char *path) {
      step("unlink", path, NULL);
      return NEXT(rmdir)(path);
    }
    long syscall(long number, ...) {
      long a[6];
      va_list rest;
      va_start(rest, number);
      for (int i = 0; i < 6; i++) a[i] = va_arg(rest, long);
      va_end(rest);
      if (number == SYS_renameat2) {
        char from[PATH_MAX], to[PATH_MAX];
        absolute((int)a[0], (const char *)a[1], from);
        absolute((int)a[2], (const char *)a[3], to);
        step("rename", from, to);
      } else if (number == SYS_openat2) {
        opening((int)a[0], (const char *)a[1], (int)((struct open_how *)a[2])->flags);
      }
      return raw(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
    """#
}
