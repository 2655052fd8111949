/* A library for LD_PRELOAD that numbers every call by which a process changes or syncs files below
   a folder, in one order over all of its threads, and can record each, kill the process at one, or
   let one fail.

   Environment (the variables are taken out of it, so that children run without):
     TORTURE_ROOT    the folder, without links in its path; calls elsewhere pass untouched
     TORTURE_RECORD  a file for one JSON line per call (see below); the bytes that were written go to
                     FILE.data, the stacks of the call sites to FILE.sites
     TORTURE_READS   with 1, opens for reading, reads and listings are recorded too
     TORTURE_KILL    CALL[:before|half|after]: SIGKILL right before the call (default), after half of
                     the bytes of a write (other calls: before), or right after it
     TORTURE_FAIL    CALL:ERROR[:once|stay]: the call fails with ENOSPC, EIO, EDQUOT, EMFILE or ENOMEM.
                     With stay every later call fails too that can give this error, as on a disk that
                     stays full; there a write writes half of its bytes first, as on a disk that fills
     TORTURE_WHILE   a file: stay ends when it is gone
     TORTURE_REPORT  a file for the line of the call at which a fault struck, with "fault" in it
   CALL is a number n of the calls that change or sync, r and a number of those that read, or SITE@k,
   the k-th call from a call site.

   A record has: n (or r), op, path, target (of a rename, link or symlink), ino ("device:inode" of the
   file, after the call; of a removed one, before), offset and length (of written bytes; length alone
   is a new size), flags, result, errno, data (where the bytes stand in FILE.data), site, pid, tid.
   Paths are absolute; a byte that is no UTF-8 is \udcXX, as Python's surrogateescape reads it. Stores
   into a shared mapping are no calls: when such a file is synced, unmapped or closed, what the mapping
   holds is recorded as op "mapped", with the n of the call before it.

   Not counted: calls that change nothing, such as a mkdir of what is there; what a process does from
   a fork before it becomes another program. Writes of stdio are made inside the C library and are not
   seen; the driver holds the counts against strace to notice such. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>
#include <unwind.h>
#include <utime.h>

/* Found at the first use: other libraries' constructors may open files before ours has run. */
static long (*system_call(void))(long, ...) {
  static long (*next)(long, ...);
  if (!next) next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  return next;
}
#define raw system_call()

enum { PATH_SIZE = PATH_MAX + 64, MAX_FRAMES = 48, MAX_MAPPINGS = 512, MAX_SITES = 1 << 14 };
enum variant { BEFORE, HALF, AFTER };

