internal import Glibc

/// What goes to the person: data to stdout, everything else to stderr.
enum Terminal {
  /// Whether progress can be drawn over itself.
  static var isLive: Bool { isatty(STDERR_FILENO) == 1 && variable("TERM") != "dumb" }

  static var hasColour: Bool { isLive && variable("NO_COLOR") == nil }

  static func error(_ message: String) {
    let text = DisplayText.harmless(message)
    write("\(hasColour ? "\u{1b}[31mtale:\u{1b}[0m" : "tale:") \(text)\n")
  }

  static func note(_ message: String) { writeError("tale: \(message)") }

  static func writeError(_ text: String) { write(DisplayText.harmless(text) + "\n") }

  /// Writes a line of data to stdout, at once: a reader of a pipe sees it when it happens.
  ///
  /// Programs get every byte; a terminal gets none that it would obey.
  static func data(_ text: String, terminator: String = "\n") {
    LiveRegion.clear()
    let isShown = isatty(STDOUT_FILENO) == 1
    write((isShown ? DisplayText.harmless(text) : text) + terminator, to: STDOUT_FILENO)
  }

  /// Writes to stderr as it is; for what draws.
  static func writeRaw(_ text: String) { write(text, to: STDERR_FILENO) }

  private static func write(_ text: String) {
    LiveRegion.clear()
    writeRaw(text)
  }

  private static func write(_ text: String, to descriptor: CInt) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      // A reader that went away must not stop the work.
      if written <= 0 { return }
      bytes = bytes.dropFirst(written)
    }
  }

  static var columns: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return 80 }
    return Int(size.ws_col)
  }

  private static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }
}
