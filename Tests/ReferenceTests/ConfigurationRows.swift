import TaleConfig

/// How a key of the configuration stands in docs/reference/configuration.md.
enum ConfigurationRows {
  /// `system`, `models`, `models.servers.NAME`, ...; a key without a section stands for itself.
  static func heading(of key: SettingKey) -> String {
    let parts = key.path.split(separator: ".").dropLast()
    return parts.isEmpty ? key.path : parts.joined(separator: ".").replacing("*", with: "NAME")
  }

  static func row(_ key: SettingKey) -> String {
    let cells = [
      "`\(key.path.replacing("*", with: "NAME"))`", kind(key.kind),
      key.standard.map { $0.isEmpty ? "none" : "`\($0)`" } ?? "",
      key.variable.map { "`\($0)`" } ?? "", key.effect.rawValue, key.meaning,
    ]
    return "| \(cells.joined(separator: " | ")) |"
  }

  private static func kind(_ kind: SettingKey.Kind) -> String {
    switch kind {
    case .text: "text"
    case .optionalText: "text, or nothing"
    case .path: "path"
    case .integer(let range): "whole number, \(range.lowerBound) to \(range.upperBound)"
    case .number(let range): "number, \(range.lowerBound) to \(range.upperBound)"
    case .duration: "seconds"
    case .bytes: "bytes"
    case .choice(let names): names.map { "`\($0)`" }.joined(separator: ", ")
    case .names: "list of names"
    case .url: "address"
    case .variable: "name of a variable"
    case .amount: "amount, 0 or more"
    case .window: "hours of the day"
    }
  }
}
