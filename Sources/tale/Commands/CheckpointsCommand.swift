internal import ArgumentParser
internal import TaleCore
internal import TaleQueue
internal import TaleRunner

struct CheckpointsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoints", abstract: "Show the commits of a project's work, newest first.",
    discussion: """
      `tale restore` and `tale fork` take any of them. What a restore has abandoned follows below.
      """)

  @OptionGroup var about: OneProject

  private struct Answer: Codable {
    var schema = JSON.schema
    let id: ProjectID
    let checkpoints: [CheckpointList.Entry]
    let kept: [CheckpointList.Kept]
  }

  func run() throws {
    let session = try about.session()
    let folder = try ProjectLookup(try session.openQueue(create: false)).find(about.id)
    let list = try CheckpointList(folder)
    if list.entries.isEmpty { Terminal.note("\(folder.id) has no checkpoint yet") }
    if about.json {
      let answer = Answer(id: folder.id, checkpoints: list.entries, kept: list.kept)
      return try Terminal.json(answer)
    }
    var reference: String?
    for entry in list.entries {
      if entry.abandoned != reference, let abandoned = entry.abandoned {
        Terminal.data("abandoned by a restore, kept as \(abandoned):")
      }
      reference = entry.abandoned
      Terminal.data(Self.line(entry))
    }
    if !list.kept.isEmpty { Terminal.data("kept beside them:") }
    for kept in list.kept {
      Terminal.data(
        "      \(kept.commit.prefix(10))  \(kept.time.readable)  \(kept.reference): \(kept.subject)"
      )
    }
  }

  private static func line(_ entry: CheckpointList.Entry) -> String {
    let number = entry.number.map { "\($0)" } ?? "-"
    let tokens = entry.tokens.map { "\($0.grouped) tokens" } ?? ""
    let phase = entry.phase.map { "phase \($0.number)/\($0.count)" } ?? ""
    let files = entry.files.isEmpty ? "" : "  (\(entry.files.joined(separator: ", ")))"
    return """
      \(String(repeating: " ", count: max(0, 4 - number.count)))\(number)  \
      \(entry.commit.prefix(10))  \(entry.time.readable)  \(tokens.padded(to: 14))  \
      \(phase.padded(to: 9))  \(entry.subject)\(files)
      """
  }
}
