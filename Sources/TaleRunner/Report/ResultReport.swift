internal import TaleCore
internal import TaleQueue

/// result.md: what was made, how it was checked, what it cost.
enum ResultReport {
  static func text(
    _ id: ProjectID, title: String, _ plan: Plan, _ book: ProjectBook, _ deliverable: Deliverable,
    localTime: LocalTime, at now: Timestamp
  ) -> String {
    var lines = ["# \(title)", "", "Done on \(now.readable)."]
    if let deadline = book.accepted?.schedule?.deadline {
      let late = DurationText.readable(seconds: Int((now - deadline).milliseconds / 1000))
      let met = now <= deadline ? "was met" : "was not met: it was done \(late) later"
      lines += ["", "The deadline, \(localTime.text(deadline, at: now)), \(met)."]
    }
    lines += ["", "## What was made", ""]
    let made = deliverable.files.filter { deliverable.changed.contains($0.path) }
    lines += made.map { "- `work/\($0.path)` (\($0.bytes.grouped) bytes)" }
    let kept = deliverable.files.count - made.count
    if kept > 0 { lines.append("- as they were dropped: \(kept.counted("other file"))") }
    if made.isEmpty { lines.append("No files: the answers are notes, in `work/.tale/notes/`.") }
    lines += ["", "## How it was made", ""]
    lines.append(
      "\(plan.subtasks.count.counted("subtask")) in \(plan.phases.count.counted("phase")), "
        + "\(origin(plan)); \(deliverable.commits.counted("commit")) in `work/` (`git log` shows them)."
    )
    lines.append("")
    if let from = book.accepted?.from, let note = book.notes.first, note.level == .info {
      lines += ["\(kind(book.accepted)) `\(from)`: \(note.message).", ""]
    }
    let refused = Dictionary(grouping: book.failedAttempts) { $0.subtask ?? "" }
    for subtask in plan.subtasks {
      let again = refused[subtask.id].map { ", after \($0.count.counted("unusable answer"))" } ?? ""
      let file = subtask.output.map { " -> `\($0)`" } ?? ""
      lines.append("- \(subtask.id) \(subtask.title)\(file)\(again)")
    }
    lines += ["", "## How it was checked", ""]
    lines.append(
      """
      Every answer came whole, and every file is there and not empty. Nothing was run: the result is \
      **unverified**. `receipt.json` lists the SHA-256 of each file.
      """)
    lines += ["", "## What it cost", ""] + Bill.lines(book, at: now) + Bill.warnings(book)
    lines += ["", "ID: \(id)", ""]
    return lines.joined(separator: "\n")
  }

  private static func kind(_ accepted: Event.Accepted?) -> String {
    switch accepted.flatMap({ ProjectCopy.Origin(rawValue: $0.origin) }) {
    case .fork: "A fork of"
    case .restore: "Restored from"
    case .retry, nil: "A retry of"
    }
  }

  private static func origin(_ plan: Plan) -> String {
    switch plan.origin {
    case .tasks: "planned by the task list of the description"
    case .phases: "planned by the description"
    case .model: "planned by the task model"
    case .fallback: "planned without the model, whose plans could not be used"
    }
  }
}
