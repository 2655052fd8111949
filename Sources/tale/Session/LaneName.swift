internal import TaleConfig
internal import TaleCore

/// A lane as a person names it on the command line.
enum LaneName {
  /// - Throws: a usage error that names the lanes, when there is none of this name.
  static func check(_ lane: String, _ settings: Settings) throws {
    if settings.lanes.contains(lane) { return }
    throw CommandFailure(
      """
      there is no lane "\(lane)"\
      \(NearestName.suggestion(for: lane, in: settings.lanes, else: ".")) The lanes are: \(settings.lanes.joined(separator: ", "))
      """, .usage)
  }
}
