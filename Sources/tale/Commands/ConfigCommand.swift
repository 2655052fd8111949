internal import ArgumentParser
internal import TaleConfig
internal import TaleCore

struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config",
    abstract: "Print every value of the configuration and where it came from.")

  @Flag(help: "As JSON.")
  var json = false

  @OptionGroup var options: GlobalOptions

  private struct Listing: Codable {
    var schema = JSON.schema
    let values: [Row]
  }

  private struct Row: Codable {
    let key: String
    let value: String
    let source: String
  }

  func run() throws {
    let session = try Session(options, quiet: true)
    let rows = session.layers.values.sorted { $0.key < $1.key }.map { key, value in
      Row(key: key, value: text(value.content), source: "\(value.source)")
    }
    if json {
      Terminal.data(
        String(decoding: try JSON.document(Listing(values: rows)), as: UTF8.self), terminator: "")
    } else {
      for row in rows { Terminal.data("\(row.key): \(row.value)  (\(row.source))") }
    }
  }

  private func text(_ content: SettingValue.Content) -> String {
    switch content {
    case .text(let text): text.isEmpty ? "\"\"" : text
    case .integer(let number): "\(number)"
    case .number(let number): "\(number)"
    case .names(let names): "[\(names.joined(separator: ", "))]"
    }
  }
}
