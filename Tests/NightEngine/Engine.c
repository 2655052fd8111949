#define _GNU_SOURCE
#include "NightEngine.h"
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "Inside.h"

night_machine *night;
static int night_trace = -1;
void night_tell(int file) { night_trace = file; }

static char night_root[256];
static size_t night_root_length;
static void (*act)(void);
static void (*wake)(void *sleeper);
static bool inside, finished;

void *night_shared(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) abort();
  return memory;
}

night_machine *night_make(void) { return night = night_shared(sizeof *night); }

void night_prepare(char **arguments) {
  const char *name = "SWIFT_DETERMINISTIC_HASHING";
  bool is_fixed = (personality(0xFFFFFFFF) & ADDR_NO_RANDOMIZE) != 0;
  if (getenv(name) && (is_fixed || getenv("NIGHT_PREPARED"))) return;
  setenv(name, "1", 1);
  // Where a container forbids this, addresses differ from run to run; nothing should depend on them.
  personality(ADDR_NO_RANDOMIZE);
  setenv("NIGHT_PREPARED", "1", 1);
  execv("/proc/self/exe", arguments);
}

int night_fork(void) {
  pid_t parent = getpid(), child = fork();
  // Nobody lives on without whoever asks for its end.
  if (child == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)) _exit(99);
  return child;
}

static void *run_body(void *body) {
  ((void (*)(void))body)();
  _exit(0);
}

void night_on_own_thread(void (*body)(void)) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 << 20);
  if (pthread_create(&thread, &attributes, run_body, (void *)body) != 0) abort();
  while (true) pause();
}

bool night_lives(void) { return act != NULL; }
bool night_is_inside(void) { return inside; }
bool night_set_inside(bool is_inside) {
  bool was = inside;
  inside = is_inside;
  return was;
}

uint64_t night_random(void) {
  uint64_t mixed = night->chance += 0x9E3779B97F4A7C15u;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
  return mixed ^ (mixed >> 31);
}

// MARK: What happened

static void digest(const void *bytes, size_t count) {
  // FNV-1a.
  for (size_t i = 0; i < count; i++)
    night->digest = (night->digest ^ ((const unsigned char *)bytes)[i]) * 0x100000001B3u;
}

const char *night_bare(const char *path) {
  return strncmp(path, night_root, night_root_length) == 0 ? path + night_root_length : path;
}

void night_event(const char *kind, const char *text, long number) {
  digest(kind, strlen(kind));
  digest(text, strlen(text));
  digest(&number, sizeof number);
  digest(&night->now, sizeof night->now);
  if (night_trace < 0) return;
  char line[1024];
  int length = snprintf(line, sizeof line, "%lld.%09lld %llu %s %s %ld\n",
                        (long long)(night->now / 1000000000), (long long)(night->now % 1000000000),
                        (unsigned long long)night->operations, kind, text, number);
  if (length >= (int)sizeof line) length = sizeof line - 1;
  night_write_plainly(night_trace, line, (size_t)length);
}

void night_note(const char *text) {
  // Where the files stand is no part of the night.
  char bare[1024];
  size_t count = 0;
  while (*text && count < sizeof bare - 1) {
    if (strncmp(text, night_root, night_root_length) == 0) text += night_root_length;
    else bare[count++] = *text++;
  }
  bare[count] = 0;
  night_event("note", bare, 0);
}

void night_die(void) {
  night_event("killed", "", 0);
  _exit(137);
}

// MARK: Work

typedef struct {
  void *owner;
  void *job, *executor, *implementation;
  // A block for a queue of libdispatch instead of a job.
  void *queue, *block;
  bool is_barrier;
  // Sleepers: when it wakes, and its place among those of the same moment.
  int64_t at;
  uint64_t number;
} work;

typedef struct {
  work *items;
  size_t count, room;
} list;

static list ready, asleep;
static uint64_t numbers;

static void add(list *to, work item) {
  if (to->count == to->room) {
    to->room = to->room ? 2 * to->room : 64;
    to->items = realloc(to->items, to->room * sizeof(work));
    if (!to->items) abort();
  }
  item.number = numbers++;
  to->items[to->count++] = item;
}

