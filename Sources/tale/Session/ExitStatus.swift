/// How a command ended, for scripts and cron.
enum ExitStatus: Int32, Error, CaseIterable {
  case done = 0
  /// A project failed.
  case projectFailed = 1
  case usage = 2
  case configuration = 3
  /// A needed service is missing (EX_UNAVAILABLE of sysexits.h).
  case serviceMissing = 69
  /// The disk refused (EX_CANTCREAT).
  case cannotWrite = 73
  /// A named project is held by another runner (EX_TEMPFAIL).
  case held = 75
  case interrupted = 130
  case terminated = 143
}
