internal import Glibc
internal import Synchronization
internal import SystemPackage
internal import TaleCore
internal import TaleModels
internal import TaleSystem

/// Where the key of a server is. What it says never holds the key.
struct KeySource: Sendable {
  enum Place: Sendable {
    case variable(String, value: String?)
    case file(FilePath)
  }

  /// The server's name in the configuration.
  let server: String
  let place: Place

  private static let maxBytes = 16 << 10

  /// The key, without the white space around it.
  ///
  /// - Throws: ``ServerUnavailable`` where there is none.
  func read() throws(ServerUnavailable) -> String {
    let key = try text().trimmed
    guard !key.isEmpty else { throw missing("\(name) is empty") }
    guard key.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
      throw missing("\(name) holds more than one word, or signs that no key has")
    }
    return key
  }

  /// What its owner should know; nil when all is well.
  var warning: String? {
    guard case .file(let path) = place,
      let permissions = try? Descriptor.open(path, O_RDONLY | O_NONBLOCK).status().permissions,
      permissions & 0o004 != 0
    else { return nil }
    return "every user of this machine can read the key file \(path); run: chmod 600 \(path)"
  }

  private func text() throws(ServerUnavailable) -> String {
    switch place {
    case .variable(let name, let value):
      guard let value else { throw missing("the environment variable \(name) is not set") }
      return value
    case .file(let path):
      let bytes: [UInt8]
      do throws(SystemFailure) {
        bytes = try Descriptor.open(path, O_RDONLY | O_NONBLOCK, operation: "read")
          .readAll(limit: Self.maxBytes)
      } catch {
        // The path is not repeated: it may be a key that somebody pasted here.
        throw missing(error.isMissing ? "there is no file of that name" : "\(error)")
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  private var name: String {
    switch place {
    case .variable(let name, _): "the environment variable \(name)"
    case .file(let path): "the key file \(path)"
    }
  }

  private func missing(_ why: String) -> ServerUnavailable {
    let key =
      switch place {
      case .variable: "key_env"
      case .file: "key_file"
      }
    return ServerUnavailable(
      message: "the server \"\(server)\" needs its key: \(why) (models.servers.\(server).\(key))",
      mayPass: true)
  }
}

/// Reads a server's key anew before each call, on a thread of its own: the file may be on a disk
/// that hangs.
actor KeyReader {
  nonisolated var unownedExecutor: UnownedSerialExecutor {
    executor.asUnownedSerialExecutor()
  }

  private let executor = ThreadExecutor(name: "key")
  private let source: KeySource
  private nonisolated let current = Mutex<String?>(nil)

  init(_ source: KeySource) { self.source = source }

  /// The key as it was read last.
  nonisolated var key: ModelKey { ModelKey { self.current.withLock { $0 } } }

  func refresh() throws(ServerUnavailable) {
    let key = try source.read()
    current.withLock { $0 = key }
  }
}

extension String {
  /// Without white space at its start and end.
  fileprivate var trimmed: String {
    String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }
}
