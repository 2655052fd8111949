import TaleCore
import TestSupport

/// Thinks of drops.
struct DropMaker {
  let seed: UInt64
  let evening: Timestamp
  let slots: Int
  private(set) var drops: [Drop] = []

  init(seed: UInt64, evening: Timestamp, slots: Int) {
    self.seed = seed
    self.evening = evening
    self.slots = slots
  }

  mutating func make(
    _ number: Int, at: Duration, _ chance: inout SeededGenerator
  ) -> Drop {
    let marker = "m\(seed)-\(number)"
    let isBad = chance.below(10) == 0
    let isFolder = chance.below(4) == 0
    let lane = ["", "urgent", "nightly"][chance.below(3)]
    let modified = evening.milliseconds / 1000 + at.components.seconds - Int64(chance.below(900))
    var keys: [String] = []
    var drop = Drop(
      number: number, name: "p\(number)", lane: lane, kind: isBad ? .bad : .good, marker: marker,
      description: "", isFolder: isFolder, extras: isFolder ? ["notes.txt", "deep/data.txt"] : [],
      modified: modified)
    if isBad { keys.append(["modle: task", "priority: high", "window: 25-30"][chance.below(3)]) }
    if chance.below(3) == 0 {
      drop.priority = chance.below(7) - 3
      keys.append("priority: \(drop.priority)")
    }
    if chance.below(8) == 0 {
      let window = ["23:30-01:00", "01:00-03:30", "02:15-02:45, 04:00-05:00"][chance.below(3)]
      drop.window = window
      keys.append("window: \"\(window)\"")
    }
    if chance.below(10) == 0 {
      drop.hasMoment = true
      keys.append("not_before: \"0\(chance.below(5)):\(10 + chance.below(49))\"")
    }
    if chance.below(12) == 0, !drop.hasMoment { keys.append("deadline: \"05:00\"") }
    if chance.below(6) == 0, number > 0 {
      let other = drops[chance.below(number)]
      let name =
        other.lane == lane
        ? other.name : "\(other.lane.isEmpty ? "inbox" : other.lane)/\(other.name)"
      drop.after = [chance.below(12) == 0 ? "nobody" : name]
      keys.append("after: \(drop.after[0])")
    }
    if chance.below(6) == 0 {
      drop.tokens = 6000 + chance.below(50_000)
      keys.append("budget: {tokens: \(drop.tokens ?? 0)}")
    }
    if chance.below(8) == 0 { keys.append("retries: \(chance.below(5))") }
    let front = keys.isEmpty ? "" : "---\n\(keys.joined(separator: "\n"))\n---\n"
    let made = front + Self.body(marker, &chance)
    drop = Drop(
      number: number, name: drop.name, lane: lane, kind: drop.kind, marker: marker,
      description: made, isFolder: isFolder, extras: drop.extras, modified: modified,
      window: drop.window, after: drop.after, priority: drop.priority, tokens: drop.tokens,
      hasMoment: drop.hasMoment)
    drops.append(drop)
    return drop
  }

  private static func body(_ marker: String, _ chance: inout SeededGenerator) -> String {
    var lines = ["# The work of \(marker)", "", "Its mark is \(marker).", ""]
    // Without a list the model plans.
    if chance.below(5) == 0 { return lines.joined(separator: "\n") }
    for phase in 1...(1 + chance.below(2)) {
      lines += ["## Phase \(phase)", ""]
      for item in 1...(1 + chance.below(4)) {
        let file = chance.below(6) == 0 ? "" : " -> `part-\(phase)-\(item).txt`"
        lines.append("- [ ] Write piece \(item) of phase \(phase)\(file)")
      }
      lines.append("")
    }
    return lines.joined(separator: "\n")
  }
}
