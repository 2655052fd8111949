#pragma once
// What Swift cannot import from libgit2: git_libgit2_opts() is variadic, and wrong types in its
// arguments are undefined, so each option that is used has one typed wrapper.
#include <git2.h>

/// GIT_OPT_SET_OWNER_VALIDATION: whether a repository of another user is refused.
static inline int tale_git_set_owner_validation(int enabled) {
  return git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, enabled);
}

/// GIT_OPT_ENABLE_FSYNC_GITDIR: whether files below .git are synced before they get their name.
static inline int tale_git_enable_fsync_gitdir(int enabled) {
  return git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, enabled);
}

/// GIT_OPT_SET_SEARCH_PATH: where the configuration of `level` is looked for; "" for nowhere.
static inline int tale_git_set_search_path(git_config_level_t level, const char *path) {
  return git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, path);
}
