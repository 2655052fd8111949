import Foundation
import Glibc
import SystemPackage
import TaleSystem
import Testing

@testable import TaleModels

/// A folder with a scripted server, and real processes around it.
struct ServerFixture {
  let root: FilePath
  let spec: ServerSpec

  /// The program with the test's host and runner, built beside the tests.
  static var standIn: FilePath {
    let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return FilePath(tests).removingLastComponent().appending("ModelHostStandIn")
  }

  /// Runs a test with a scripted server, then ends whatever it left, by number.
  static func with(
    _ behaviour: StandInServer.Behaviour = .init(), _ body: (ServerFixture) async throws -> Void
  ) async throws {
    let fixture = try ServerFixture(behaviour)
    defer { fixture.clean() }
    try await body(fixture)
  }

  private init(_ behaviour: StandInServer.Behaviour) throws {
    root = FilePath(NSTemporaryDirectory()).appending("tale-server-\(UUID().uuidString)")
    try Folder.create(root)
    let model = root.appending("model.json")
    try DurableFile.replace(model, with: [UInt8](JSONEncoder().encode(behaviour)))
    let program = root.appending("llama-server")
    try DurableFile.replace(program, with: StandInServer.text.utf8, mode: 0o755)
    spec = ServerSpec(
      model: model.string, alias: "scripted", contextPerSlot: 1024, slots: 2, threads: 1,
      runtime: .llamaServer(executable: program.string))
  }

  var data: FilePath { root.appending("data") }

  var folder: ServerFolder {
    get throws { try ServerFolder.prepare(spec, in: data) }
  }

  func state() throws -> ServerState? { try folder.readState() }

  /// A runner in this process.
  func managed(limits: ManagedServer.Limits = .init()) -> ManagedServer {
    ManagedServer(
      spec: spec, dataDirectory: data, hostCommand: [Self.standIn.string, "host"], limits: limits)
  }

  /// A runner in a process of its own, and where it prints.
  func runner(_ name: String) throws -> (process: RunningProcess, output: FilePath) {
    let output = root.appending("\(name).out")
    let process = try DetachedProcess.start(
      [
        Self.standIn.string, "use", spec.model, spec.alias, root.appending("llama-server").string,
        data.string,
      ], in: root, log: output)
    return (try #require(process), output)
  }

  /// The URL that a runner in its own process was given.
  func endpoint(_ output: FilePath) async throws -> String {
    var url = ""
    try await eventually("a runner's endpoint") {
      let text = String(decoding: try DurableFile.read(output, limit: 1 << 16), as: UTF8.self)
      try #require(!text.contains("failed"), "\(text)")
      guard text.hasPrefix("endpoint "), text.hasSuffix("\n") else { return false }
      url = String(text.dropFirst(9).dropLast())
      return true
    }
    return url
  }

  /// The server's process, as its host wrote it.
  func server() throws -> RunningProcess { try #require(try state()?.server) }

  func host() throws -> RunningProcess { try #require(try state()?.host) }

  private func clean() {
    if let state = try? state() {
      state.host.send(signal: SIGKILL)
      state.server?.send(signal: SIGKILL)
    }
    try? FileManager.default.removeItem(atPath: root.string)
  }
}

/// Waits until something is so; a test that waits longer than this has failed.
func eventually(
  _ what: String, within limit: Duration = .seconds(60), _ holds: () async throws -> Bool
) async throws {
  let began = ContinuousClock.now
  while try await !holds() {
    try #require(began.duration(to: .now) < limit, "waited in vain for: \(what)")
    try await Task.sleep(for: .milliseconds(20))
  }
}