static work take(list *from, size_t index) {
  work item = from->items[index];
  memmove(from->items + index, from->items + index + 1,
          (from->count - index - 1) * sizeof(work));
  from->count--;
  return item;
}

void night_push(void *owner, void *job, void *executor, void *implementation) {
  add(&ready, (work){.owner = owner, .job = job, .executor = executor,
                     .implementation = implementation});
}

void night_push_block(void *queue, void *block, bool is_barrier) {
  add(&ready, (work){.owner = queue, .queue = queue, .block = block, .is_barrier = is_barrier});
}

void night_sleep(int64_t at, void *sleeper) { add(&asleep, (work){.job = sleeper, .at = at}); }

void night_forget(void *sleeper) {
  for (size_t i = 0; i < asleep.count; i++)
    if (asleep.items[i].job == sleeper) return (void)take(&asleep, i);
}

// Swift's runtime gives its jobs to these when they are set (swift/Runtime/Concurrency.h).
#define SWIFT_CALL __attribute__((swiftcall))
extern void *swift_task_enqueueGlobal_hook, *swift_task_enqueueMainExecutor_hook;
extern void swift_release(void *object);
SWIFT_CALL extern void swift_job_run(void *job, void *executor, void *implementation);

SWIFT_CALL static void enqueue_now(void *job, void *original) {
  (void)original;
  night_push(NULL, job, NULL, NULL);
}

void night_begin(const char *root, void (*act_of_world)(void), void (*wake_sleeper)(void *)) {
  night_root_length = strlen(root);
  if (night_root_length >= sizeof night_root) abort();
  strcpy(night_root, root);
  swift_task_enqueueGlobal_hook = (void *)enqueue_now;
  swift_task_enqueueMainExecutor_hook = (void *)enqueue_now;
  wake = wake_sleeper;
  act = act_of_world;
}

static void act_if_due(void) {
  while (night->next_act <= night->now) act();
}

static void wake_all(void) {
  while (true) {
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < asleep.count; i++) {
      if (asleep.items[i].at > night->now) continue;
      if (first == SIZE_MAX || asleep.items[i].at < asleep.items[first].at ||
          (asleep.items[i].at == asleep.items[first].at &&
           asleep.items[i].number < asleep.items[first].number))
        first = i;
    }
    if (first == SIZE_MAX) return;
    wake(take(&asleep, first).job);
  }
}

/// When the next sleeper wakes; INT64_MAX: none does.
static int64_t next_wake(void) {
  int64_t next = INT64_MAX;
  for (size_t i = 0; i < asleep.count; i++)
    if (asleep.items[i].at < next) next = asleep.items[i].at;
  return next;
}

/// One of those that may come next: an owner's are taken in their order.
static work choose(void) {
  size_t candidates[256], count = 0;
  for (size_t i = 0; i < ready.count && count < 256; i++) {
    bool is_first = true;
    for (size_t k = 0; ready.items[i].owner && is_first && k < i; k++)
      is_first = ready.items[k].owner != ready.items[i].owner;
    if (is_first) candidates[count++] = i;
  }
  size_t chosen = count == 1 ? 0 : night_random() % count;
  night_event("run", "", (long)(count << 8 | chosen));
  return take(&ready, candidates[chosen]);
}

static void run(work item) {
  inside = true;
  if (item.block) night_run_block(item.queue, item.block, item.is_barrier);
  else swift_job_run(item.job, item.executor, item.implementation);
  if (item.owner && !item.block) swift_release(item.owner);
  inside = false;
}

// What a piece of work takes at most, in nanoseconds.
static const int64_t work_max = 100000;

int night_run(uint64_t max_jobs) {
  finished = false;
  for (uint64_t jobs = 0; !finished; ) {
    act_if_due();
    wake_all();
    if (ready.count) {
      if (jobs++ > max_jobs) return 2;
      night->jobs++;
      run(choose());
      night->now += 1 + (int64_t)(night_random() % (uint64_t)work_max);
      continue;
    }
    int64_t next = next_wake();
    if (night->next_act < next) next = night->next_act;
    if (next == INT64_MAX) return 1;
    night->now = next;
  }
  return 0;
}

void night_finish(void) { finished = true; }
