import SystemPackage

/// What the model wrote down of its calls.
struct CallRecord {
  struct Call {
    let number: Int
    let life: Int
    /// Nanoseconds since the night began.
    let begun: Int64
    /// Milliseconds since 1970, on the wall.
    let wall: Int64
    let marker: String
    let subtask: String
    /// Through which it was made.
    let door: Int
    /// `answered`, `cut`, `failed`, or `limited:` with milliseconds; nil: tale died in it.
    var outcome: String?
    var promptTokens = 0
    var completionTokens = 0
    var ended: Int64 = 0

    var spent: Int { promptTokens + completionTokens }
    /// How long the model asked to be left alone, in nanoseconds.
    var wait: Int64? {
      guard let outcome, outcome.hasPrefix("limited:") else { return nil }
      return Int64(outcome.dropFirst(8)).map { $0 * 1_000_000 }
    }
  }

  private(set) var calls: [Call] = []
  /// When clocks were set, in nanoseconds since the night began.
  private(set) var jumps: [Int64] = []

  init(_ path: FilePath) {
    for line in Place.lines(path) {
      let words = line.split(separator: " ").map(String.init)
      switch words.first {
      case "begun" where words.count == 8:
        calls.append(
          Call(
            number: Int(words[1]) ?? 0, life: Int(words[2]) ?? 0, begun: Int64(words[3]) ?? 0,
            wall: Int64(words[4]) ?? 0, marker: words[5], subtask: words[6],
            door: Int(words[7]) ?? 0))
      case "ended" where words.count == 6:
        guard let number = Int(words[1]), calls.indices.contains(number - 1) else { break }
        calls[number - 1].outcome = words[2]
        calls[number - 1].promptTokens = Int(words[3]) ?? 0
        calls[number - 1].completionTokens = Int(words[4]) ?? 0
        calls[number - 1].ended = Int64(words[5]) ?? 0
      case "jump" where words.count == 3: jumps.append(Int64(words[1]) ?? 0)
      default: break
      }
    }
  }
}
