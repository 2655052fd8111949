#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The machine on which simulated nights happen: one thread, and time, chance, disk and the order of
// all work from one seed. The functions of the C library, of libdispatch and of Swift's runtime that
// tell the time, give random bytes, wait, start threads or change files are replaced by this
// target's own in the whole program, libgit2 and SQLite included.

/// What survives the death of a life: in memory that all lives of a night share.
typedef struct {
  /// Nanoseconds since the night began.
  int64_t now;
  /// What the wall clock is ahead of `now`, in nanoseconds since 1970.
  int64_t wall_ahead;
  /// When the world acts next; INT64_MAX: never again.
  int64_t next_act;
  /// The state of the generator (SplitMix64).
  uint64_t chance;
  /// Over everything that happened, in order.
  uint64_t digest;
  /// Changes to files that were asked for.
  uint64_t operations;
  /// The operation at which this life is killed; 0: none.
  uint64_t kill_at;
  /// The disk is full before this moment.
  int64_t full_until;
  /// Operations that the full disk refused.
  uint64_t refusals;
  /// Pieces of work that were run.
  uint64_t jobs;
  /// The number that this life takes for its process.
  int32_t pid;
  /// The next of the world's acts.
  int64_t act;
  int64_t lives, kills, stops, calls, doors, drops, orders, jumps, full_disks, outages;
  /// Calls fail before this moment.
  int64_t server_down_until;
  /// Planted: drops are removed instead of being moved out of the inbox.
  bool loses;
  /// When the runner was told to stop; 0: it was not.
  int64_t stop_asked;
} night_machine;

/// The machine of this process; null: none, and everything is as always.
extern night_machine *night;
static inline night_machine *night_of_process(void) { return night; }

/// Makes the machine of this process and of those that it forks.
night_machine *night_make(void);

/// Memory that processes which this one forks share with it, of zeros.
void *night_shared(size_t size);

/// Everything that happens is written to this file.
void night_tell(int file);

/// Runs this program anew where Swift would hash in another order each time.
void night_prepare(char **arguments);

/// fork(2), which Swift does not have.
int night_fork(void);

/// Calls `body` on a thread of its own, with a stack as large as a debug build wants; never returns.
void night_on_own_thread(void (*body)(void));

/// From here on this process lives on the machine.
///
/// - Parameters:
///   - root: of all files; its name is left out of the digest.
///   - act: called when `next_act` has come; it sets the next one.
///   - wake: called with what ``night_sleep`` was given.
void night_begin(const char *root, void (*act)(void), void (*wake)(void *sleeper));

/// Wakes a sleeper at a moment, in nanoseconds since the night began.
void night_sleep(int64_t at, void *sleeper);

/// A sleeper that is not to be woken any more; nothing where it was.
void night_forget(void *sleeper);

/// Runs what there is to be run until ``night_finish`` was called: 0; or 1 where nothing will ever
/// happen any more, 2 where far more happened than can be right.
int night_run(uint64_t max_jobs);

void night_finish(void);

/// Whether what happens now is done by the program under test.
bool night_is_inside(void);

/// Says so, for what a test does in the middle of it.
///
/// - Returns: what it was before.
bool night_set_inside(bool is_inside);

/// A piece of work for a serial executor, in the order in which each owner gives them.
///
/// - Parameter owner: a Swift object, retained; it is released when the work is done.
void night_push(void *owner, void *job, void *executor, void *implementation);

uint64_t night_random(void);

/// Takes something into the digest, and into the trace.
void night_note(const char *text);

/// Ends this life as kill -9 does.
_Noreturn void night_die(void);
