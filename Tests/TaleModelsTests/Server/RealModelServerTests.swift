import Foundation
import SystemPackage
import TaleHTTP
import TaleSystem
import Testing

@testable import TaleModels

@Suite(.timeLimit(.minutes(10))) struct `real model server` {
  /// The small model and a runtime, where this machine has them already.
  private static let present: (model: FilePath, runtime: ServerSpec.Runtime)? = {
    let store = ModelStore.standard()
    guard let catalogue = try? ModelCatalogue.builtIn(),
      let model = catalogue.model("qwen2.5-coder-0.5b"), let path = try? store.verified(model),
      let runtime = try? ServerRuntimes(store: store, package: catalogue.server).installed()
    else { return nil }
    return (path, runtime)
  }()

  @Test(.enabled(if: present != nil, "the small model is not in the cache"))
  func `slow: the real model is served, and ends with its last user`() async throws {
    let (model, runtime) = try #require(Self.present)
    let data = FilePath(NSTemporaryDirectory()).appending("tale-real-\(UUID().uuidString)")
    defer { try? Folder.removeTree(data) }
    let spec = ServerSpec(
      model: model.string, alias: "small", contextPerSlot: 2048, slots: 2, threads: 2,
      runtime: runtime)
    let managed = ManagedServer(
      spec: spec, dataDirectory: data, hostCommand: [ServerFixture.standIn.string, "host"])
    let endpoint = try await managed.endpoint()
    let client = HTTPClient()
    let health = try await client.send(HTTPRequest(url: endpoint.url + "/health"))
    #expect(health.status == 200)
    let slots = try await client.send(HTTPRequest(url: endpoint.url + "/slots"))
    let body = String(decoding: try await slots.collect(upTo: 1 << 20), as: UTF8.self)
    #expect(body.components(separatedBy: "\"n_ctx\":2048").count == 3)
    let folder = try ServerFolder.prepare(spec, in: data)
    let server = try #require(try folder.readState()?.server)
    await managed.release()
    try await eventually("the server's end") { !server.isRunning }
  }
}
