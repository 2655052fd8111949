import FoundationEssentials
import TaleCore
import TaleLedger

/// A ledger in a folder of its own, gone with the test.
final class LedgerPlace {
  let folder: URL
  var path: String { folder.appendingPathComponent("ledger.sqlite").path }

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("tale-ledger-\(UInt64.random(in: .min ... .max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func open() -> Ledger { Ledger(path: path) }

  /// Deletes the database with all that stands beside it.
  func deleteDatabase() throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
      try FileManager.default.removeItem(at: folder.appendingPathComponent(name))
    }
  }
}

/// Journals as projects leave them.
enum Journals {
  static func id(_ number: Int = 1) throws -> ProjectID {
    let digits = String(1000 + number)
    guard let id = ProjectID("20261122-213005-project-\(digits)") else { throw NoID() }
    return id
  }

  static func project(_ number: Int = 1) throws -> [JournalLine] {
    let reserved = { (call: Int, subtask: String?, attempt: Int, strategy: String) in
      Event.reserved(
        .init(
          call: call, purpose: subtask == nil ? .plan : .subtask, subtask: subtask,
          attempt: attempt, role: "task", model: "m", tokens: 1000 * call, maxTokens: 500,
          estimated: 240, strategy: strategy))
    }
    let settled = {
      (call: Int, outcome: CallOutcome, prompt: Int?, completion: Int?, booked: Int) in
      Event.settled(
        .init(
          call: call, outcome: outcome, promptTokens: prompt, completionTokens: completion,
          booked: booked, milliseconds: 2000))
    }
    let events: [Event] = [
      .accepted(
        .init(
          id: try id(number), sequence: number, name: "x.md", lane: "urgent", origin: "inbox",
          sha256: "ab", bytes: 10, priority: 0)),
      .leased(.init(pid: 1, version: "0.1.0")),
      .moved(.init(from: .queued, to: .planning)),
      reserved(1, nil, 1, "first"), settled(1, .answered, 100, 50, 150),
      .planned(.init(origin: .model, phases: 1, subtasks: 2, commit: "c0", estimate: nil)),
      .moved(.init(from: .planning, to: .running)),
      reserved(2, "1.1", 1, "first"), settled(2, .answered, 200, 70, 270),
      .attemptFailed(.init(call: 2, subtask: "1.1", why: "it is empty")),
      reserved(3, "1.1", 2, "more tokens"), settled(3, .answered, 210, 80, 290),
      .committed(.init(subtask: "1.1", commit: "c1", path: "a.py", bytes: 10)),
      reserved(4, "1.2", 1, "first"),
      settled(4, .interrupted, nil, nil, 4000),
      .noted(.init(.warning, "mind this")), .noted(.init(.info, "fine")),
      reserved(5, "1.2", 2, "first"), settled(5, .cut, 220, 500, 720),
      reserved(6, "1.2", 3, "more tokens"), settled(6, .answered, 220, 90, 310),
      .committed(.init(subtask: "1.2", commit: "c2", path: nil, bytes: 5)),
      .moved(.init(from: .running, to: .checking)),
      .ended(.init(outcome: .done, reason: "all of it")),
    ]
    return events.enumerated().map { index, event in
      JournalLine(
        number: index + 1, time: Timestamp(seconds: 1_800_000_000 + Int64(index)), event: event)
    }
  }

  struct NoID: Error {}
}
