internal import Glibc
internal import SystemPackage
internal import TaleCore
internal import TaleGit
internal import TaleQueue
internal import TaleSystem

/// work/: the deliverable, its plan and its state, each step a commit.
actor Workspace {
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  private let thread: ThreadExecutor
  private(set) var repository: Repository
  /// Packs that checkpoints left and that wait to be put together.
  private(set) var scatteredPacks = 0
  private let root: FilePath
  /// What came with the project.
  let input: FilePath
  /// What its predecessors made.
  let after: FilePath
  private(set) var state = WorkState() {
    didSet {
      // Asked for each step: not made anew from a thousand entries each time.
      let known = oldValue.done.count
      if known > 0, known <= state.done.count, state.done[known - 1] == oldValue.done[known - 1] {
        for entry in state.done[known...] { sizes[entry.subtask] = entry.bytes }
      } else {
        sizes = Dictionary(state.done.map { ($0.subtask, $0.bytes) }) { $1 }
      }
    }
  }
  /// Bytes of what the finished subtasks have made.
  private(set) var sizes: [Subtask.ID: Int] = [:]
  private(set) var plan: Plan?
  /// Where `main` stood when it was last looked at.
  private var last: CommitID?
  /// Files to read from the start on; empty before ``findMaterials(_:)``.
  private(set) var materials: [Material] = []

  static let planPath = ".tale/plan.json"
  static let statePath = ".tale/state.json"
  /// Fixed, so that equal work gives equal trees and no machine's user appears in it.
  static let author = GitSignature(name: "tale", email: "tale@localhost")
  /// Bytes of a plan, a state or a file that is read back.
  static let maxReadBytes = 64 << 20

  /// Opens work/, or begins it.
  init(_ folder: ProjectFolder, thread: ThreadExecutor) throws {
    root = folder.work
    input = folder.input
    after = folder.after
    self.thread = thread
    #if DEBUG
      if Plant.unsyncedGit.isPlanted { try Repository.forgetToSync() }
    #endif
    repository = try Repository.create(at: folder.work)
  }

  var finished: Set<Subtask.ID> { Set(sizes.keys) }
  func isFinished(_ subtask: Subtask.ID) -> Bool { sizes[subtask] != nil }
  var entries: [WorkState.Entry] { state.done }

  /// Makes the folder equal to the last commit, and reads from it where the project stands.
  ///
  /// - Parameters:
  ///   - restore: the last one that the journal knows, while nothing is committed after it; what a
  ///     crash kept from being done of it is done.
  ///   - tip: the last commit that the journal knows.
  /// - Returns: what was found and done, for the journal.
  func recover(
    at now: Timestamp, restore: Event.Restored? = nil, tip: String? = nil
  ) throws -> [String] {
    var notes: [String] = []
    #if DEBUG
      let locks = Plant.keptGitLock.isPlanted ? [] : try repository.removeStaleLocks()
    #else
      let locks = try repository.removeStaleLocks()
    #endif
    if !locks.isEmpty {
      notes.append("removed stale locks of git: \(locks.joined(separator: ", "))")
    }
    scatteredPacks = try repository.scatteredPacks()
    if let restore { notes += try finish(restore) }
    if try repository.head() == nil { notes += try putMainBack(to: tip) }
    guard var head = try repository.head() else {
      // Of the plan's commit nothing but files of tale's own can be here.
      let own = root.appending(".tale")
      if try FileStatus.ifPresent(own)?.kind == .folder {
        try DurableFile.removeLeftovers(in: own, alone: true)
      }
      return notes
    }
    if let tip = tip.flatMap({ CommitID($0) }), try hasLostPlan(head, since: tip) {
      last = tip
      try bringBack(at: now)
      notes.append(
        "a commit had taken \(Self.planPath) and other files away from main: they are back")
      head = last ?? head
    }
    var changes = try repository.changes()
    #if DEBUG
      if Plant.keptStray.isPlanted { changes = [] }
    #endif
    // Half of a file that was to be replaced when tale was killed is nobody's work.
    for change in changes where change.kind == .added {
      let path = root.pushing(FilePath(change.path))
      if DurableFile.isLeftover(path) { try DurableFile.remove(path) }
    }
    changes.removeAll { DurableFile.isLeftover(FilePath($0.path)) }
    // What is only missing was not written yet when tale ended, and is in the commit.
    if changes.contains(where: { $0.kind != .deleted }), try isStray(changes, restore) {
      let kept = try repository.keepStray(
        under: "refs/tale/stray", message: "What stood in work/ beside the last checkpoint",
        at: now.milliseconds / 1000, author: Self.author)
      if let kept { notes.append("kept what was not committed in work/ as \(kept.reference)") }
    }
    if !changes.isEmpty { try repository.restoreWorkTree() }
    try repository.standOnMain()
    try take(head)
    #if DEBUG
      if Plant.forgottenState.isPlanted {
        state = WorkState()
        return notes
      }
    #endif
    try dropFinishedPartials()
    return notes
  }

  /// Reads plan and state as a commit has them: from there the project goes on.
  func take(_ head: CommitID) throws {
    let checkpoint = try Checkpoint.at(head, in: repository)
    plan = checkpoint.plan
    state = checkpoint.state
    last = head
  }

  /// The first commit: the plan, and that nothing is done.
  func begin(_ plan: Plan, at now: Timestamp) throws -> CommitID {
    let start = try startCommit()
    let commit = try commit(
      [(Self.planPath, try JSON.document(plan))], WorkState(start: start?.description),
      message: "Plan: \(plan.title)", at: now)
    self.plan = plan
    return commit
  }

  /// A subtask's checkpoint: its file and that it is done, in one commit.
  func finish(
    _ subtask: Subtask, content: [UInt8], call: Int, at now: Timestamp
  ) throws -> CommitID {
    var next = state
    next.done.append(
      .init(
        subtask: subtask.id, path: subtask.output, bytes: content.count,
        sha256: SHA256.of(content), call: call))
    let path = subtask.output?.description ?? Self.notePath(subtask.id)
    let commit = try commit(
      [(path, content)], next, message: "\(subtask.id) \(Self.oneLine(subtask.title))", at: now)
    dropPartial(of: subtask.id)
    return commit
  }

  /// A file as the last commit has it.
  func read(_ path: DeliverablePath) throws -> [UInt8]? { try read(path.description) }

  func note(of subtask: Subtask.ID) throws -> [UInt8]? { try read(Self.notePath(subtask)) }

  /// The commit with which so many subtasks were done, 0 for the plan's; nil where there is none.
  func commit(finishing count: Int) throws -> CommitID? {
    var found: CommitID?
    // Whoever owns work/ may have committed there too, so that places in the history say nothing.
    for commit in try repository.log(limit: Repository.commitsMax) {
      guard
        let bytes = try repository.read(Self.statePath, at: commit.id, limit: Self.maxReadBytes),
        try JSON.decodeVersioned(WorkState.self, from: bytes).done.count >= count
      else { break }
      found = commit.id
    }
    return found
  }

  /// Writes the index, so that a plain `git status` is clean. Somebody's own git may hold it for a
  /// moment: that is waited for.
  func seal(_ clock: any Clock<Duration>) async throws {
    for _ in 0..<Self.sealTries {
      do {
        return try seal()
      } catch let failure as GitFailure where failure.isLocked {
        // Also while this task is being cancelled: then without the wait.
        try? await clock.sleep(for: .milliseconds(250))
      }
    }
    try seal()
  }

  private static let sealTries = 20

  private func seal() throws {
    #if DEBUG
      if Plant.unwrittenIndex.isPlanted { return }
    #endif
    guard try repository.head() != nil else { return }
    try repository.standOnMain()
    try repository.writeIndex()
  }

  /// Opens the repository anew after its packs were put together, to forget those that are gone.
  func reopen() throws {
    repository = try Repository.open(at: root)
    scatteredPacks = try repository.scatteredPacks()
  }

  /// Makes the files in the work tree survive a loss of power. Until the end git alone holds them,
  /// and recovery restores them from there; after it, nothing does.
  func makeDurable() throws {
    var folders: Set<FilePath> = [root]
    guard let head = try repository.head() else { return }
    for file in try repository.files(at: head) where !file.isLink {
      let path = root.pushing(file.place)
      try Descriptor.open(path, O_RDONLY | O_NOFOLLOW, operation: "sync").sync()
      var parent = path.removingLastComponent()
      while parent != root, folders.insert(parent).inserted { parent.removeLastComponent() }
    }
    for folder in folders { try Folder.sync(folder) }
  }

  /// What was made, without tale's own files.
  func deliverable() throws -> Deliverable {
    guard let head = try repository.head() else { throw HistoryGone(path: root) }
    let start = try startCommit()
    let before = Set(try start.map(ownFiles(at:)) ?? [])
    let now = try ownFiles(at: head)
    return Deliverable(
      commit: head.description, tree: try repository.treeID(of: head).description,
      commits: try repository.log(limit: Repository.commitsMax, until: start).count,
      files: try now.map { file in
        .init(
          path: file.path, bytes: file.size,
          sha256: SHA256.of(try repository.content(of: file.blob)))
      },
      changed: Set(now.filter { !before.contains($0) }.map(\.path)))
  }

  private func ownFiles(at commit: CommitID) throws -> [TreeFile] {
    try repository.files(at: commit).filter { !$0.path.hasPrefix(".tale/") }
  }

  /// Looks what came with the project or what work/ began with.
  func findMaterials(_ start: ProjectDescription.Start) throws { materials = try list(start) }

  /// Where the history stands; nil before the first commit.
  func head() throws -> CommitID? { try repository.head() }

  private func read(_ path: String) throws -> [UInt8]? {
    guard let head = try repository.head() else { return nil }
    return try repository.read(path, at: head, limit: Self.maxReadBytes)
  }

  private func commit(
    _ files: [(path: String, content: [UInt8])], _ next: WorkState, message: String,
    at now: Timestamp
  ) throws -> CommitID {
    let all = files + [(Self.statePath, try JSON.document(next))]
    try bringBack(at: now)
    // A script that is rewritten stays executable.
    let executable = try executablePaths(among: all.map(\.path))
    for file in all {
      try write(file.content, to: file.path, executable: executable.contains(file.path))
    }
    let commit = try repository.commit(
      all.map {
        .put(path: $0.path, bytes: $0.content, executable: executable.contains($0.path))
      },
      message: message, at: now.milliseconds / 1000, author: Self.author)
    state = next
    last = commit
    scatteredPacks += 1
    return commit
  }

  /// Looks what somebody else did to `main` while the project ran. Their commits are built upon; what
  /// these took away is put back by a commit of its own, since git's index is not kept up meanwhile and
  /// a plain `git commit` takes away all that it does not name.
  ///
  /// - Throws: ``MainMoved`` where `main` is on another line by now: what is in memory does not speak
  ///   of that.
  func bringBack(at now: Timestamp) throws {
    guard let known = last, let head = try head(), head != known else { return }
    guard try repository.isBehind(known, head) else {
      throw MainMoved(path: root, from: known.description, to: head.description)
    }
    last = head
    let present = Set(try repository.files(at: head).map(\.path))
    var changes: [TreeChange] = []
    for file in try repository.files(at: known) where !file.isLink && !present.contains(file.path) {
      let content = try repository.content(of: file.blob)
      try write(content, to: file.path, executable: file.executable)
      changes.append(.put(path: file.path, bytes: content, executable: file.executable))
    }
    if changes.isEmpty { return }
    last = try repository.commit(
      changes, message: "Bring back what a commit took away", at: now.milliseconds / 1000,
      author: Self.author)
    scatteredPacks += 1
  }

  /// Whether a commit on top of what the journal knows has no plan, while that had one.
  private func hasLostPlan(_ head: CommitID, since tip: CommitID) throws -> Bool {
    guard tip != head,
      try repository.read(Self.planPath, at: head, limit: Self.maxReadBytes) == nil,
      try repository.isBehind(tip, head)
    else { return false }
    return try repository.read(Self.planPath, at: tip, limit: Self.maxReadBytes) != nil
  }

  /// Makes a commit beside `main`.
  func commit(
    aside name: String, _ files: [(path: String, content: [UInt8])], message: String,
    at now: Timestamp
  ) throws {
    _ = try repository.commit(
      aside: name, files.map { .put(path: $0.path, bytes: $0.content) }, message: message,
      at: now.milliseconds / 1000, author: Self.author)
    scatteredPacks += 1
  }

  private func executablePaths(among paths: [String]) throws -> Set<String> {
    // Only a project that began with files has any.
    guard state.start != nil, let head = try head() else { return [] }
    return Set(try paths.filter { try repository.isExecutable($0, at: head) })
  }

  /// Puts a file into the work tree. Not synced: git holds it, and recovery restores it.
  private func write(_ content: [UInt8], to path: String, executable: Bool) throws {
    let target = root.pushing(FilePath(path))
    var parent = root
    for part in FilePath(path).removingLastComponent().components {
      parent.append(part)
      guard let status = try FileStatus.ifPresent(parent) else {
        try Folder.create(parent)
        continue
      }
      // Nothing but a folder may be walked through: a link could lead anywhere.
      if status.kind != .folder {
        try DurableFile.remove(parent)
        try Folder.create(parent)
      }
    }
    if try FileStatus.ifPresent(target)?.kind == .folder { try Folder.removeTree(target) }
    try DurableFile.replace(
      target, with: content, durable: false, mode: executable ? 0o755 : 0o644)
  }

  static func notePath(_ subtask: Subtask.ID) -> String { ".tale/notes/\(subtask).md" }

  private static func oneLine(_ text: String) -> String {
    String(text.map { $0.isNewline ? " " : $0 }.prefix(120))
  }
}

/// Somebody took the commits away while the project ran.
struct HistoryGone: Error, CustomStringConvertible {
  let path: FilePath
  var description: String { "\(path) has no commit on main any more" }
}

/// Somebody moved `main` to another line while the project ran.
struct MainMoved: Error, CustomStringConvertible {
  let path: FilePath
  let from: String
  let to: String

  var description: String {
    """
    somebody moved main in \(path) from \(from.prefix(10)) to \(to.prefix(10)); it goes on from \
    there, and keeps what was left
    """
  }
}

/// What a project made, as its last commit has it.
struct Deliverable: Sendable, Equatable {
  let commit: String
  let tree: String
  /// Those of tale, without the history that came along.
  let commits: Int
  let files: [File]
  /// Paths of those that are new or not as they were at the start.
  let changed: Set<String>

  struct File: Sendable, Equatable, Codable {
    let path: String
    let bytes: Int
    let sha256: String
  }
}