/* Which call a fault is meant for. */
struct aim {
  int is_set;
  char counter; /* 'n', 'r', or '@' for a site */
  long number;
  uint64_t site;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread int is_inside;
static int is_ready, is_idle, wants_sites;
static pid_t home;
static const char *root;
static size_t root_length;
static int record_file = -1, data_file = -1, sites_file = -1, report_file = -1;
static int with_reads;
static long data_length, changes, reads;
static struct aim kill_aim, fail_aim;
static enum variant kill_variant;
static int fail_error, fail_stays, has_failed;
static const char *while_path;
static struct { uint64_t site; long count; } sites[MAX_SITES];
static struct { char *start; size_t length; off_t offset; dev_t device; ino_t inode; char *path; }
  mappings[MAX_MAPPINGS];

/* ---- Settings ---- */

static const struct { const char *name; int value; } errors[] = {
  {"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EDQUOT", EDQUOT}, {"EMFILE", EMFILE}, {"ENOMEM", ENOMEM}};

static void refuse(const char *why) {
  raw(SYS_write, 2, "faults.c: ", 10);
  raw(SYS_write, 2, why, strlen(why));
  raw(SYS_write, 2, "\n", 1);
  raw(SYS_exit_group, 121);
}

/* Reads a CALL; what follows it, behind its colon, or NULL. */
static char *read_aim(struct aim *aim, char *text) {
  char *rest = strchr(text, ':'), *at = strchr(text, '@');
  if (rest) *rest++ = 0;
  aim->is_set = 1;
  if (at) {
    aim->counter = '@';
    aim->site = strtoull(text, NULL, 16);
    aim->number = atol(at + 1);
    wants_sites = 1;
  } else {
    aim->counter = *text == 'r' ? 'r' : 'n';
    aim->number = atol(text + (*text == 'r'));
  }
  if (aim->number < 1) refuse("a CALL is a number from 1 on, rNUMBER or SITE@NUMBER");
  return rest;
}

static char *take_variable(const char *name) {
  char *value = getenv(name);
  if (!value) return NULL;
  value = strdup(value);
  unsetenv(name);
  return value;
}

static int open_output(const char *path, const char *ending) {
  char whole[PATH_SIZE];
  snprintf(whole, sizeof whole, "%s%s", path, ending);
  int file = (int)raw(SYS_openat, AT_FDCWD, whole, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC,
                      0600);
  if (file < 0) refuse("an output file cannot be made");
  /* Out of the way: programs may expect the lowest numbers. */
  int high = (int)raw(SYS_fcntl, file, F_DUPFD_CLOEXEC, 500);
  if (high < 0) return file;
  raw(SYS_close, file);
  return high;
}

__attribute__((constructor)) static void begin(void) {
  if (is_ready) return;
  is_ready = 1;
  home = getpid();
  unsetenv("LD_PRELOAD");
  root = take_variable("TORTURE_ROOT");
  if (!root) {
    is_idle = 1;
    return;
  }
  root_length = strlen(root);
  char *record = take_variable("TORTURE_RECORD"), *report = take_variable("TORTURE_REPORT");
  char *to_kill = take_variable("TORTURE_KILL"), *to_fail = take_variable("TORTURE_FAIL");
  char *reading = take_variable("TORTURE_READS");
  with_reads = reading && *reading == '1';
  while_path = take_variable("TORTURE_WHILE");
  if (record) {
    record_file = open_output(record, "");
    data_file = open_output(record, ".data");
    sites_file = open_output(record, ".sites");
    wants_sites = 1;
  }
  if (report) {
    report_file = open_output(report, "");
    wants_sites = 1;
  }
  if (to_kill) {
    char *variant = read_aim(&kill_aim, to_kill);
    if (variant && !strcmp(variant, "half")) kill_variant = HALF;
    else if (variant && !strcmp(variant, "after")) kill_variant = AFTER;
    else if (variant && strcmp(variant, "before")) refuse("TORTURE_KILL: before, half or after");
  }
  if (to_fail) {
    char *name = read_aim(&fail_aim, to_fail);
    char *mode = name ? strchr(name, ':') : NULL;
    if (mode) *mode++ = 0;
    for (size_t i = 0; name && i < sizeof errors / sizeof *errors; i++)
      if (!strcmp(name, errors[i].name)) fail_error = errors[i].value;
    if (!fail_error) refuse("TORTURE_FAIL: ENOSPC, EIO, EDQUOT, EMFILE or ENOMEM");
    fail_stays = mode && !strcmp(mode, "stay");
  }
}

/* ---- Call sites ---- */

struct stack { int count; uint64_t hash; uintptr_t frames[MAX_FRAMES]; };

static const char *module_of(uintptr_t address, uintptr_t *base) {
  struct dl_find_object found;
  if (_dl_find_object((void *)address, &found)) return NULL;
  const char *name = found.dlfo_link_map->l_name;
  *base = found.dlfo_link_map->l_addr;
  if (!name || !*name) return "main";
  const char *slash = strrchr(name, '/');
  return slash ? slash + 1 : name;
}

static _Unwind_Reason_Code one_frame(struct _Unwind_Context *context, void *argument) {
  struct stack *stack = argument;
  uintptr_t address = _Unwind_GetIP(context), base = 0, own = 0;
  if (!address || stack->count == MAX_FRAMES) return _URC_END_OF_STACK;
  const char *module = module_of(address, &base);
  if (!module) return _URC_END_OF_STACK;
  /* From here outwards it is whatever thread the work was put on: that differs from run to run. */
  if (strstr(module, "swift_Concurrency") || strstr(module, "libdispatch")) return _URC_END_OF_STACK;
  if (!strcmp(module, module_of((uintptr_t)begin, &own))) return _URC_NO_REASON;
  for (const char *c = module; *c; c++) stack->hash = (stack->hash ^ (unsigned char)*c) * 1099511628211u;
  stack->hash = (stack->hash ^ (address - base)) * 1099511628211u;
  stack->frames[stack->count++] = address;
  return _URC_NO_REASON;
}

/* The same call from the same functions has the same hash in every run of the same program. */
static uint64_t site_of(const char *op, long *occurrence) {
  struct stack stack = {0, 14695981039346656037u, {0}};
  for (const char *c = op; *c; c++) stack.hash = (stack.hash ^ (unsigned char)*c) * 1099511628211u;
  _Unwind_Backtrace(one_frame, &stack);
  size_t slot = stack.hash % MAX_SITES;
  while (sites[slot].count && sites[slot].site != stack.hash) slot = (slot + 1) % MAX_SITES;
  sites[slot].site = stack.hash;
  *occurrence = ++sites[slot].count;
  if (*occurrence == 1 && sites_file >= 0) {
    char line[MAX_FRAMES * 80 + 64];
    int length = snprintf(line, sizeof line, "%016lx %s", stack.hash, op);
    for (int i = 0; i < stack.count; i++) {
      uintptr_t base = 0;
      const char *module = module_of(stack.frames[i], &base);
      length += snprintf(line + length, 80, " %.50s+0x%lx", module, stack.frames[i] - base);
    }
    line[length++] = '\n';
    raw(SYS_write, sites_file, line, length);
  }
  return stack.hash;
}

/* ---- Paths ---- */

/* Without empty parts and dots; links and .. are left, for nothing here uses them. */
static void tidy(char *path) {
  char *to = path;
  for (const char *from = path; *from;) {
    if (from[0] == '/' && (from[1] == '/' || (from[1] == '.' && (from[2] == '/' || !from[2])))) {
      from += from[1] == '/' ? 1 : 2;
      continue;
    }
    *to++ = *from++;
  }
  if (to > path + 1 && to[-1] == '/') to--;
  *to = 0;
}

static int path_of(int file, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  long length = raw(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
  path[length > 0 ? length : 0] = 0;
  static const char deleted[] = " (deleted)";
  size_t end = sizeof deleted - 1;
  if (length > (long)end && !strcmp(path + length - end, deleted)) {
    struct stat status;
    if (!raw(SYS_newfstatat, file, "", &status, AT_EMPTY_PATH) && !status.st_nlink)
      path[length - end] = 0;
  }
  return length > 0;
}

static void absolute(int folder, const char *name, char *path) {
  if (!name) name = "";
  if (name[0] == '/') {
    snprintf(path, PATH_SIZE, "%.*s", PATH_MAX, name);
  } else {
    char base[PATH_SIZE] = "";
    if (folder == AT_FDCWD) raw(SYS_getcwd, base, (long)PATH_MAX);
    else path_of(folder, base);
    size_t length = strlen(base);
    snprintf(path, PATH_SIZE, "%s", base);
    snprintf(path + length, PATH_SIZE - length, "%s%.*s", *name ? "/" : "", PATH_MAX - 256, name);
  }
  int number;
  if (sscanf(path, "/proc/self/fd/%d", &number) == 1) path_of(number, path);
  tidy(path);
}

static int is_below(const char *path) {
  return !strncmp(path, root, root_length) && (path[root_length] == '/' || !path[root_length]);
}

static int status_at(int folder, const char *name, struct stat *status) {
  return raw(SYS_newfstatat, folder, name, status, AT_SYMLINK_NOFOLLOW) == 0;
}

static int is_there(int folder, const char *name) {
  struct stat status;
  return status_at(folder, name, &status);
}

/* Whether calls of this thread are looked at now. */
static int watches(void) {
  if (!is_ready) begin();
  /* A fork that has not become another program yet may find the lock held for ever. */
  return !is_idle && !is_inside && getpid() == home;
}

static int watches_file(int file, char *path) {
  return watches() && file >= 0 && path_of(file, path) && is_below(path);
}

/* ---- Records ---- */

struct call {
  const char *op;
  const char *path, *target;
  int is_reading;
  int can_fail[5];       /* of `errors`, which may be given here */
  struct stat status;    /* of the file, for `ino` */
  int has_status;
  long offset, length, flags;
  const void *bytes;     /* what was written, for the side file */
  const struct iovec *parts;
  int part_count;
  long n, r, occurrence, result;
  int error;
  uint64_t site;
  const char *fault;
  long data;
};

/* Bits of `can_fail`, in the order of `errors`. */
#define CREATING {1, 1, 1, 1, 1}
#define OPENING {0, 1, 0, 1, 1}
#define WRITING {1, 1, 1, 0, 0}
#define NAMING {1, 1, 1, 0, 1}
#define REMOVING {0, 1, 0, 0, 1}
#define READING {0, 1, 0, 0, 0}
#define MAPPING {0, 0, 0, 0, 1}

static char *escaped(char *to, const char *from) {
  const unsigned char *c = (const unsigned char *)from;
  while (*c) {
    int more = *c < 0x80 ? 0 : *c >= 0xc2 && *c < 0xe0 ? 1 : *c >= 0xe0 && *c < 0xf0 ? 2
             : *c >= 0xf0 && *c < 0xf5 ? 3 : -1;
    for (int i = 1; i <= more; i++) if ((c[i] & 0xc0) != 0x80) more = -1;
    if (*c < 0x20 || *c == '"' || *c == '\\' || *c == 0x7f) to += sprintf(to, "\\u%04x", *c++);
    else if (more < 0) to += sprintf(to, "\\udc%02x", *c++);
    else for (int i = 0; i <= more; i++) *to++ = *c++;
  }
  *to = 0;
  return to;
}

static void describe(const struct call *call, int file) {
  static char line[8 * PATH_MAX * 2 + 1024];
  char *to = line;
  to += sprintf(to, call->is_reading ? "{\"r\":%ld" : "{\"n\":%ld", call->is_reading ? call->r : call->n);
  to += sprintf(to, ",\"op\":\"%s\",\"path\":\"", call->op);
  to = escaped(to, call->path);
  if (call->target) to = escaped(to + sprintf(to, "\",\"target\":\""), call->target);
  to += sprintf(to, "\"");
  if (call->has_status)
    to += sprintf(to, ",\"ino\":\"%lx:%lu\"", (long)call->status.st_dev, (long)call->status.st_ino);
  if (call->offset >= 0) to += sprintf(to, ",\"offset\":%ld", call->offset);
  if (call->length >= 0) to += sprintf(to, ",\"length\":%ld", call->length);
  to += sprintf(to, ",\"flags\":%ld,\"result\":%ld,\"errno\":%d", call->flags, call->result, call->error);
  if (call->data >= 0) to += sprintf(to, ",\"data\":%ld", call->data);
  if (call->fault) to += sprintf(to, ",\"fault\":\"%s\"", call->fault);
  to += sprintf(to, ",\"site\":\"%016lx\",\"at\":%ld,\"pid\":%d,\"tid\":%ld}\n", call->site,
                call->occurrence, home, raw(SYS_gettid));
  raw(SYS_write, file, line, to - line);
}

static void keep_bytes(struct call *call, long length) {
  if (data_file < 0 || length <= 0) return;
  call->data = data_length;
  if (call->parts) {
    long left = length;
    for (int i = 0; i < call->part_count && left > 0; i++) {
      long size = (long)call->parts[i].iov_len < left ? (long)call->parts[i].iov_len : left;
      raw(SYS_write, data_file, call->parts[i].iov_base, size);
      left -= size;
    }
  } else {
    raw(SYS_write, data_file, call->bytes, length);
  }
  data_length += length;
}

/* What a shared mapping of this file holds now. */
static void record_mapping(int slot) {
  if (record_file < 0) return;
  struct call call = {.op = "mapped", .path = mappings[slot].path, .n = changes, .has_status = 1};
  /* Not opened: closing any descriptor of a file would give up SQLite's locks on it. */
  if (!status_at(AT_FDCWD, call.path, &call.status) || call.status.st_ino != mappings[slot].inode) {
    call.has_status = 0;
    return;
  }
  call.offset = mappings[slot].offset;
  call.length = (long)mappings[slot].length;
  if (call.offset + call.length > call.status.st_size) call.length = call.status.st_size - call.offset;
  if (call.length <= 0) return;
  call.bytes = mappings[slot].start;
  call.result = call.length;
  call.data = -1;
  keep_bytes(&call, call.length);
  describe(&call, record_file);
}

static void record_mappings_of(int file) {
  struct stat status;
  if (record_file < 0 || raw(SYS_newfstatat, file, "", &status, AT_EMPTY_PATH)) return;
  for (int i = 0; i < MAX_MAPPINGS; i++)
    if (mappings[i].start && mappings[i].device == status.st_dev && mappings[i].inode == status.st_ino)
      record_mapping(i);
}

/* ---- Faults ---- */

static void die(struct call *call, const char *how) {
  call->fault = how;
  if (report_file >= 0) describe(call, report_file);
  raw(SYS_kill, home, SIGKILL);
  for (;;) pause();
}

static int is_meant(const struct aim *aim, const struct call *call) {
  if (!aim->is_set) return 0;
  switch (aim->counter) {
    case 'n': return !call->is_reading && call->n == aim->number;
    case 'r': return call->is_reading && call->r == aim->number;
    default: return call->site == aim->site && call->occurrence == aim->number;
  }
}

static int may_give(const struct call *call, int error) {
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    if (errors[i].value == error) return call->can_fail[i];
  return 0;
}

enum verdict { GOES, FAILS, HALVED };

/* Counts a call and says what is to become of it. The lock is held from here to `after`. */
static enum verdict before(struct call *call) {
  is_inside = 1;
  pthread_mutex_lock(&lock);
  call->data = -1;
  if (call->is_reading) call->r = ++reads; else call->n = ++changes;
  if (wants_sites) call->site = site_of(call->op, &call->occurrence);
  if (is_meant(&kill_aim, call) && kill_variant != AFTER) {
    if (kill_variant == HALF && call->length > 1 && (call->bytes || call->parts)) return HALVED;
    die(call, "kill before");
  }
  if (!fail_aim.is_set) return GOES;
  int strikes = is_meant(&fail_aim, call);
  if (has_failed && fail_stays && may_give(call, fail_error))
    strikes = !while_path || is_there(AT_FDCWD, while_path);
  if (!strikes) return GOES;
  call->error = fail_error;
  call->result = -1;
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    if (errors[i].value == fail_error) call->fault = errors[i].name;
  int is_first = !has_failed;
  has_failed = 1;
  if (is_first && report_file >= 0) describe(call, report_file);
  if (is_first && fail_stays && call->length > 1 && (call->bytes || call->parts)) return HALVED;
  return FAILS;
}

/* Writes the call down. `result` is the kernel's, with errno set. */
static long after(struct call *call, long result) {
  int error = result == -1 ? errno : 0;
  if (call->fault && call->result == -1 && result == -1) error = call->error;
  call->result = result;
  call->error = error;
  if (record_file >= 0 && (!call->is_reading || with_reads)) {
    if (result > 0 && (call->bytes || call->parts)) keep_bytes(call, result);
    describe(call, record_file);
  }
  if (is_meant(&kill_aim, call) && kill_variant == AFTER) die(call, "kill after");
  pthread_mutex_unlock(&lock);
  is_inside = 0;
  errno = error;
  return result;
}

static long failed(struct call *call) {
  errno = call->error;
  return after(call, -1);
}

static void look_at(struct call *call, int file) {
  call->has_status = raw(SYS_newfstatat, file, "", &call->status, AT_EMPTY_PATH) == 0;
}

static void look_for(struct call *call, int folder, const char *name) {
  call->has_status = status_at(folder, name, &call->status);
}

/* A call without bytes; `body` makes it. */
#define PLAIN(call, body) \
  ({ before(&call) != GOES ? failed(&call) : ({ long r_ = (body); after(&call, r_); }); })

/* ---- Opening ---- */

static long opened(int folder, const char *name, long flags, long mode, const struct open_how *how,
                   size_t how_size) {
#define OPEN() (how ? raw(SYS_openat2, folder, name, how, how_size) \
                    : raw(SYS_openat, folder, name, flags, mode))
  char path[PATH_SIZE];
  if (!watches() || !name || (flags & O_PATH)) return OPEN();
  absolute(folder, name, path);
  if (!is_below(path)) return OPEN();
  int is_temporary = (flags & O_TMPFILE) == O_TMPFILE;
  int exists = !is_temporary && is_there(folder, name);
  int is_new = is_temporary || ((flags & O_CREAT) && !exists);
  /* O_EXCL on what is there changes nothing, and fails. */
  int changes_it = is_new || (exists && (flags & O_TRUNC) && !(flags & O_EXCL));
  struct call creating = {.op = is_new ? "create" : "open", .path = path, .can_fail = CREATING};
  struct call opening = {.op = "open", .path = path, .can_fail = OPENING, .is_reading = !changes_it};
  struct call *call = is_new ? &creating : &opening;
  call->op = "open";
  call->offset = call->length = -1;
  call->flags = flags;
  if (before(call) != GOES) return failed(call);
  long file = OPEN();
  if (file >= 0) {
    int error = errno;
    look_at(call, (int)file);
    if (is_temporary) path_of((int)file, path);
    errno = error;
  }
  return after(call, file);
}

#define MODE(flags) \
  mode_t mode = 0; \
  if (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE) { \
    va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); \
  }

