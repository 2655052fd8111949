#if DEBUG
  internal import Glibc

  /// Deliberate bugs, by which the fault harness shows that it finds such: each breaks one promise.
  ///
  /// Only debug builds know them: this file and each place that asks are compiled there alone. The
  /// variable `PLANTED_BUG` names one; `Tests/Torture/controls.py` has what finds which.
  public enum Plant: String, CaseIterable, Sendable {
    /// The names in a folder are never synced.
    case unsyncedFolders = "unsynced-folders"
    /// What is appended to a journal is never synced.
    case unsyncedJournal = "unsynced-journal"
    /// libgit2 syncs nothing.
    case unsyncedGit = "unsynced-git"
    /// The answer of a call is not synced before it is booked.
    case unsyncedAnswer = "unsynced-answer"
    /// A torn last line makes a journal unusable.
    case fatalTornLine = "fatal-torn-line"
    /// A torn last line stays, and the next one is written behind it.
    case keptTornLine = "kept-torn-line"
    /// What a crash left in staging stays there.
    case keptStaging = "kept-staging"
    /// A delivery is not noted, so that rsync would start it again.
    case unnotedDelivery = "unnoted-delivery"
    /// The drop leaves the inbox before anything says where it came from.
    case unlistedDrops = "unlisted-drops"
    /// The folder moves to outbox before the journal has its end.
    case deliveryBeforeEnd = "delivery-before-end"
    /// The folder is copied to outbox and removed, not renamed.
    case deliveryByCopy = "delivery-by-copy"
    /// The lease file stays in the ended project.
    case keptLease = "kept-lease"
    /// A call that a crash cut off costs nothing.
    case refundAtRestart = "refund-at-restart"
    /// A call may set aside more than the budget has left.
    case uncappedBudget = "uncapped-budget"
    /// Which subtasks are done is not read at a restart.
    case forgottenState = "forgotten-state"
    /// An answer that was paid for and not committed is bought again.
    case boughtAgain = "bought-again"
    /// A crash's lock of git stays.
    case keptGitLock = "kept-git-lock"
    /// What stands in work/ beside the last checkpoint stays there.
    case keptStray = "kept-stray"
    /// The index is not written at the end.
    case unwrittenIndex = "unwritten-index"
    /// The ledger does not take in how calls ended.
    case ledgerGap = "ledger-gap"
    /// The receipt does not count calls that a crash cut off.
    case shortBill = "short-bill"
    /// progress.json is written in its place.
    case tornProgress = "torn-progress"
    /// Work that is left undone is no failure of the command.
    case silentFailure = "silent-failure"

    private static let planted: Plant? = {
      guard let name = getenv("PLANTED_BUG").map({ String(cString: $0) }) else { return nil }
      guard let plant = Plant(rawValue: name) else {
        preconditionFailure("PLANTED_BUG names no bug: \(name)")
      }
      return plant
    }()

    public var isPlanted: Bool { self == Self.planted }
  }
#endif
