internal import FoundationEssentials
internal import Logging
internal import SystemPackage
internal import TaleConfig
internal import TaleCore
internal import TaleLedger
internal import TaleModels
internal import TaleQueue
internal import TaleRunner
internal import TaleSystem

/// What a command works with: settings, places, and what stands behind them.
struct Session {
  let layers: ConfigLayers
  let settings: Settings
  let queueRoot: FilePath
  let variables: [String: String]
  let logger: Logger

  /// Reads the configuration.
  ///
  /// - Parameter quiet: what is only worth knowing is not said, for cron.
  init(_ options: GlobalOptions, quiet: Bool = false) throws {
    let variables = ProcessInfo.processInfo.environment
    var layers = try ConfigFiles(variables: variables, options: options).load()
    try layers.add(environment: variables)
    if let root = options.queue { try layers.add(flag: "--queue", path: "queue.root", text: root) }
    if let level = options.logLevel {
      try layers.add(flag: "--log-level", path: "system.log_level", text: level)
    }
    self.layers = layers
    self.variables = variables
    settings = try Settings(layers)
    queueRoot = try Self.queueRoot(settings, variables)
    logger = StderrLog.logger(level: quiet ? "WARNING" : settings.logLevel)
    for warning in layers.warnings { logger.warning("\(warning)") }
  }

  var dataDirectory: FilePath { Self.expand(settings.dataDirectory, variables) }

  /// The queue, made where it is missing when `create` is true.
  func openQueue(create: Bool) throws -> Queue {
    try Queue.open(QueueFolders(root: queueRoot, lanes: settings.lanes), create: create)
  }

  func openLedger() throws -> Ledger {
    try Folder.create(dataDirectory)
    return try Ledger(path: dataDirectory.appending("tale.db").string)
  }

  /// Everything that running projects needs.
  ///
  /// - Throws: ``ServerUnavailable`` when the task model is not here.
  func runEnvironment(_ queue: Queue) throws -> RunEnvironment {
    let models = models()
    var environment = RunEnvironment(
      settings: settings, queue: queue,
      door: Door(provider: try models.provider(for: settings.models.task)),
      ledger: try openLedger(), time: SystemTime(), logger: logger, version: Version.current)
    if settings.models.ux != settings.models.task {
      do {
        environment.alwaysLoaded = [try models.provider(for: settings.models.ux)]
      } catch let failure as ServerUnavailable {
        logger.warning("\(failure)")
      }
    }
    return environment
  }

  /// What commands need that change projects and ask no model.
  func controlEnvironment(_ queue: Queue) throws -> RunEnvironment {
    RunEnvironment(
      settings: settings, queue: queue, door: Door(provider: NoModel()),
      ledger: try openLedger(), time: SystemTime(), logger: logger, version: Version.current)
  }

  func models() -> ModelRoom {
    ModelRoom(settings: settings, dataDirectory: dataDirectory, variables: variables)
  }

  /// `~/x` with the home folder of the environment; relative paths from the working folder.
  static func expand(_ text: String, _ variables: [String: String]) -> FilePath {
    var path = FilePath(text)
    if text == "~" || text.hasPrefix("~/") {
      path = FilePath(variables["HOME"] ?? "/").appending(String(text.dropFirst(2)))
    }
    if path.isAbsolute { return path.lexicallyNormalized() }
    return FilePath(FileManager.default.currentDirectoryPath).pushing(path).lexicallyNormalized()
  }

  /// As configured; else ./queue where that is one, else the one in the home folder.
  private static func queueRoot(
    _ settings: Settings, _ variables: [String: String]
  ) throws -> FilePath {
    if let root = settings.queue.root { return expand(root, variables) }
    let here = expand("queue", variables)
    if try FileStatus.ifPresent(here.appending(".tale")) != nil { return here }
    return expand("~/.tale/queue", variables)
  }
}

/// The system's clock.
struct SystemTime: TimeSource {
  func now() -> Timestamp {
    Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
  }
}