int open(const char *path, int flags, ...) {
  MODE(flags) return (int)opened(AT_FDCWD, path, flags, mode, NULL, 0);
}
int open64(const char *path, int flags, ...) {
  MODE(flags) return (int)opened(AT_FDCWD, path, flags, mode, NULL, 0);
}
int openat(int folder, const char *path, int flags, ...) {
  MODE(flags) return (int)opened(folder, path, flags, mode, NULL, 0);
}
int openat64(int folder, const char *path, int flags, ...) {
  MODE(flags) return (int)opened(folder, path, flags, mode, NULL, 0);
}
int __open_2(const char *path, int flags) { return (int)opened(AT_FDCWD, path, flags, 0, NULL, 0); }
int __open64_2(const char *path, int flags) { return (int)opened(AT_FDCWD, path, flags, 0, NULL, 0); }
int __openat_2(int folder, const char *path, int flags) {
  return (int)opened(folder, path, flags, 0, NULL, 0);
}
int creat(const char *path, mode_t mode) {
  return (int)opened(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode, NULL, 0);
}
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* Inside the C library, so its own call is the whole step. */
static int temporary(char *name, int suffix, int flags) {
  static int (*next)(char *, int, int);
  if (!next) next = (int (*)(char *, int, int))dlsym(RTLD_NEXT, "mkostemps");
  char path[PATH_SIZE];
  if (!watches()) return next(name, suffix, flags);
  absolute(AT_FDCWD, name, path);
  if (!is_below(path)) return next(name, suffix, flags);
  struct call call = {.op = "open", .path = path, .can_fail = CREATING, .offset = -1, .length = -1,
                      .flags = flags | O_CREAT | O_EXCL | O_RDWR};
  if (before(&call) != GOES) return (int)failed(&call);
  int file = next(name, suffix, flags), error = errno;
  if (file >= 0) look_at(&call, file);
  absolute(AT_FDCWD, name, path);
  errno = error;
  return (int)after(&call, file);
}
int mkstemp(char *name) { return temporary(name, 0, 0); }
int mkstemp64(char *name) { return temporary(name, 0, 0); }
int mkostemp(char *name, int flags) { return temporary(name, 0, flags); }
int mkostemp64(char *name, int flags) { return temporary(name, 0, flags); }
int mkstemps(char *name, int suffix) { return temporary(name, suffix, 0); }
int mkostemps(char *name, int suffix, int flags) { return temporary(name, suffix, flags); }

