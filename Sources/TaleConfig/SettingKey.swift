/// A key that a configuration may have: its type, its default, its meaning.
///
/// The one table of them: files, variables, flags and `tale config` all go by it.
public struct SettingKey: Sendable {
  public enum Kind: Sendable, Equatable {
    case text
    /// May be empty, which means none.
    case optionalText
    case path
    case integer(ClosedRange<Int>)
    case number(ClosedRange<Double>)
    /// `0.5`, `90s`, `2h`: seconds.
    case duration
    /// `1048576`, `1 MiB`, `1 GiB`.
    case bytes
    case choice([String])
    /// Names of lanes.
    case names
    /// `http://host:port`, without a user and a password.
    case url
    /// The name of an environment variable.
    case variable
    /// Money, 0 or more.
    case amount
    /// Hours of the day, `22:00-07:00`.
    case window
  }

  /// When a changed value counts for a `tale watch` that runs already.
  public enum Effect: String, Sendable {
    /// After a SIGHUP, from the next call, drop or line on.
    case reread
    /// Only at the next start: models, places and folders are held while it runs.
    case restart
  }

  /// Parts separated by dots; `*` stands for a name that the user chooses.
  public let path: String
  /// The path, split once: a file's every key is looked for among all of them.
  let parts: [String]
  public let kind: Kind
  /// As it would stand in a file; nil for keys below a `*`.
  public let standard: String?
  public let meaning: String
  public let effect: Effect

  init(
    _ path: String, _ kind: Kind, _ standard: String?, _ meaning: String,
    _ effect: Effect = .restart
  ) {
    self.path = path
    parts = path.split(separator: ".").map(String.init)
    self.kind = kind
    self.standard = standard
    self.meaning = meaning
    self.effect = effect
  }

  /// The key that a whole path belongs to, such as `models.definitions.mine.context`.
  public static func of(_ path: String) -> SettingKey? {
    let parts = ConfigLayers.parts(of: path)
    return all.first { $0.matches(parts) }
  }

  /// `TALE_MODELS_TASK_MODEL`; nil for keys with a `*`.
  public var variable: String? {
    path.contains("*")
      ? nil : "TALE_" + path.uppercased().replacing(".", with: "_")
  }

  func matches(_ parts: [String]) -> Bool {
    self.parts.count == parts.count && zip(self.parts, parts).allSatisfy { $0 == "*" || $0 == $1 }
  }

