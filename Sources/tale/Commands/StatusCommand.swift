internal import ArgumentParser
internal import SystemPackage
internal import TaleConfig
internal import TaleCore
internal import TaleQueue
internal import TaleRunner
internal import TaleSystem

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show what waits, what runs, and what is ignored.",
    discussion: "What lies in the inbox and is not taken is listed with the reason and the mend.")

  @Argument(
    help: "A project's ID, or a part of it; without it, the whole queue.",
    completion: IDCompletion.kind)
  var id: String?

  @Flag(help: "As JSON.")
  var json = false

  @OptionGroup var options: GlobalOptions

  /// Of projects that nobody has begun, as many are shown.
  private static let waitingMax = 20

  func run() throws {
    let session = try Session(options)
    let queue = try session.openQueue(create: false)
    if let id {
      try show(try ProjectLookup(queue).find(id), session.outlook(queue))
    } else {
      var status = try QueueStatus.of(
        queue, session.settings.queue.mode, session.outlook(queue),
        waitingMax: json ? .max : Self.waitingMax)
      status.lookAtDisk(queue, reserve: session.settings.queue.reserve)
      if json {
        try Terminal.json(status)
      } else {
        Terminal.data(status.text(at: SystemTime().now()))
      }
    }
  }

  private func show(_ folder: ProjectFolder, _ outlook: Outlook) throws {
    let bytes = try DurableFile.read(folder.progress, limit: 1 << 20)
    var outlook = outlook
    let written = try JSON.decodeVersioned(Progress.self, from: bytes)
    let progress = outlook.filled(written.held(by: try Lease.holding(of: folder)))
    if json { return try Terminal.json(progress) }
    Terminal.data(progress.text, terminator: "")
    if let silence = progress.silence(at: SystemTime().now()) {
      Terminal.data("- Runner: \(silence)")
    }
    Terminal.data("- Folder: \(folder.path)")
  }
}

/// What `tale status` says of a queue.
struct QueueStatus: Codable {
  var schema = JSON.schema
  let queue: String
  /// As configured: `accept` where nothing is run now.
  let mode: Settings.Queue.Mode
  let active: [Progress]
  /// Active ones that nobody has begun and that are not in the list.
  let more: Int?
  let done: Int
  let failed: Int
  /// Drops in the inbox that nobody has taken up yet.
  let waiting: [String]
  /// Why none of these is taken now; nil for no reason.
  private(set) var refusal: String?
  let ignored: [Ignored]
  /// Projects in active whose progress cannot be read, and why.
  let unreadable: [String]

  struct Ignored: Codable {
    let name: String
    let why: String
    let mend: String
  }

  /// - Parameter waitingMax: of those that nobody has begun, how many are read.
  static func of(
    _ queue: Queue, _ mode: Settings.Queue.Mode, _ outlook: Outlook, waitingMax: Int
  ) throws -> QueueStatus {
    var outlook = outlook
    var active: [Progress] = []
    var unreadable: [String] = []
    var begun = 0
    var more = 0
    for folder in try queue.projects(in: queue.folders.active) {
      do {
        // A lease file tells that somebody has worked on it: those are shown, however many wait.
        if try FileStatus.ifPresent(folder.lease) != nil {
          begun += 1
        } else if active.count - begun >= waitingMax {
          more += 1
          continue
        }
        let bytes = try DurableFile.read(folder.progress, limit: 1 << 20)
        let progress = try JSON.decodeVersioned(Progress.self, from: bytes)
        active.append(outlook.filled(progress.held(by: try Lease.holding(of: folder))))
      } catch let failure as SystemFailure where failure.isMissing {
        // Delivered since the listing.
      } catch {
        unreadable.append("\(folder.id): \(error)")
      }
    }
    let drops = try InboxListing(queue.folders).entries()
    let waiting = drops.compactMap { entry -> String? in
      switch entry.verdict {
      case .candidate, .filling: entry.displayName
      case .ignored, .passedOver: nil
      }
    }
    let ignored = drops.compactMap { entry -> Ignored? in
      guard case .ignored(let why, let mend) = entry.verdict else { return nil }
      return Ignored(name: entry.displayName, why: why, mend: mend)
    }
    let ignoredControls = try ControlFolder(queue.folders).entries().compactMap {
      entry -> Ignored? in
      guard case .ignored(let why, let mend) = entry.verdict else { return nil }
      return Ignored(name: "control/\(entry.name.string)", why: why, mend: mend)
    }
    return QueueStatus(
      queue: queue.folders.root.string, mode: mode,
      active: active.sorted { $0.sequence < $1.sequence }, more: more == 0 ? nil : more,
      done: try queue.projects(in: queue.folders.outbox).count,
      failed: try queue.projects(in: queue.folders.failed).count,
      waiting: waiting, ignored: ignored + ignoredControls,
      unreadable: unreadable)
  }

  /// Finds out whether the disk has room for what is dropped.
  mutating func lookAtDisk(_ queue: Queue, reserve: Int) {
    // What cannot be asked for is no reason to show nothing.
    guard let free = try? FileSystemKind.freeBytes(at: queue.folders.root), free < reserve else {
      return
    }
    refusal =
      "nothing is accepted: \(ByteText.readable(free)) are free, and \(ByteText.readable(reserve)) stay free (queue.reserve); make some room, `tale prune` shows what may go"
  }

  /// - Parameter now: the time of day, which tells whether a runner was heard of lately.
  func text(at now: Timestamp) -> String {
    var lines = [
      "\(queue): \(active.count + (more ?? 0)) active, \(done) done, \(failed) failed"
    ]
    if mode == .accept {
      lines.append("  it only accepts now and runs nothing (queue.mode is accept)")
    }
    for progress in active {
      let held = progress.runner.map { ", process \($0)" } ?? ""
      let isLeft =
        progress.runner == nil && [.planning, .running, .checking].contains(progress.state)
      let left = isLeft ? ", but its process is gone; `tale watch` or `tale drain` goes on" : ""
      lines.append("  \(progress.id)  \(progress.headline)\(held)\(left)")
      if let silence = progress.silence(at: now) { lines.append("    \(silence)") }
      if let deadline = progress.deadline { lines.append("    deadline \(deadline.text)") }
      if progress.subtasksTotal > 0 {
        let left = progress.left.map { ", \($0.time) left" } ?? ""
        let cap = progress.tokens.budget.map { " of \($0.grouped)" } ?? ""
        lines.append(
          """
              \(progress.subtasksDone) of \(progress.subtasksTotal.counted("subtask")) done, \
          \((progress.tokens.prompt + progress.tokens.completion).grouped)\(cap) tokens\(left)
          """)
      }
      // What a killed runner wrote last is not worked on by anybody.
      for item in progress.runner == nil ? [] : progress.current {
        let number = item.subtask.map { "\($0) " } ?? ""
        lines.append("    now \(number)\(item.title), \(item.bytes.grouped) bytes so far")
      }
    }
    if let more { lines.append("  and \(more.grouped) more that wait; `tale list` has them all") }
    if !waiting.isEmpty {
      let more = waiting.count > 10 ? " and \(waiting.count - 10) more" : ""
      lines.append(
        """
          in the inbox: \(waiting.prefix(10).joined(separator: ", "))\(more); a `tale watch` or \
        `tale drain` takes it
        """)
    }
    if let refusal { lines.append("  \(refusal)") }
    for item in ignored { lines.append("  ignored: \(item.name): \(item.why); \(item.mend)") }
    for item in unreadable { lines.append("  unreadable: \(item)") }
    return lines.joined(separator: "\n")
  }
}
