internal import SystemPackage
internal import TaleCore
internal import TaleSystem

/// A server's folder, `DATA_DIR/servers/<alias>-<hash>`: the meeting point of runners and host.
struct ServerFolder: Sendable {
  static let stateBytesMax = 1 << 20

  let path: FilePath

  /// What is to be started.
  var spec: FilePath { path.appending("spec.json") }
  /// Held shared by every runner that uses the server, for as long as it lives.
  var usersLock: FilePath { path.appending("users.lock") }
  /// Held exclusively by the host.
  var hostLock: FilePath { path.appending("host.lock") }
  var state: FilePath { path.appending("state.json") }
  /// What the server writes.
  var serverLog: FilePath { path.appending("server.log") }
  /// What the host writes, which is nothing as long as all is well.
  var hostLog: FilePath { path.appending("host.log") }

  /// Makes the folder, for this user only, and writes its spec where that is missing.
  static func prepare(_ spec: ServerSpec, in dataDirectory: FilePath) throws -> ServerFolder {
    let path = try dataDirectory.appending("servers").appending(spec.folderName)
    try Folder.create(path, mode: 0o700)
    let folder = ServerFolder(path: path)
    let bytes = try spec.encoded()
    if try DurableFile.readIfPresent(folder.spec, limit: stateBytesMax) != bytes {
      try DurableFile.replace(folder.spec, with: bytes, mode: 0o600)
    }
    return folder
  }

  func readSpec() throws -> ServerSpec {
    try JSON.decodeVersioned(
      ServerSpec.self, from: try DurableFile.read(spec, limit: Self.stateBytesMax))
  }

  /// The state that was written last; nil where there is none, or none that this tale can read.
  ///
  /// An unreadable state is no error: the next host replaces it.
  func readState() throws -> ServerState? {
    let bytes = try DurableFile.readIfPresent(state, limit: Self.stateBytesMax)
    return bytes.flatMap { try? JSON.decodeVersioned(ServerState.self, from: $0) }
  }

  /// Replaces the state. Not synced: after a loss of power no process of it is left.
  func write(_ state: ServerState) throws {
    try DurableFile.replace(
      self.state, with: try JSON.document(state), durable: false, mode: 0o600)
  }
}
