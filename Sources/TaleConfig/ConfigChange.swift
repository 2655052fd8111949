/// A key whose value is another one than before.
public struct ConfigChange: Sendable, Equatable {
  public let path: String
  /// Nil where there is none any more.
  public let value: SettingValue?
  public let effect: SettingKey.Effect
}

extension ConfigLayers {
  /// Takes what can change while tale runs from layers that were read anew. The window of a lane
  /// that is new, or is none any more, waits for the restart as the lane does.
  ///
  /// - Returns: everything that is another value there, sorted; what needs a restart is named again
  ///   each time as long as it differs from what runs.
  public mutating func take(from new: ConfigLayers) -> [ConfigChange] {
    var changes: [ConfigChange] = []
    for path in Set(values.keys).union(new.values.keys).sorted() {
      let isHeld = Self.lane(of: path).map { !lanes.contains($0) || !new.lanes.contains($0) }
      let effect = isHeld == true ? .restart : SettingKey.of(path)?.effect ?? .restart
      let value = new.values[path]
      if values[path]?.content != value?.content {
        changes.append(ConfigChange(path: path, value: value, effect: effect))
      }
      // One without a default may have gone.
      if effect == .reread { set(path, value) }
    }
    return changes
  }

  /// The lane whose window a key is; nil for other keys.
  static func lane(of path: String) -> String? {
    let parts = parts(of: path)
    return parts.count == 3 && parts.starts(with: ["queue", "windows"]) ? parts[2] : nil
  }

  var lanes: [String] {
    guard case .names(let names) = values["lanes"]?.content else { return [] }
    return names
  }
}
