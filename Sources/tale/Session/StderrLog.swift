internal import Logging

/// The log on standard error: level, message, nothing else; a service manager adds the time.
struct StderrLog: LogHandler {
  var logLevel = Logger.Level.info
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    Terminal.writeError("tale: \(event.level == .info ? "" : "\(event.level): ")\(event.message)")
  }

  /// - Parameter level: as in the configuration.
  static func logger(level: String) -> Logger {
    let levels: [String: Logger.Level] = [
      "DEBUG": .debug, "INFO": .info, "WARNING": .warning, "ERROR": .error,
    ]
    var handler = StderrLog()
    handler.logLevel = levels[level] ?? .info
    return Logger(label: "tale") { _ in handler }
  }
}
