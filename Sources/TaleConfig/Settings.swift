public import TaleCore

/// A whole configuration, typed.
public struct Settings: Sendable, Equatable {
  public var dataDirectory: String
  public var logLevel: String
  public var checkpointInterval: Duration
  public var models: Models
  public var performance: Performance
  public var execution: Execution
  public var queue: Queue
  /// In the order in which they run; the inbox itself comes after them.
  public var lanes: [String]

  public struct Models: Sendable, Equatable {
    public var ux: String
    public var task: String
    public var fallback: String?
    public var cloud: String?
    public var servers: [String: Server]
    public var definitions: [String: Model]
  }

  public struct Server: Sendable, Equatable {
    public enum Kind: String, Sendable {
      case llamaCpp = "llama.cpp"
      case openAI = "openai"
      /// Known, and without a client in this version.
      case ollama, anthropic
    }
    public var kind: Kind
    public var url: String?
    /// The environment variable that holds its key; at most one of this and the file is there.
    public var keyVariable: String?
    public var keyFile: String?
    /// Whether it goes on with an answer that was begun (`continue_final_message`).
    public var continues = false
  }

  public struct Model: Sendable, Equatable {
    public var server: String
    /// A GGUF file; nil: the catalogue's model of this name.
    public var file: String?
    /// Its name at the server; nil: the same as here.
    public var id: String?
    /// Tokens of prompt and answer together.
    public var context: Int
    public var slots: Int
    public var threads: Int?
    /// `small`, `large` or `unknown`.
    public var sizeClass: String
    /// A million tokens, in one currency for all models; nil: not known.
    public var promptPrice: Double?
    public var completionPrice: Double?
  }

  /// Targets that are booked when missed, and never enforced.
  public struct Performance: Sendable, Equatable {
    public var uxResponse: Duration
    public var simpleTask: Duration
    public var mediumTask: Duration
    public var checkpoint: Duration
  }

  public struct Execution: Sendable, Equatable {
    public var maxRetries: Int
    public var tokenSafetyMargin: Double
    public var thinkingModeThreshold: Int
    public var maxAnswerTokens: Int
    public var idleTimeout: Duration
  }

  public struct Queue: Sendable, Equatable {
    /// What is done with a queue.
    public enum Mode: String, Sendable, Codable {
      /// What is dropped is accepted and run.
      case run
      /// It is accepted, control files are answered, and nothing is run.
      case accept
    }

    /// Nil: ./queue if it is one, else ~/.tale/queue.
    public var root: String?
    public var mode: Mode
    /// Whether the machine is kept awake while projects run.
    public var inhibitsSleep: Bool
    public var settle: Duration
    public var settleFolder: Duration
    public var rescanInterval: Duration
    public var redeliveryDays: Int
    public var maxDescription: Int
    public var maxInput: Int
    public var reserve: Int
    public var logSize: Int
    /// A name of the IANA's list; empty: the machine's own zone.
    public var timeZone: String
    /// By lane; one that is not there is open at all times.
    public var windows: [String: TimeWindow]
    public var afterTimeout: Duration
  }

  /// Makes the typed form and checks what only the whole can show.
  public init(_ layers: ConfigLayers) throws(ConfigFailure) {
    let read = Reader(values: layers.values)
    dataDirectory = read.text("system.data_dir")
    logLevel = read.text("system.log_level")
    checkpointInterval = read.duration("system.checkpoint_interval")
    models = try Models(read)
    performance = Performance(
      uxResponse: read.duration("performance.ux_response_timeout"),
      simpleTask: read.duration("performance.simple_task_timeout"),
      mediumTask: read.duration("performance.medium_task_timeout"),
      checkpoint: read.duration("performance.checkpoint_timeout"))
    execution = Execution(
      maxRetries: read.integer("execution.max_retries"),
      tokenSafetyMargin: read.number("execution.token_safety_margin"),
      thinkingModeThreshold: read.integer("execution.thinking_mode_threshold"),
      maxAnswerTokens: read.integer("execution.max_answer_tokens"),
      idleTimeout: read.duration("execution.idle_timeout"))
    queue = Queue(
      root: read.optional("queue.root"),
      mode: Queue.Mode(rawValue: read.text("queue.mode")) ?? .run,
      inhibitsSleep: read.text("queue.inhibit_sleep") == "auto",
      settle: read.duration("queue.settle"),
      settleFolder: read.duration("queue.settle_folder"),
      rescanInterval: read.duration("queue.rescan_interval"),
      redeliveryDays: read.integer("queue.redelivery_days"),
      maxDescription: read.integer("queue.max_description"),
      maxInput: read.integer("queue.max_input"), reserve: read.integer("queue.reserve"),
      logSize: read.integer("queue.log_size"),
      timeZone: read.optional("queue.time_zone") ?? "", windows: [:],
      afterTimeout: read.duration("queue.after_timeout"))
    lanes = read.names("lanes")
    queue.windows = try Self.windows(read, lanes)
    for path in ["queue.rescan_interval", "execution.idle_timeout"] where read.number(path) <= 0 {
      throw ConfigFailure(
        place: read.place(of: path), what: "\"\(path)\" cannot be 0",
        mend: "It must be a time above 0, such as 60 or 10m.")
    }
  }
}

