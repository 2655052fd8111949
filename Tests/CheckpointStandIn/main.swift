import Foundation
import Glibc
import SystemPackage
import TaleGit

// Checkpoints as a process of its own, for what is measured of them:
//   FOLDER FIRST COUNT       makes checkpoints with the numbers from FIRST on, and puts their packs
//                            together as a runner does while its model is at work
//   FOLDER FIRST COUNT ask   the same, each when a line comes on standard input, and prints the
//                            nanoseconds that it took; a gathering is not among them
let author = GitSignature(name: "tale", email: "tale@localhost")

/// 10 KB of state, of which a line changes from one checkpoint to the next.
struct State {
  private var lines = (0..<100).map { State.line($0, 0) }

  init(before step: Int) {
    for past in max(0, step - 100)..<step { change(past) }
  }

  mutating func change(_ step: Int) { lines[step % 100] = Self.line(step % 100, step + 1) }

  var bytes: [UInt8] { Array("{\"done\": [\n\(lines.joined(separator: ",\n"))\n]}\n".utf8) }

  private static func line(_ place: Int, _ step: Int) -> String {
    // SplitMix64, so that whoever repeats this gets the same.
    var seed = UInt64(place) << 32 | UInt64(step)
    let words = (0..<3).map { _ in
      seed &+= 0x9E37_79B9_7F4A_7C15
      var mixed = (seed ^ (seed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      let digits = String(mixed ^ (mixed >> 31), radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }
    return
      "{\"subtask\": \"1.\(1000 + place)\", \"bytes\": 12345, \"sha256\": \"\(words.joined())\"}"
  }
}

func say(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = write(1, bytes, bytes.count)
}

/// The part of a runner: the file in the work tree, unsynced, and the commit.
func save(_ content: [UInt8], _ step: Int, _ repository: borrowing Repository) throws {
  try Data(content).write(
    to: URL(fileURLWithPath: repository.place.appending("state.json").string))
  _ = try repository.commit(
    [.put(path: "state.json", bytes: content)], message: "checkpoint \(step)",
    at: 1_800_000_000 + Int64(step), author: author)
}

func run(_ arguments: [String]) throws {
  guard arguments.count >= 4, let first = Int(arguments[2]), let count = Int(arguments[3]) else {
    say("usage: CheckpointStandIn FOLDER FIRST COUNT [ask]")
    exit(2)
  }
  let place = FilePath(arguments[1])
  let asks = arguments.last == "ask"
  var repository = try Repository.create(at: place)
  var packs = try repository.scatteredPacks()
  var state = State(before: first)
  for step in first..<first + count {
    if asks, readLine() == nil { return }
    state.change(step)
    let content = state.bytes
    let begin = ContinuousClock.now
    try save(content, step, repository)
    let time = begin.duration(to: .now)
    packs += 1
    if packs >= Repository.scatteredMax {
      _ = try repository.gatherObjects()
      repository = try Repository.open(at: place)
      packs = try repository.scatteredPacks()
    }
    if asks {
      say(
        "\(time.components.seconds * 1_000_000_000 + time.components.attoseconds / 1_000_000_000)")
    }
  }
}

do { try run(CommandLine.arguments) } catch {
  say("\(error)")
  exit(1)
}
