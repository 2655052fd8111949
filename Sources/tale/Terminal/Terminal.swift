internal import Glibc
internal import Synchronization
internal import SystemPackage
internal import TaleCore

/// What goes to the person: data to stdout, everything else to stderr.
enum Terminal {
  /// Whether progress can be drawn over itself.
  static var isLive: Bool { isatty(STDERR_FILENO) == 1 && variable("TERM") != "dumb" }

  static var hasColour: Bool { isLive && variable("NO_COLOR") == nil }

  static func error(_ message: String) {
    RunLog.write("ERROR", message)
    let text = DisplayText.harmless(message)
    write("\(hasColour ? "\u{1b}[31mtale:\u{1b}[0m" : "tale:") \(text)\n")
  }

  static func note(_ message: String) {
    RunLog.write("INFO", message)
    writeError("tale: \(message)")
  }

  static func writeError(_ text: String) { write(DisplayText.harmless(text) + "\n") }

  /// Writes a line of data to stdout, at once: a reader of a pipe sees it when it happens.
  ///
  /// Programs get every byte; a terminal gets none that it would obey.
  /// What cannot be written stops nothing; ``dataStatus(after:)`` tells at the end.
  static func data(_ text: String, terminator: String = "\n") {
    LiveRegion.clear()
    let isShown = isatty(STDOUT_FILENO) == 1
    let failure = write(
      (isShown ? DisplayText.harmless(text) : text) + terminator, to: STDOUT_FILENO)
    // A reader that has seen enough, such as head, is no failure.
    guard let failure, failure != .brokenPipe else { return }
    dataFailure.withLock { $0 = $0 ?? failure }
  }

  /// Writes what `--json` prints: a document, or a line for each of several values.
  static func json(_ value: some Encodable, asLine: Bool = false) throws {
    let bytes = try asLine ? JSON.line(value) : JSON.document(value)
    data(String(decoding: bytes, as: UTF8.self), terminator: "")
  }

  /// Writes to stderr as it is; for what draws.
  static func writeRaw(_ text: String) { write(text, to: STDERR_FILENO) }

  private static func write(_ text: String) {
    LiveRegion.clear()
    writeRaw(text)
  }

  /// Why data could not be written, the first time.
  private static let dataFailure = Mutex<Errno?>(nil)

  /// The exit code of a command: when nothing else went wrong, but data did not reach its reader, a
  /// script must not take what it has for everything.
  static func dataStatus(after status: ExitStatus) -> ExitStatus {
    guard let failure = dataFailure.withLock({ $0 }) else { return status }
    let why = failure == .badFileDescriptor ? "it is closed" : "\(failure)"
    error("cannot write to standard output: \(why); what was to be printed there is not complete")
    return status == .done ? .cannotWrite : status
  }

  /// Puts something in the place of standard input, output and error where they are closed: the next
  /// file that is opened would take their number, and be written to.
  static func holdStandardDescriptors() {
    for (descriptor, flags) in [
      // What is read or written there fails, as it should.
      (STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY),
      // There is nobody to tell.
      (STDERR_FILENO, O_WRONLY),
    ] where fcntl(descriptor, F_GETFD) == -1 {
      // The lowest free number is this one, since those below are taken.
      _ = open("/dev/null", flags)
    }
  }

  /// - Returns: why not all was written.
  @discardableResult
  private static func write(_ text: String, to descriptor: CInt) -> Errno? {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      // Nobody who reads must not stop the work.
      if written <= 0 { return Errno(rawValue: errno) }
      bytes = bytes.dropFirst(written)
    }
    return nil
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
