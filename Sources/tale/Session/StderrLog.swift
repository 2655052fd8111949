internal import Logging
internal import Synchronization

/// The log on standard error: level, message, nothing else; a service manager adds the time. Of a
/// runner also the queue's own log.
struct StderrLog: LogHandler {
  var metadata: Logger.Metadata = [:]
  private let level: LogLevel

  var logLevel: Logger.Level {
    get { RunLog.isOpen ? min(level.current, .info) : level.current }
    set { level.set(newValue) }
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    if event.level >= level.current {
      Terminal.writeError(
        "tale: \(event.level == .info ? "" : "\(event.level): ")\(event.message)")
    }
    RunLog.write(event.level.rawValue.uppercased(), "\(event.message)")
  }

  static func logger(_ level: LogLevel) -> Logger {
    let handler = StderrLog(level: level)
    return Logger(label: "tale") { _ in handler }
  }

  private init(level: LogLevel) { self.level = level }
}

/// What goes to the log of this process, in every copy of its logger: it may change meanwhile.
final class LogLevel: Sendable {
  private let level: Mutex<Logger.Level>

  /// - Parameter name: as in the configuration.
  init(_ name: String) { level = Mutex(Self.level(name)) }

  var current: Logger.Level { level.withLock { $0 } }

  func set(_ new: Logger.Level) { level.withLock { $0 = new } }

  func set(_ name: String) { set(Self.level(name)) }

  private static func level(_ name: String) -> Logger.Level {
    switch name {
    case "DEBUG": .debug
    case "WARNING": .warning
    case "ERROR": .error
    default: .info
    }
  }
}