  public static let all: [SettingKey] = [
    .init("system.data_dir", .path, "~/.tale", "where tale keeps its ledger and its servers"),
    .init(
      "system.log_level", .choice(["DEBUG", "INFO", "WARNING", "ERROR"]), "INFO",
      "what goes to standard error", .reread),
    .init(
      "system.checkpoint_interval", .duration, "300",
      "seconds between checkpoints inside of one long answer"),
    .init("models.ux_model", .text, "qwen2.5-coder-0.5b", "the model that talks"),
    .init("models.task_model", .text, "qwen2.5-coder-1.5b", "the model that plans and works"),
    .init("models.fallback_model", .optionalText, "", "a model for tasks that were too hard"),
    .init("models.cloud_model", .optionalText, "", "a model outside of this machine"),
    .init(
      "models.servers.*.kind", .choice(["llama.cpp", "openai", "ollama", "anthropic"]), nil,
      "llama.cpp: run by tale; openai: any compatible server; ollama, anthropic: not used yet"),
    .init(
      "models.servers.*.url", .url, nil, "all but llama.cpp: where it listens: http://host:8080"),
    .init(
      "models.servers.*.key_env", .variable, nil, "the environment variable that holds the API key"),
    .init(
      "models.servers.*.key_file", .path, nil,
      "a file that holds the API key, read anew for each call"),
    .init(
      "models.servers.*.continues", .choice(["true", "false"]), nil,
      "openai: whether it goes on with an answer that was begun, as vLLM and llama.cpp do"),
    .init("models.definitions.*.server", .text, nil, "the server that has the model"),
    .init(
      "models.definitions.*.file", .path, nil,
      "llama.cpp: a GGUF file of your own; without it the catalogue's model of this name"),
    .init("models.definitions.*.id", .text, nil, "the model's name at its server"),
    .init(
      "models.definitions.*.context", .integer(512...10_000_000), nil,
      "tokens of prompt and answer together"),
    .init("models.definitions.*.slots", .integer(1...64), nil, "calls that it serves at once"),
    .init(
      "models.definitions.*.threads", .integer(1...1024), nil, "llama.cpp: threads for one server"),
    .init(
      "models.definitions.*.class", .choice(["small", "large", "unknown"]), nil,
      "which base budgets the starting rules take"),
    .init(
      "models.definitions.*.prompt_price", .amount, nil,
      "a million prompt tokens, in one currency for all models; for the bill of a later version"),
    .init(
      "models.definitions.*.completion_price", .amount, nil,
      "a million tokens of answers, as prompt_price"),
    .init(
      "performance.ux_response_timeout", .duration, "1.0", "target for an answer in conversation",
      .reread),
    .init("performance.simple_task_timeout", .duration, "3.0", "target for a simple call", .reread),
    .init(
      "performance.medium_task_timeout", .duration, "300.0", "target for a medium call", .reread),
    .init("performance.checkpoint_timeout", .duration, "0.1", "target for a checkpoint", .reread),
    .init(
      "execution.max_retries", .integer(0...20), "3",
      "how often a subtask is tried again after an unusable answer", .reread),
    .init(
      "execution.token_safety_margin", .number(1...10), "1.2",
      "factor on the expected tokens of an answer", .reread),
    .init(
      "execution.thinking_mode_threshold", .integer(1...5), "2",
      "signs that must hold before a model thinks first", .reread),
    .init(
      "execution.max_answer_tokens", .integer(64...1_000_000), "4096",
      "the most that one answer may have", .reread),
    .init(
      "execution.idle_timeout", .duration, "600",
      "seconds that a server may stay silent in a call", .reread),
    .init(
      "learning.update_interval", .integer(1...1_000_000), "100", "calls between two updates",
      .reread),
    .init(
      "learning.min_samples", .integer(1...1_000_000), "20", "calls before anything is learnt",
      .reread),
    .init(
      "learning.confidence_threshold", .number(0...1), "0.7", "what a learnt value must reach",
      .reread),
    .init(
      "queue.root", .optionalText, "", "the queue; empty: ./queue if it is one, else ~/.tale/queue"),
    .init(
      "queue.mode", .choice(["run", "accept"]), "run",
      "accept: what comes is accepted, and nothing is run, for maintenance", .reread),
    .init(
      "queue.inhibit_sleep", .choice(["auto", "off"]), "auto",
      "auto: while a project runs, systemd-inhibit keeps the machine awake where it can", .reread),
    .init(
      "queue.settle", .duration, "0.5", "seconds that a file must rest before it is taken", .reread),
    .init("queue.settle_folder", .duration, "2", "seconds that a folder must rest", .reread),
    .init(
      "queue.rescan_interval", .duration, "60", "seconds between looks without any event", .reread),
    .init(
      "queue.redelivery_days", .integer(0...3650), "30",
      "days for which a repeated delivery is recognised", .reread),
    .init("queue.max_description", .bytes, "1 MiB", "the largest description", .reread),
    .init("queue.max_input", .bytes, "1 GiB", "the largest dropped folder", .reread),
    .init("queue.reserve", .bytes, "256 MiB", "disk space that tale leaves free", .reread),
    .init(
      "queue.log_size", .bytes, "10 MiB",
      "the size at which the queue's log is put away; four older ones are kept", .reread),
    .init(
      "queue.time_zone", .optionalText, "",
      "the zone of all times of day, such as Europe/Berlin; empty: the machine's"),
    .init(
      "queue.windows.*", .window, nil, "the hours in which projects of this lane may run", .reread),
    .init(
      "queue.after_timeout", .duration, "1d",
      "how long a project waits for a name in `after` that nobody drops", .reread),
    .init(
      "lanes", .names, "[urgent, nightly]", "folders of the inbox, in the order in which they run"),
  ]
}
