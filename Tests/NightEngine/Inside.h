#pragma once
#include "NightEngine.h"
#include <stddef.h>

/// Whether this process lives on the machine.
bool night_lives(void);

/// A path without the root of all files.
const char *night_bare(const char *path);

void night_event(const char *kind, const char *text, long number);

/// write(2) as it always was, all of it.
void night_write_plainly(int file, const char *bytes, size_t count);

void night_push_block(void *queue, void *block, bool is_barrier);
void night_run_block(void *queue, void *block, bool is_barrier);