DIR *opendir(const char *name) {
  static DIR *(*next)(const char *);
  if (!next) next = NEXT(opendir);
  char path[PATH_SIZE];
  if (!watches()) return next(name);
  absolute(AT_FDCWD, name, path);
  if (!is_below(path)) return next(name);
  struct call call = {.op = "opendir", .path = path, .can_fail = OPENING, .is_reading = 1,
                      .offset = -1, .length = -1};
  if (before(&call) != GOES) return failed(&call), NULL;
  DIR *stream = next(name);
  after(&call, stream ? 0 : -1);
  return stream;
}

static FILE *opened_stream(const char *name, const char *mode) {
  static FILE *(*next)(const char *, const char *);
  if (!next) next = (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, "fopen64");
  char path[PATH_SIZE];
  if (!watches()) return next(name, mode);
  absolute(AT_FDCWD, name, path);
  if (!is_below(path)) return next(name, mode);
  int is_reading = mode[0] == 'r';
  struct call call = {.op = "open", .path = path, .can_fail = CREATING, .is_reading = is_reading,
                      .offset = -1, .length = -1, .flags = is_reading ? 0 : O_CREAT | O_WRONLY};
  if (before(&call) != GOES) return failed(&call), NULL;
  FILE *stream = next(name, mode);
  if (stream) look_at(&call, fileno(stream));
  after(&call, stream ? 0 : -1);
  return stream;
}
FILE *fopen(const char *name, const char *mode) { return opened_stream(name, mode); }
FILE *fopen64(const char *name, const char *mode) { return opened_stream(name, mode); }

/* ---- Writing ---- */

