internal import Glibc
internal import Synchronization

/// Lines at the end of a terminal that are drawn over themselves.
///
/// Whatever else is written takes them away first; they come back with the next drawing.
enum LiveRegion {
  private static let lines = Mutex<[String]>([])

  /// Shows these lines in the place of the last ones.
  static func draw(_ new: [String]) {
    let cut = new.map { DisplayText.line($0, columns: Terminal.columns - 1) }
    lines.withLock { shown in
      guard cut != shown else { return }
      Terminal.writeRaw(erasing(shown) + cut.joined(separator: "\n"))
      shown = cut
    }
  }

  /// Takes the lines away.
  static func clear() {
    lines.withLock { shown in
      guard !shown.isEmpty else { return }
      Terminal.writeRaw(erasing(shown))
      shown = []
    }
  }

  /// To the start of the first line, and nothing from there on.
  private static func erasing(_ shown: [String]) -> String {
    shown.isEmpty ? "" : "\r" + (shown.count > 1 ? "\u{1b}[\(shown.count - 1)A" : "") + "\u{1b}[J"
  }
}
