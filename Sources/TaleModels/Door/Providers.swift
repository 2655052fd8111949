public import TaleHTTP

/// A model on a server that tale starts and watches itself.
public struct ManagedProvider: ModelProvider {
  public let name: String
  public let slots: Int
  private let server: ManagedServer
  private let http: HTTPClient

  public init(name: String, server: ManagedServer, http: HTTPClient) {
    self.name = name
    self.server = server
    self.http = http
    slots = server.spec.slots
  }

  public func ready() async throws -> ReadyModel {
    let endpoint = try await server.endpoint()
    let client = OpenAIClient(
      .init(baseURL: endpoint.url, model: endpoint.alias), http: http)
    return ReadyModel(
      client: client, contextTokens: endpoint.contextPerSlot,
      // llama.cpp takes a last message of the assistant for the beginning of its answer.
      continues: true)
  }
}

/// A model on a server that somebody else runs, at a URL.
public struct RemoteProvider: ModelProvider {
  public let name: String
  public let slots: Int
  private let client: OpenAIClient
  private let contextTokens: Int
  private let continues: Bool
  private let prepare: @Sendable () async throws -> Void

  /// - Parameters:
  ///   - contextTokens: as configured; the server may not tell.
  ///   - continues: whether the server goes on with an answer that was begun.
  ///   - prepare: done before each call; what it throws keeps the call from being made.
  public init(
    name: String, slots: Int, contextTokens: Int, continues: Bool = false,
    settings: OpenAIClient.Settings, http: HTTPClient,
    prepare: @escaping @Sendable () async throws -> Void = {}
  ) {
    self.prepare = prepare
    self.name = name
    self.slots = slots
    self.contextTokens = contextTokens
    self.continues = continues
    client = OpenAIClient(settings, http: http)
  }

  public func ready() async throws -> ReadyModel {
    try await prepare()
    return ReadyModel(client: client, contextTokens: contextTokens, continues: continues)
  }
}