static long written(int file, struct call *call, int is_positioned, long (*make)(struct call *, int, long)) {
  call->flags = raw(SYS_fcntl, file, F_GETFL);
  enum verdict verdict = before(call);
  if (verdict == FAILS) return failed(call);
  long result = make(call, file, verdict == HALVED ? call->length / 2 : call->length);
  int error = errno;
  look_at(call, file);
  if (!is_positioned && result >= 0) call->offset = raw(SYS_lseek, file, 0, SEEK_CUR) - result;
  else if (result >= 0 && (call->flags & O_APPEND) && call->has_status)
    call->offset = call->status.st_size - result;
  if (verdict == HALVED && !call->error) {
    if (record_file >= 0) {
      call->result = result;
      keep_bytes(call, result);
      describe(call, record_file);
    }
    die(call, "kill half");
  }
  if (verdict == HALVED) call->fault = NULL, call->error = 0;
  errno = error;
  return after(call, result);
}

static long make_write(struct call *call, int file, long length) {
  return raw(SYS_write, file, call->bytes, length);
}
static long make_pwrite(struct call *call, int file, long length) {
  return raw(SYS_pwrite64, file, call->bytes, length, call->offset);
}
static long make_parts(struct call *call, int file, long length) {
  if (length == call->length)
    return call->offset < 0 ? raw(SYS_writev, file, call->parts, (long)call->part_count)
                            : raw(SYS_pwritev, file, call->parts, (long)call->part_count, call->offset, 0L);
  struct iovec part = call->parts[0];
  if ((long)part.iov_len > length) part.iov_len = length;
  return call->offset < 0 ? raw(SYS_writev, file, &part, 1L)
                          : raw(SYS_pwritev, file, &part, 1L, call->offset, 0L);
}

ssize_t write(int file, const void *bytes, size_t size) {
  char path[PATH_SIZE];
  if (!watches_file(file, path)) return raw(SYS_write, file, bytes, size);
  struct call call = {.op = "write", .path = path, .can_fail = WRITING, .bytes = bytes,
                      .offset = -1, .length = (long)size};
  return written(file, &call, 0, make_write);
}
ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t offset) {
  char path[PATH_SIZE];
  if (!watches_file(file, path)) return raw(SYS_pwrite64, file, bytes, size, offset);
  struct call call = {.op = "write", .path = path, .can_fail = WRITING, .bytes = bytes,
                      .offset = offset, .length = (long)size};
  return written(file, &call, 1, make_pwrite);
}
ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) {
  return pwrite64(file, bytes, size, offset);
}
static ssize_t written_parts(int file, const struct iovec *parts, int count, off_t offset) {
  char path[PATH_SIZE];
  struct call call = {.op = "write", .path = path, .can_fail = WRITING, .parts = parts,
                      .part_count = count, .offset = offset};
  for (int i = 0; i < count; i++) call.length += parts[i].iov_len;
  if (!watches_file(file, path)) return make_parts(&call, file, call.length);
  return written(file, &call, offset >= 0, make_parts);
}
ssize_t writev(int file, const struct iovec *parts, int count) {
  return written_parts(file, parts, count, -1);
}
ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset) {
  return written_parts(file, parts, count, offset);
}
ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t offset) {
  return written_parts(file, parts, count, offset);
}

/* A copy inside the kernel: what it wrote is read back from where it came from. */
static long copied(const char *op, int from, off_t start, int to, off_t *to_offset, size_t size,
                   long (*make)(void *), void *arguments) {
  char path[PATH_SIZE];
  if (!watches_file(to, path)) return make(arguments);
  if (start < 0) start = raw(SYS_lseek, from, 0, SEEK_CUR);
  struct call call = {.op = op, .path = path, .can_fail = {1, 1, 1, 0, 1},
                      .offset = to_offset ? *to_offset : raw(SYS_lseek, to, 0, SEEK_CUR),
                      .length = (long)size};
  call.op = "write";
  if (before(&call) != GOES) return failed(&call);
  long result = make(arguments);
  int error = errno;
  look_at(&call, to);
  char *bytes = NULL;
  if (result > 0 && data_file >= 0 && (bytes = malloc(result))) {
    if (raw(SYS_pread64, from, bytes, result, start) == result) call.bytes = bytes;
  }
  errno = error;
  result = after(&call, result);
  error = errno;
  free(bytes);
  errno = error;
  return result;
}
struct copy { int from, to; off64_t *from_offset, *to_offset; size_t size; unsigned flags; };
static long make_copy(void *arguments) {
  struct copy *c = arguments;
  return raw(SYS_copy_file_range, c->from, c->from_offset, c->to, c->to_offset, c->size, (long)c->flags);
}
static long make_send(void *arguments) {
  struct copy *c = arguments;
  return raw(SYS_sendfile, c->to, c->from, c->from_offset, c->size);
}
ssize_t copy_file_range(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t size,
                        unsigned flags) {
  struct copy c = {from, to, from_offset, to_offset, size, flags};
  return copied("copy", from, from_offset ? *from_offset : -1, to, to_offset, size, make_copy, &c);
}
ssize_t sendfile64(int to, int from, off64_t *offset, size_t size) {
  struct copy c = {from, to, offset, NULL, size, 0};
  return copied("copy", from, offset ? *offset : -1, to, NULL, size, make_send, &c);
}
ssize_t sendfile(int to, int from, off_t *offset, size_t size) {
  return sendfile64(to, from, offset, size);
}

/* ---- Reading ---- */

static long read_from(int file, struct call *call, long (*make)(int, struct call *, void *), void *to) {
  if (before(call) != GOES) return failed(call);
  return after(call, make(file, call, to));
}
static long make_read(int file, struct call *call, void *to) {
  return call->offset < 0 ? raw(SYS_read, file, to, call->length)
                          : raw(SYS_pread64, file, to, call->length, call->offset);
}
static ssize_t read_bytes(int file, void *to, size_t size, off_t offset) {
  char path[PATH_SIZE];
  struct call call = {.op = "read", .path = path, .can_fail = READING, .is_reading = 1,
                      .offset = offset, .length = (long)size};
  if (!watches_file(file, path)) return make_read(file, &call, to);
  return read_from(file, &call, make_read, to);
}
ssize_t read(int file, void *to, size_t size) { return read_bytes(file, to, size, -1); }
ssize_t pread(int file, void *to, size_t size, off_t offset) {
  return read_bytes(file, to, size, offset);
}
ssize_t pread64(int file, void *to, size_t size, off64_t offset) {
  return read_bytes(file, to, size, offset);
}
ssize_t __read_chk(int file, void *to, size_t size, size_t room) {
  (void)room;
  return read_bytes(file, to, size, -1);
}
ssize_t __pread64_chk(int file, void *to, size_t size, off64_t offset, size_t room) {
  (void)room;
  return read_bytes(file, to, size, offset);
}

