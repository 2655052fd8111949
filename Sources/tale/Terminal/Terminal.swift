internal import Glibc

/// What goes to the person: data to stdout, everything else to stderr.
enum Terminal {
  /// Whether progress can be drawn over itself.
  static var isLive: Bool { isatty(STDERR_FILENO) == 1 && variable("TERM") != "dumb" }

  static var hasColour: Bool { isLive && variable("NO_COLOR") == nil }

  static func error(_ message: String) {
    writeError("\(hasColour ? "\u{1b}[31mtale:\u{1b}[0m" : "tale:") \(message)")
  }

  static func note(_ message: String) { writeError("tale: \(message)") }

  static func writeError(_ text: String) { write(text + "\n") }

  /// Writes to stderr as it is.
  static func write(_ text: String) { write(text, to: STDERR_FILENO) }

  /// Writes a line of data to stdout, at once: a reader of a pipe sees it when it happens.
  static func data(_ text: String, terminator: String = "\n") {
    write(text + terminator, to: STDOUT_FILENO)
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
