// Time, chance, threads and queues as the program under test sees them.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "Inside.h"

// The function that this one stands in front of.
#define REAL(name)                 \
  static __typeof__(&name) real;   \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

// MARK: Time

int clock_gettime(clockid_t clock, struct timespec *out) {
  if (!night_lives()) {
    REAL(clock_gettime);
    return real(clock, out);
  }
  bool is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  int64_t moment = night->now + (is_wall ? night->wall_ahead : 0);
  out->tv_sec = moment / 1000000000;
  out->tv_nsec = moment % 1000000000;
  return 0;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}

/// Whoever waits on the only thread waits for nobody else: the time passes, and that is all.
int nanosleep(const struct timespec *wanted, struct timespec *left) {
  if (!night_lives()) {
    REAL(nanosleep);
    return real(wanted, left);
  }
  night->now += (int64_t)wanted->tv_sec * 1000000000 + wanted->tv_nsec;
  return 0;
}

int usleep(useconds_t microseconds) {
  struct timespec wanted = {microseconds / 1000000, microseconds % 1000000 * 1000};
  return nanosleep(&wanted, NULL);
}

// MARK: Chance

ssize_t getrandom(void *bytes, size_t count, unsigned flags) {
  if (!night_lives()) {
    REAL(getrandom);
    return real(bytes, count, flags);
  }
  for (size_t i = 0; i < count; i += 8) {
    uint64_t number = night_random();
    memcpy((char *)bytes + i, &number, count - i < 8 ? count - i : 8);
  }
  return (ssize_t)count;
}

int getentropy(void *bytes, size_t count) {
  return getrandom(bytes, count, 0) == (ssize_t)count ? 0 : -1;
}

pid_t getpid(void) {
  if (night_lives()) return night->pid;
  REAL(getpid);
  return real();
}

// MARK: Threads

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
                   void *(*body)(void *), void *restrict argument) {
  if (night_lives()) {
    // What another thread does follows from no seed.
    static const char message[] = "a thread was started in a simulated night\n";
    night_write_plainly(2, message, sizeof message - 1);
    void *frames[40];
    backtrace_symbols_fd(frames, backtrace(frames, 40), 2);
    abort();
  }
  REAL(pthread_create);
  return real(thread, attributes, body, argument);
}

// MARK: Queues of libdispatch, which GRDB uses

extern void *_Block_copy(const void *block);
extern void _Block_release(const void *block);
extern void dispatch_sync(void *queue, void *block);
extern void dispatch_barrier_sync(void *queue, void *block);

/// The last release of a queue starts a thread that takes it apart: here none is ever taken apart.
void dispatch_release(void *object) {
  if (night_lives()) return;
  REAL(dispatch_release);
  real(object);
}

static void push(void *queue, void *block, bool is_barrier) {
  night_push_block(queue, _Block_copy(block), is_barrier);
}

void night_run_block(void *queue, void *block, bool is_barrier) {
  // On this thread, as the queue has no other work.
  if (is_barrier) dispatch_barrier_sync(queue, block);
  else dispatch_sync(queue, block);
  _Block_release(block);
}

void dispatch_async(void *queue, void *block) {
  if (night_lives()) return push(queue, block, false);
  REAL(dispatch_async);
  real(queue, block);
}

void dispatch_barrier_async(void *queue, void *block) {
  if (night_lives()) return push(queue, block, true);
  REAL(dispatch_barrier_async);
  real(queue, block);
}