/* ---- Sizes and syncs ---- */

static int resized(int file, off_t size) {
  char path[PATH_SIZE];
  if (!watches_file(file, path)) return (int)raw(SYS_ftruncate, file, size);
  struct call call = {.op = "truncate", .path = path, .can_fail = {0, 1, 0, 0, 0}, .offset = -1,
                      .length = size};
  look_at(&call, file);
  return (int)PLAIN(call, raw(SYS_ftruncate, file, size));
}
int ftruncate(int file, off_t size) { return resized(file, size); }
int ftruncate64(int file, off64_t size) { return resized(file, size); }
int truncate(const char *name, off_t size) {
  char path[PATH_SIZE];
  if (!watches()) return (int)raw(SYS_truncate, name, size);
  absolute(AT_FDCWD, name, path);
  if (!is_below(path)) return (int)raw(SYS_truncate, name, size);
  struct call call = {.op = "truncate", .path = path, .can_fail = {0, 1, 0, 0, 0}, .offset = -1,
                      .length = size};
  look_for(&call, AT_FDCWD, name);
  return (int)PLAIN(call, raw(SYS_truncate, name, size));
}
int truncate64(const char *name, off64_t size) { return truncate(name, size); }

static int allocated(int file, int flags, off_t offset, off_t length) {
  char path[PATH_SIZE];
  if (!watches_file(file, path)) return (int)raw(SYS_fallocate, file, (long)flags, offset, length);
  struct call call = {.op = "allocate", .path = path, .can_fail = WRITING, .offset = offset,
                      .length = length, .flags = flags};
  look_at(&call, file);
  return (int)PLAIN(call, raw(SYS_fallocate, file, (long)flags, offset, length));
}
int fallocate(int file, int flags, off_t offset, off_t length) {
  return allocated(file, flags, offset, length);
}
int fallocate64(int file, int flags, off64_t offset, off64_t length) {
  return allocated(file, flags, offset, length);
}
int posix_fallocate(int file, off_t offset, off_t length) {
  return allocated(file, 0, offset, length) ? errno : 0;
}
int posix_fallocate64(int file, off64_t offset, off64_t length) {
  return allocated(file, 0, offset, length) ? errno : 0;
}

static int synced(const char *op, long number, int file) {
  char path[PATH_SIZE];
  if (!watches_file(file, path)) return (int)raw(number, file);
  struct call call = {.op = op, .path = path, .can_fail = WRITING, .offset = -1, .length = -1};
  look_at(&call, file);
  if (before(&call) != GOES) return (int)failed(&call);
  record_mappings_of(file);
  return (int)after(&call, raw(number, file));
}
int fsync(int file) { return synced("fsync", SYS_fsync, file); }
int fdatasync(int file) { return synced("fdatasync", SYS_fdatasync, file); }
int syncfs(int file) { return synced("syncfs", SYS_syncfs, file); }
int sync_file_range(int file, off64_t offset, off64_t length, unsigned flags) {
  char path[PATH_SIZE];
  if (!watches_file(file, path)) return (int)raw(SYS_sync_file_range, file, offset, length, (long)flags);
  struct call call = {.op = "sync_file_range", .path = path, .can_fail = WRITING, .offset = offset,
                      .length = length, .flags = flags};
  look_at(&call, file);
  return (int)PLAIN(call, raw(SYS_sync_file_range, file, offset, length, (long)flags));
}

/* ---- Shared mappings ---- */

static void *mapped(void *at, size_t length, int protection, int flags, int file, off_t offset) {
#define MAP() ((void *)raw(SYS_mmap, at, length, (long)protection, (long)flags, (long)file, offset))
  char path[PATH_SIZE];
  if ((flags & MAP_ANONYMOUS) || file < 0 || !watches_file(file, path)) return MAP();
  int is_writing = (flags & MAP_TYPE) != MAP_PRIVATE && (protection & PROT_WRITE);
  struct call call = {.op = "mmap", .path = path, .can_fail = MAPPING, .is_reading = !is_writing,
                      .offset = offset, .length = (long)length, .flags = flags};
  look_at(&call, file);
  if (before(&call) != GOES) return failed(&call), MAP_FAILED;
  void *start = MAP();
  if (is_writing && start != MAP_FAILED && call.has_status) {
    for (int i = 0; i < MAX_MAPPINGS; i++) {
      if (mappings[i].start) continue;
      mappings[i].length = length;
      mappings[i].offset = offset;
      mappings[i].device = call.status.st_dev;
      mappings[i].inode = call.status.st_ino;
      mappings[i].path = strdup(path);
      mappings[i].start = start;
      break;
    }
  }
  after(&call, start == MAP_FAILED ? -1 : 0);
  return start;
}
void *mmap(void *at, size_t length, int protection, int flags, int file, off_t offset) {
  return mapped(at, length, protection, flags, file, offset);
}
void *mmap64(void *at, size_t length, int protection, int flags, int file, off64_t offset) {
  return mapped(at, length, protection, flags, file, offset);
}

static int overlaps(int slot, const char *start, size_t length) {
  return mappings[slot].start && start < mappings[slot].start + mappings[slot].length
    && mappings[slot].start < start + length;
}

int munmap(void *start, size_t length) {
  if (watches()) {
    for (int i = 0; i < MAX_MAPPINGS; i++) {
      if (!overlaps(i, start, length)) continue;
      is_inside = 1;
      pthread_mutex_lock(&lock);
      record_mapping(i);
      mappings[i].start = NULL;
      free(mappings[i].path);
      pthread_mutex_unlock(&lock);
      is_inside = 0;
    }
  }
  return (int)raw(SYS_munmap, start, length);
}

int msync(void *start, size_t length, int flags) {
  int slot = -1;
  if (watches())
    for (int i = 0; i < MAX_MAPPINGS; i++) if (overlaps(i, start, length)) slot = i;
  if (slot < 0) return (int)raw(SYS_msync, start, length, (long)flags);
  struct call call = {.op = "msync", .path = mappings[slot].path, .can_fail = {0, 1, 0, 0, 0},
                      .offset = mappings[slot].offset, .length = (long)length, .flags = flags};
  look_for(&call, AT_FDCWD, call.path);
  if (before(&call) != GOES) return (int)failed(&call);
  record_mapping(slot);
  return (int)after(&call, raw(SYS_msync, start, length, (long)flags));
}