extension Settings {
  private static func windows(
    _ read: Reader, _ lanes: [String]
  ) throws(ConfigFailure) -> [String: TimeWindow] {
    var windows: [String: TimeWindow] = [:]
    for lane in read.names(below: "queue.windows") {
      let path = "queue.windows.\(lane)"
      guard lanes.contains(lane) else {
        throw ConfigFailure(
          place: read.place(of: path),
          what: """
            "\(path.shown)" names the unknown lane \
            "\(lane.shown)"\(NearestName.suggestion(for: lane, in: lanes))
            """,
          mend: "The lanes are: \(lanes.joined(separator: ", ")). The inbox itself has no window.")
      }
      windows[lane] = read.optional(path).flatMap { try? TimeWindow($0) }
    }
    return windows
  }
}

extension Settings.Models {
  fileprivate init(_ read: Reader) throws(ConfigFailure) {
    ux = read.text("models.ux_model")
    task = read.text("models.task_model")
    fallback = read.optional("models.fallback_model")
    cloud = read.optional("models.cloud_model")
    servers = [:]
    for name in read.names(below: "models.servers") {
      let path = "models.servers.\(name)"
      guard let kind = read.optional("\(path).kind").flatMap(Settings.Server.Kind.init) else {
        throw .serverWithoutKind(name, place: read.place(below: path))
      }
      let url = read.optional("\(path).url")
      if kind == .openAI || kind == .ollama, url == nil {
        throw ConfigFailure(
          place: read.place(of: "\(path).kind"),
          what: "the server \"\(name.shown)\" has no url",
          mend: "Add `url: http://host:port` to it.")
      }
      let variable = read.optional("\(path).key_env")
      let file = read.optional("\(path).key_file")
      if variable != nil, file != nil {
        throw ConfigFailure(
          place: read.place(of: "\(path).key_file"),
          what: "the server \"\(name.shown)\" has both key_env and key_file",
          mend: "Keep the one that holds its key.")
      }
      servers[name] = Settings.Server(
        kind: kind, url: url, keyVariable: variable, keyFile: file,
        continues: kind == .llamaCpp || read.optional("\(path).continues") == "true")
    }
    definitions = [:]
    for name in read.names(below: "models.definitions") {
      let path = "models.definitions.\(name)"
      let server = read.optional("\(path).server") ?? "local"
      guard servers[server] != nil else {
        throw ConfigFailure(
          place: read.place(of: "\(path).server"),
          what: """
            the model "\(name.shown)" names the unknown server \
            "\(server.shown)"\(NearestName.suggestion(for: server, in: servers.keys.sorted()))
            """,
          mend: "The servers are: \(servers.keys.sorted().joined(separator: ", ")).")
      }
      definitions[name] = Settings.Model(
        server: server, file: read.optional("\(path).file"), id: read.optional("\(path).id"),
        context: read.optionalInteger("\(path).context") ?? 8192,
        slots: read.optionalInteger("\(path).slots") ?? 1,
        threads: read.optionalInteger("\(path).threads"),
        sizeClass: read.optional("\(path).class") ?? "unknown",
        promptPrice: read.optionalNumber("\(path).prompt_price"),
        completionPrice: read.optionalNumber("\(path).completion_price"))
    }
    for (role, name) in [
      ("ux_model", ux), ("task_model", task), ("fallback_model", fallback ?? task),
      ("cloud_model", cloud ?? task),
    ] where definitions[name] == nil {
      throw ConfigFailure(
        place: read.place(of: "models.\(role)"),
        what: """
          models.\(role) names the unknown model \
          "\(name.shown)"\(NearestName.suggestion(for: name, in: definitions.keys.sorted()))
          """,
        mend: "The models are: \(definitions.keys.sorted().joined(separator: ", ")); others are "
          + "added below models.definitions.")
    }
  }
}

/// Reads single values; what is missing or of another kind is a defect of the key table.
private struct Reader {
  let values: [String: SettingValue]

  func text(_ path: String) -> String {
    guard case .text(let text) = values[path]?.content else { return missing(path) }
    return text
  }

  func optional(_ path: String) -> String? {
    guard case .text(let text) = values[path]?.content, !text.isEmpty else { return nil }
    return text
  }

  func integer(_ path: String) -> Int { optionalInteger(path) ?? missing(path) }

  func optionalInteger(_ path: String) -> Int? {
    guard case .integer(let number) = values[path]?.content else { return nil }
    return number
  }

  func number(_ path: String) -> Double { optionalNumber(path) ?? missing(path) }

  func optionalNumber(_ path: String) -> Double? {
    guard case .number(let number) = values[path]?.content else { return nil }
    return number
  }

  func duration(_ path: String) -> Duration { .seconds(number(path)) }

  func names(_ path: String) -> [String] {
    guard case .names(let names) = values[path]?.content else { return missing(path) }
    return names
  }

  /// The names that users chose below a path.
  func names(below path: String) -> [String] {
    let depth = path.split(separator: ".").count
    let names = values.keys.filter { $0.hasPrefix("\(path).") }
      .map { ConfigLayers.parts(of: $0)[depth] }
    return Set(names).sorted()
  }

  func place(of path: String) -> String { values[path]?.source.place ?? path }

  func place(below path: String) -> String {
    let first = values.filter { $0.key.hasPrefix("\(path).") }.min { $0.key < $1.key }
    return first?.value.source.place ?? path
  }

  private func missing<Value>(_ path: String) -> Value {
    preconditionFailure("the configuration has no \(path) of its kind")
  }
}
