internal import FoundationEssentials
internal import Glibc
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
  let variables: [String: String]
  let logger: Logger
  let level: LogLevel
  private let options: GlobalOptions
  private let acceptOnly: Bool

  /// Reads the configuration.
  ///
  /// - Parameters:
  ///   - quiet: what is only worth knowing is not said, for cron.
  ///   - acceptOnly: nothing is run, whatever the configuration says.
  init(_ options: GlobalOptions, quiet: Bool = false, acceptOnly: Bool = false) throws {
    let variables = ProcessInfo.processInfo.environment
    self.options = options
    self.acceptOnly = acceptOnly
    self.variables = variables
    layers = try Self.layers(options, variables, acceptOnly: acceptOnly)
    settings = try Self.settings(layers)
    // Before any thread asks what time it is.
    LocalTime(zone: settings.queue.timeZone).adopt()
    level = LogLevel(quiet ? "WARNING" : settings.logLevel)
    logger = StderrLog.logger(level)
    for warning in layers.warnings { logger.warning("\(warning)") }
  }

  /// The typed form, with what only this machine can tell: whether it knows the time zone.
  static func settings(_ layers: ConfigLayers) throws(ConfigFailure) -> Settings {
    let settings = try Settings(layers)
    let zone = settings.queue.timeZone
    guard let objection = LocalTime.objection(to: zone) else { return settings }
    throw ConfigFailure(
      place: layers.values["queue.time_zone"]?.source.place ?? "queue.time_zone",
      what: objection.what, mend: objection.mend)
  }

  /// How projects stand with their hours and predecessors now.
  func outlook(_ queue: Queue) -> Outlook {
    Outlook(queue, settings.queue, at: SystemTime().now())
  }

  /// The time of day as it is configured.
  var localTime: LocalTime { LocalTime(zone: settings.queue.timeZone) }

  /// All layers, as the files are now; what was said of them at the start is not said again.
  func layersNow() throws -> ConfigLayers {
    try Self.layers(options, variables, acceptOnly: acceptOnly)
  }

  /// All layers, as files and variables are now.
  private static func layers(
    _ options: GlobalOptions, _ variables: [String: String], acceptOnly: Bool
  ) throws -> ConfigLayers {
    var layers = try ConfigFiles(variables: variables, options: options).load()
    try layers.add(environment: variables)
    if let root = options.queue { try layers.add(flag: "--queue", path: "queue.root", text: root) }
    if let level = options.logLevel {
      try layers.add(flag: "--log-level", path: "system.log_level", text: level)
    }
    if acceptOnly { try layers.add(flag: "--accept-only", path: "queue.mode", text: "accept") }
    return layers
  }

  /// As configured; else ./queue where that is one, else the one in the home folder.
  var queueRoot: FilePath {
    get throws {
      if let root = settings.queue.root { return try Self.expand(root, variables) }
      if let here = try? Self.expand("queue", variables),
        try FileStatus.ifPresent(here.appending(".tale")) != nil
      {
        return here
      }
      return try Self.expand("~/.tale/queue", variables)
    }
  }

  var dataDirectory: FilePath { get throws { try Self.expand(settings.dataDirectory, variables) } }

  /// The queue, made where it is missing when `create` is true.
  ///
  /// - Parameter tells: says that a new one was made where nobody named it: whoever meant another
  ///   one sees it then.
  func openQueue(create: Bool, tells: Bool = false) throws -> Queue {
    let root = try queueRoot
    let isNew = (try? FileStatus.ifPresent(root.appending(".tale"))) == .some(.none)
    let queue = try Queue.open(QueueFolders(root: root, lanes: settings.lanes), create: create)
    if isNew, tells, settings.queue.root == nil {
      Terminal.note("made a new queue at \(root); --queue names another")
    }
    return queue
  }

  /// The ledger, which is opened when it is first asked: no command depends on it.
  func ledger() throws -> Ledger {
    let folder = try dataDirectory
    try Folder.create(folder, mode: CreationMask.guarding(0o755))
    let logger = logger
    return Ledger(path: folder.appending("tale.db").string) { logger.warning("\($0)") }
  }

  /// Why nothing is run now, in words; nil: things are run.
  var standstill: String? {
    guard settings.queue.mode == .accept else { return nil }
    let source = layers.values["queue.mode"].map { " (\($0.source))" } ?? ""
    return "nothing is run now, because queue.mode is accept\(source)"
  }

  /// Everything that running projects needs.
  ///
  /// - Throws: ``ServerUnavailable`` when the task model is not here; not while nothing is run.
  func runEnvironment(_ queue: Queue) throws -> RunEnvironment {
    let live = LiveSettings(settings)
    RunLog.open(queue, live)
    RunLog.write(
      "INFO",
      "tale \(Version.current) begins: \(CommandLine.arguments.dropFirst().joined(separator: " "))")
    let models = try models()
    if standstill == nil { try models.checkClients() }
    var environment = RunEnvironment(
      live: live, queue: queue,
      door: Door(provider: try provider(for: settings.models.task, models)),
      ledger: try ledger(), time: SystemTime(), logger: logger, version: Version.current)
    environment.inhibitor = SleepInhibitor(logger: logger)
    if settings.models.ux != settings.models.task {
      do {
        environment.alwaysLoaded = [try provider(for: settings.models.ux, models)]
      } catch let failure as ServerUnavailable {
        logger.warning("models.ux_model: \(failure) (no project needs it)")
      }
    }
    return environment
  }

  private func provider(for name: String, _ models: ModelRoom) throws -> any ModelProvider {
    standstill == nil ? try models.provider(for: name) : LateModel(name, models)
  }

  /// For a queue that goes when the command ends: nothing of it is booked in the ledger, and the
  /// task model may be missing as long as nobody asks it.
  func previewEnvironment(_ queue: Queue) throws -> RunEnvironment {
    let provider: any ModelProvider
    do {
      provider = try models().provider(for: settings.models.task)
    } catch let unavailable as ServerUnavailable {
      provider = NoModel(name: settings.models.task, why: unavailable)
    }
    return RunEnvironment(
      settings: settings, queue: queue, door: Door(provider: provider),
      ledger: nil, time: SystemTime(), logger: logger, version: Version.current)
  }

  /// What commands need that change projects and ask no model.
  func controlEnvironment(_ queue: Queue) throws -> RunEnvironment {
    RunEnvironment(
      settings: settings, queue: queue, door: Door(provider: NoModel()),
      ledger: try ledger(), time: SystemTime(), logger: logger, version: Version.current)
  }

  func models() throws -> ModelRoom {
    ModelRoom(
      settings: settings, dataDirectory: try dataDirectory, variables: variables, logger: logger)
  }

  /// `~/x` with the home folder of the environment; relative paths from the working folder.
  ///
  /// - Throws: ``CommandFailure`` where there is no such folder to begin at.
  static func expand(
    _ text: String, _ variables: [String: String]
  ) throws(CommandFailure) -> FilePath {
    var path = FilePath(text)
    if text == "~" || text.hasPrefix("~/") {
      guard let home = variables["HOME"], home.hasPrefix("/") else {
        throw CommandFailure(
          "HOME is not set, and \(text) is below it; set HOME, or name a whole path",
          .configuration)
      }
      path = FilePath(home).appending(String(text.dropFirst(2)))
    } else if text.hasPrefix("~") {
      throw CommandFailure(
        "\(text) begins in another user's home, which tale does not look up; name a whole path",
        .configuration)
    }
    if path.isAbsolute { return path.lexicallyNormalized() }
    guard let folder = workingFolder else {
      throw CommandFailure(
        "the working folder is gone, and \(text) is below it; change to another, or name a whole path",
        .configuration)
    }
    return folder.pushing(path).lexicallyNormalized()
  }

  /// Nil where somebody removed it.
  private static var workingFolder: FilePath? {
    guard let path = getcwd(nil, 0) else { return nil }
    defer { free(path) }
    let folder = FilePath(platformString: path)
    // The kernel marks a folder that nothing leads to any more.
    return folder.isAbsolute ? folder : nil
  }
}

/// The system's clock.
struct SystemTime: TimeSource {
  func now() -> Timestamp {
    Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
  }
}