int close(int file) {
  if (watches() && record_file >= 0 && file >= 0 && file != record_file) {
    struct stat status;
    int is_mapped = 0;
    for (int i = 0; i < MAX_MAPPINGS && !is_mapped; i++) is_mapped = mappings[i].start != NULL;
    if (is_mapped && !raw(SYS_newfstatat, file, "", &status, AT_EMPTY_PATH)) {
      is_inside = 1;
      pthread_mutex_lock(&lock);
      record_mappings_of(file);
      pthread_mutex_unlock(&lock);
      is_inside = 0;
    }
  }
  return (int)raw(SYS_close, file);
}

/* ---- Names ---- */

static int made_folder(int folder, const char *name, mode_t mode) {
  char path[PATH_SIZE];
  if (!watches()) return (int)raw(SYS_mkdirat, folder, name, (long)mode);
  absolute(folder, name, path);
  if (!is_below(path) || is_there(folder, name)) return (int)raw(SYS_mkdirat, folder, name, (long)mode);
  struct call call = {.op = "mkdir", .path = path, .can_fail = NAMING, .offset = -1, .length = -1,
                      .flags = mode};
  if (before(&call) != GOES) return (int)failed(&call);
  long result = raw(SYS_mkdirat, folder, name, (long)mode);
  int error = errno;
  look_for(&call, folder, name);
  errno = error;
  return (int)after(&call, result);
}
int mkdir(const char *name, mode_t mode) { return made_folder(AT_FDCWD, name, mode); }
int mkdirat(int folder, const char *name, mode_t mode) { return made_folder(folder, name, mode); }
char *mkdtemp(char *name) {
  static char *(*next)(char *);
  if (!next) next = NEXT(mkdtemp);
  char path[PATH_SIZE];
  if (!watches()) return next(name);
  absolute(AT_FDCWD, name, path);
  if (!is_below(path)) return next(name);
  struct call call = {.op = "mkdir", .path = path, .can_fail = NAMING, .offset = -1, .length = -1,
                      .flags = 0700};
  if (before(&call) != GOES) return failed(&call), NULL;
  char *made = next(name);
  absolute(AT_FDCWD, name, path);
  if (made) look_for(&call, AT_FDCWD, made);
  after(&call, made ? 0 : -1);
  return made;
}

static int renamed(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
#define RENAME() raw(SYS_renameat2, from_folder, from, to_folder, to, (long)flags)
  char path[PATH_SIZE], target[PATH_SIZE];
  if (!watches()) return (int)RENAME();
  absolute(from_folder, from, path);
  absolute(to_folder, to, target);
  if ((!is_below(path) && !is_below(target)) || !is_there(from_folder, from)) return (int)RENAME();
  struct call call = {.op = "rename", .path = path, .target = target, .can_fail = NAMING, .offset = -1,
                      .length = -1, .flags = flags};
  look_for(&call, from_folder, from);
  return (int)PLAIN(call, RENAME());
}
int rename(const char *from, const char *to) { return renamed(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_folder, const char *from, int to_folder, const char *to) {
  return renamed(from_folder, from, to_folder, to, 0);
}
int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
  return renamed(from_folder, from, to_folder, to, flags);
}

static int linked(int from_folder, const char *from, int to_folder, const char *to, int flags) {
#define LINK() raw(SYS_linkat, from_folder, from, to_folder, to, (long)flags)
  char path[PATH_SIZE], target[PATH_SIZE];
  if (!watches()) return (int)LINK();
  absolute(from_folder, from, path);
  absolute(to_folder, to, target);
  if (!is_below(target) || is_there(to_folder, to)) return (int)LINK();
  struct call call = {.op = "link", .path = path, .target = target, .can_fail = NAMING, .offset = -1,
                      .length = -1, .flags = flags};
  if (before(&call) != GOES) return (int)failed(&call);
  long result = LINK();
  int error = errno;
  look_for(&call, to_folder, to);
  errno = error;
  return (int)after(&call, result);
}
int link(const char *from, const char *to) { return linked(AT_FDCWD, from, AT_FDCWD, to, 0); }
int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
  return linked(from_folder, from, to_folder, to, flags);
}

/* `path` is the new link, `target` what it says, as it says it. */
static int soft_linked(const char *text, int folder, const char *name) {
  char path[PATH_SIZE];
  if (!watches()) return (int)raw(SYS_symlinkat, text, folder, name);
  absolute(folder, name, path);
  if (!is_below(path) || is_there(folder, name)) return (int)raw(SYS_symlinkat, text, folder, name);
  struct call call = {.op = "symlink", .path = path, .target = text, .can_fail = NAMING, .offset = -1,
                      .length = -1};
  if (before(&call) != GOES) return (int)failed(&call);
  long result = raw(SYS_symlinkat, text, folder, name);
  int error = errno;
  look_for(&call, folder, name);
  errno = error;
  return (int)after(&call, result);
}
int symlink(const char *text, const char *name) { return soft_linked(text, AT_FDCWD, name); }
int symlinkat(const char *text, int folder, const char *name) { return soft_linked(text, folder, name); }

static int removed(int folder, const char *name, int flags) {
  char path[PATH_SIZE];
  if (!watches()) return (int)raw(SYS_unlinkat, folder, name, (long)flags);
  absolute(folder, name, path);
  if (!is_below(path) || !is_there(folder, name)) return (int)raw(SYS_unlinkat, folder, name, (long)flags);
  struct call call = {.op = flags & AT_REMOVEDIR ? "rmdir" : "unlink", .path = path,
                      .can_fail = REMOVING, .offset = -1, .length = -1};
  look_for(&call, folder, name);
  return (int)PLAIN(call, raw(SYS_unlinkat, folder, name, (long)flags));
}
int unlink(const char *name) { return removed(AT_FDCWD, name, 0); }
int unlinkat(int folder, const char *name, int flags) { return removed(folder, name, flags); }
int rmdir(const char *name) { return removed(AT_FDCWD, name, AT_REMOVEDIR); }
int remove(const char *name) {
  struct stat status;
  int is_folder = status_at(AT_FDCWD, name, &status) && S_ISDIR(status.st_mode);
  return removed(AT_FDCWD, name, is_folder ? AT_REMOVEDIR : 0);
}

/* ---- Attributes ---- */

