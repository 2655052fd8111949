internal import FoundationEssentials
internal import Glibc
internal import Logging
internal import SystemPackage
internal import TaleConfig
internal import TaleHTTP
internal import TaleModels
internal import TaleSystem

/// Makes providers for the models that the configuration names.
struct ModelRoom {
  let settings: Settings
  let dataDirectory: FilePath
  let variables: [String: String]
  let logger: Logger

  /// Makes sure that this version can speak with the servers of the models that it uses.
  ///
  /// - Throws: ``ServerUnavailable``.
  func checkClients() throws(ServerUnavailable) {
    for (role, name) in [("task_model", settings.models.task), ("ux_model", settings.models.ux)] {
      if let why = objection(to: name) {
        throw ServerUnavailable(message: "models.\(role) names \(why)")
      }
    }
  }

  /// - Throws: ``ServerUnavailable`` when a model's file or its server program is not here.
  func provider(for name: String) throws -> any ModelProvider {
    guard let model = settings.models.definitions[name],
      let server = settings.models.servers[model.server]
    else { preconditionFailure("the settings were checked, and have no model \(name)") }
    if let why = objection(to: name) { throw ServerUnavailable(message: why) }
    let http = HTTPClient()
    switch server.kind {
    case .openAI, .ollama, .anthropic:
      return try remote(name, model, server, http)
    case .llamaCpp:
      let managed = ManagedServer(
        spec: try spec(of: name, model), dataDirectory: dataDirectory,
        hostCommand: [try Self.ownProgram(), "model-host"])
      return ManagedProvider(name: name, server: managed, http: http)
    }
  }

  /// Why this version cannot use a model, in words that fit after "names"; nil when it can.
  func objection(to name: String) -> String? {
    guard let model = settings.models.definitions[name],
      let server = settings.models.servers[model.server]
    else { return nil }
    let advice: String
    switch server.kind {
    case .llamaCpp, .openAI: return nil
    case .ollama:
      advice = """
        Ollama speaks OpenAI's language too: write `kind: openai` and keep its url, and tale asks \
        \(OpenAIClient.chatURL(of: server.url ?? ""))
        """
    case .anthropic:
      advice = """
        name a model of another server; one that offers OpenAI's chat completions is used with \
        `kind: openai`
        """
    }
    return """
      "\(name)" on the server "\(model.server)" of kind \(server.kind.rawValue), for which this \
      version has no client; \(advice)
      """
  }

  /// What the server of a model says that somebody else runs; nil for one of tale's own.
  func health(of name: String) async throws -> ModelServerHealth? {
    guard let model = settings.models.definitions[name],
      let server = settings.models.servers[model.server], server.kind == .openAI
    else { return nil }
    let key = try keySource(of: server, named: model.server).map { source in
      let key = try source.read()
      return ModelKey { key }
    }
    let client = OpenAIClient(
      .init(baseURL: server.url ?? "", model: model.id ?? name, key: key), http: HTTPClient())
    return await client.health()
  }

  private func remote(
    _ name: String, _ model: Settings.Model, _ server: Settings.Server, _ http: HTTPClient
  ) throws -> any ModelProvider {
    let key = try keySource(of: server, named: model.server).map { source in
      // What is wrong with it now is said now, not in the middle of the night.
      _ = try source.read()
      if let warning = source.warning { logger.warning("\(warning)") }
      return KeyReader(source)
    }
    return RemoteProvider(
      name: name, slots: model.slots, contextTokens: model.context,
      continues: server.continues,
      settings: .init(baseURL: server.url ?? "", model: model.id ?? name, key: key?.key),
      http: http
    ) { try await key?.refresh() }
  }

  private func keySource(of server: Settings.Server, named name: String) throws -> KeySource? {
    if let variable = server.keyVariable {
      return KeySource(server: name, place: .variable(variable, value: variables[variable]))
    }
    return try server.keyFile.map {
      KeySource(server: name, place: .file(try Session.expand($0, variables)))
    }
  }

  private func spec(of name: String, _ model: Settings.Model) throws -> ServerSpec {
    let catalogue = try ModelCatalogue.builtIn()
    guard
      let runtime = try ServerRuntimes(store: .standard(), package: catalogue.server).installed()
    else {
      throw ServerUnavailable(
        message:
          "there is no llama-server on PATH and no server was fetched; run: tale models fetch")
    }
    return ServerSpec(
      model: try file(of: name, model, catalogue).string, alias: name,
      contextPerSlot: model.context, slots: model.slots,
      threads: model.threads ?? max(1, ProcessInfo.processInfo.activeProcessorCount),
      runtime: runtime)
  }

  private func file(
    of name: String, _ model: Settings.Model, _ catalogue: ModelCatalogue
  ) throws -> FilePath {
    if let own = model.file {
      let path = try Session.expand(own, variables)
      guard try FileStatus.ifPresent(path) != nil else {
        throw ServerUnavailable(
          message: "the model \(name) has no file at \(path); mend models.definitions.\(name).file")
      }
      return path
    }
    guard let entry = catalogue.model(name) else {
      let known = catalogue.models.map(\.name).joined(separator: ", ")
      throw ServerUnavailable(
        message: """
          the catalogue has no model \(name) (it has: \(known)); name a GGUF file in \
          models.definitions.\(name).file
          """)
    }
    guard let path = try ModelStore.standard().verified(entry) else {
      throw ServerUnavailable(message: "the model \(name) is not here yet; run: tale models fetch")
    }
    return path
  }

  /// The absolute path of this program, for the process that watches a server.
  private static func ownProgram() throws -> String {
    var buffer = [CChar](repeating: 0, count: 4097)
    let length = readlink("/proc/self/exe", &buffer, 4096)
    guard length > 0 else {
      throw SystemFailure("find the own program in", "/proc/self/exe", Errno(rawValue: errno))
    }
    return String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
