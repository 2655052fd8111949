internal import ArgumentParser
internal import SystemPackage
internal import TaleConfig
internal import TaleCore
internal import TaleQueue
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

  func run() throws {
    let session = try Session(options)
    let queue = try session.openQueue(create: false)
    if let id {
      try show(try ProjectLookup(queue).find(id))
    } else {
      let status = try QueueStatus.of(queue, session.settings.queue.mode)
      if json { try Terminal.json(status) } else { Terminal.data(status.text) }
    }
  }

  private func show(_ folder: ProjectFolder) throws {
    let bytes = try DurableFile.read(json ? folder.progress : folder.progressText, limit: 1 << 20)
    Terminal.data(String(decoding: bytes, as: UTF8.self), terminator: "")
    if !json { Terminal.data("- Folder: \(folder.path)") }
  }
}

/// What `tale status` says of a queue.
struct QueueStatus: Codable {
  var schema = JSON.schema
  let queue: String
  /// As configured: `accept` where nothing is run now.
  let mode: Settings.Queue.Mode
  let active: [Progress]
  let done: Int
  let failed: Int
  /// Drops in the inbox that nobody has taken up yet.
  let waiting: [String]
  let ignored: [Ignored]
  /// Projects in active whose progress cannot be read, and why.
  let unreadable: [String]

  struct Ignored: Codable {
    let name: String
    let why: String
    let mend: String
  }

  static func of(_ queue: Queue, _ mode: Settings.Queue.Mode) throws -> QueueStatus {
    var active: [Progress] = []
    var unreadable: [String] = []
    for folder in try queue.projects(in: queue.folders.active) {
      do {
        let bytes = try DurableFile.read(folder.progress, limit: 1 << 20)
        var progress = try JSON.decodeVersioned(Progress.self, from: bytes)
        // What a killed runner wrote last names a process that is gone.
        progress.runner = try Lease.holder(of: folder)
        active.append(progress)
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
      active: active.sorted { $0.sequence < $1.sequence },
      done: try queue.projects(in: queue.folders.outbox).count,
      failed: try queue.projects(in: queue.folders.failed).count,
      waiting: waiting, ignored: ignored + ignoredControls,
      unreadable: unreadable)
  }

  var text: String {
    var lines = ["\(queue): \(active.count) active, \(done) done, \(failed) failed"]
    if mode == .accept {
      lines.append("  it only accepts now and runs nothing (queue.mode is accept)")
    }
    for progress in active {
      let held = progress.runner.map { ", process \($0)" } ?? ""
      let isLeft =
        progress.runner == nil && [.planning, .running, .checking].contains(progress.state)
      let left = isLeft ? ", but its process is gone; `tale watch` or `tale drain` goes on" : ""
      lines.append("  \(progress.id)  \(progress.headline)\(held)\(left)")
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
    if !waiting.isEmpty {
      let more = waiting.count > 10 ? " and \(waiting.count - 10) more" : ""
      lines.append(
        """
          in the inbox: \(waiting.prefix(10).joined(separator: ", "))\(more); a `tale watch` or \
        `tale drain` takes it
        """)
    }
    for item in ignored { lines.append("  ignored: \(item.name): \(item.why); \(item.mend)") }
    for item in unreadable { lines.append("  unreadable: \(item)") }
    return lines.joined(separator: "\n")
  }
}