#define ON_FILE(what, file, number, given, ...) \
  char path[PATH_SIZE]; \
  if (!watches_file(file, path)) return (int)raw(number, __VA_ARGS__); \
  struct call call = {.op = what, .path = path, .can_fail = REMOVING, .offset = -1, .length = -1, \
                      .flags = (long)(given)}; \
  look_at(&call, file); \
  return (int)PLAIN(call, raw(number, __VA_ARGS__));

#define ON_NAME(what, folder, name, number, given, ...) \
  char path[PATH_SIZE]; \
  if (!watches()) return (int)raw(number, __VA_ARGS__); \
  absolute(folder, name, path); \
  if (!is_below(path) || !is_there(folder, name)) return (int)raw(number, __VA_ARGS__); \
  struct call call = {.op = what, .path = path, .can_fail = REMOVING, .offset = -1, .length = -1, \
                      .flags = (long)(given)}; \
  look_for(&call, folder, name); \
  return (int)PLAIN(call, raw(number, __VA_ARGS__));

int chmod(const char *name, mode_t mode) {
  ON_NAME("chmod", AT_FDCWD, name, SYS_fchmodat, mode, AT_FDCWD, name, (long)mode)
}
int fchmodat(int folder, const char *name, mode_t mode, int flags) {
  static int (*next)(int, const char *, mode_t, int);
  if (!next) next = NEXT(fchmodat);
  if (flags) return next(folder, name, mode, flags);
  ON_NAME("chmod", folder, name, SYS_fchmodat, mode, folder, name, (long)mode)
}
int fchmod(int file, mode_t mode) { ON_FILE("chmod", file, SYS_fchmod, mode, file, (long)mode) }
int fchownat(int folder, const char *name, uid_t user, gid_t group, int flags) {
  ON_NAME("chown", folder, name, SYS_fchownat, user, folder, name, (long)user, (long)group, (long)flags)
}
int chown(const char *name, uid_t user, gid_t group) { return fchownat(AT_FDCWD, name, user, group, 0); }
int lchown(const char *name, uid_t user, gid_t group) {
  return fchownat(AT_FDCWD, name, user, group, AT_SYMLINK_NOFOLLOW);
}
int fchown(int file, uid_t user, gid_t group) {
  ON_FILE("chown", file, SYS_fchown, user, file, (long)user, (long)group)
}
int utimensat(int folder, const char *name, const struct timespec times[2], int flags) {
  /* The header promises a name, and the kernel takes none for the file itself. */
  const char *volatile given = name;
  if (!given) return (int)raw(SYS_utimensat, folder, given, times, (long)flags);
  ON_NAME("utimens", folder, name, SYS_utimensat, flags, folder, name, times, (long)flags)
}
int futimens(int file, const struct timespec times[2]) {
  ON_FILE("utimens", file, SYS_utimensat, 0, file, NULL, times, 0L)
}
static void widened(const struct timeval times[2], struct timespec wide[2]) {
  for (int i = 0; i < 2; i++) wide[i] = (struct timespec){times[i].tv_sec, times[i].tv_usec * 1000};
}
int utimes(const char *name, const struct timeval times[2]) {
  struct timespec wide[2];
  if (times) widened(times, wide);
  return utimensat(AT_FDCWD, name, times ? wide : NULL, 0);
}
int lutimes(const char *name, const struct timeval times[2]) {
  struct timespec wide[2];
  if (times) widened(times, wide);
  return utimensat(AT_FDCWD, name, times ? wide : NULL, AT_SYMLINK_NOFOLLOW);
}
int futimes(int file, const struct timeval times[2]) {
  struct timespec wide[2];
  if (times) widened(times, wide);
  return futimens(file, times ? wide : NULL);
}
int utime(const char *name, const struct utimbuf *times) {
  struct timespec wide[2];
  if (times) {
    wide[0] = (struct timespec){times->actime, 0};
    wide[1] = (struct timespec){times->modtime, 0};
  }
  return utimensat(AT_FDCWD, name, times ? wide : NULL, 0);
}

/* ---- By number ---- */

long syscall(long number, ...) {
  long a[6];
  va_list rest;
  va_start(rest, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(rest, long);
  va_end(rest);
#define TEXT(i) ((const char *)a[i])
  switch (number) {
    case SYS_openat2: {
      const struct open_how *how = (const struct open_how *)a[2];
      return opened((int)a[0], TEXT(1), (long)how->flags, (long)how->mode, how, (size_t)a[3]);
    }
    case SYS_openat: return opened((int)a[0], TEXT(1), a[2], a[3], NULL, 0);
    case SYS_renameat2: return renamed((int)a[0], TEXT(1), (int)a[2], TEXT(3), (unsigned)a[4]);
    case SYS_linkat: return linked((int)a[0], TEXT(1), (int)a[2], TEXT(3), (int)a[4]);
    case SYS_symlinkat: return soft_linked(TEXT(0), (int)a[1], TEXT(2));
    case SYS_unlinkat: return removed((int)a[0], TEXT(1), (int)a[2]);
    case SYS_mkdirat: return made_folder((int)a[0], TEXT(1), (mode_t)a[2]);
    case SYS_write: return write((int)a[0], (void *)a[1], (size_t)a[2]);
    case SYS_pwrite64: return pwrite64((int)a[0], (void *)a[1], (size_t)a[2], a[3]);
    case SYS_writev: return writev((int)a[0], (void *)a[1], (int)a[2]);
    case SYS_read: return read((int)a[0], (void *)a[1], (size_t)a[2]);
    case SYS_fsync: return fsync((int)a[0]);
    case SYS_fdatasync: return fdatasync((int)a[0]);
    case SYS_syncfs: return syncfs((int)a[0]);
    case SYS_ftruncate: return ftruncate((int)a[0], a[1]);
    case SYS_fallocate: return fallocate((int)a[0], (int)a[1], a[2], a[3]);
    case SYS_copy_file_range:
      return copy_file_range((int)a[0], (off64_t *)a[1], (int)a[2], (off64_t *)a[3], (size_t)a[4],
                             (unsigned)a[5]);
    case SYS_sendfile: return sendfile64((int)a[0], (int)a[1], (off64_t *)a[2], (size_t)a[3]);
    case SYS_fchmod: return fchmod((int)a[0], (mode_t)a[1]);
    case SYS_fchmodat: return fchmodat((int)a[0], TEXT(1), (mode_t)a[2], 0);
    case SYS_fchown: return fchown((int)a[0], (uid_t)a[1], (gid_t)a[2]);
    case SYS_fchownat: return fchownat((int)a[0], TEXT(1), (uid_t)a[2], (gid_t)a[3], (int)a[4]);
    default: return raw(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  }
}
