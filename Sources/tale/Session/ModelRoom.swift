internal import Glibc
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

  /// - Throws: ``ServerUnavailable`` when a model's file or its server program is not here.
  func provider(for name: String) throws -> any ModelProvider {
    guard let model = settings.models.definitions[name],
      let server = settings.models.servers[model.server]
    else { preconditionFailure("the settings were checked, and have no model \(name)") }
    let http = HTTPClient()
    switch server.kind {
    case .openAI:
      return remote(name, model, server, http)
    case .llamaCpp:
      let managed = ManagedServer(
        spec: try spec(of: name, model), dataDirectory: dataDirectory,
        hostCommand: [try Self.ownProgram(), "model-host"])
      return ManagedProvider(name: name, server: managed, http: http)
    }
  }

  private func remote(
    _ name: String, _ model: Settings.Model, _ server: Settings.Server, _ http: HTTPClient
  ) -> any ModelProvider {
    let variables = variables
    let key = server.keyVariable.map { variable in ModelKey { variables[variable] } }
    return RemoteProvider(
      name: name, slots: model.slots, contextTokens: model.context,
      settings: .init(baseURL: server.url ?? "", model: model.id ?? name, key: key), http: http)
  }

  private func spec(of name: String, _ model: Settings.Model) throws -> ServerSpec {
    fatalError("to be joined with the model store")
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
