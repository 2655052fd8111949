/// A key whose value is another one than before.
public struct ConfigChange: Sendable, Equatable {
  public let path: String
  /// Nil where there is none any more.
  public let value: SettingValue?
  public let effect: SettingKey.Effect
}

extension ConfigLayers {
  /// Takes what can change while tale runs from layers that were read anew.
  ///
  /// - Returns: everything that is another value there, sorted; what needs a restart is named again
  ///   each time as long as it differs from what runs.
  public mutating func take(from new: ConfigLayers) -> [ConfigChange] {
    var changes: [ConfigChange] = []
    for path in Set(values.keys).union(new.values.keys).sorted() {
      let effect = SettingKey.of(path)?.effect ?? .restart
      let value = new.values[path]
      if values[path]?.content != value?.content {
        changes.append(ConfigChange(path: path, value: value, effect: effect))
      }
      if effect == .reread, let value { set(path, value) }
    }
    return changes
  }
}
