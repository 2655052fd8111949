internal import Glibc
internal import SystemPackage
internal import TaleCore
internal import TaleQueue
internal import TaleSystem

/// Takes a file from anywhere into the queue as a project of its own.
struct Submission {
  let queue: Queue
  let acceptor: Acceptor
  let maxBytes: Int

  /// Where a file is, if it is one that can be a description.
  @discardableResult
  static func check(_ file: String, _ variables: [String: String]) throws -> FilePath {
    let path = try Session.expand(file, variables)
    if file == "-" { return path }
    guard let status = try FileStatus.ifPresent(path) else {
      throw CommandFailure("there is no file \(path)", .usage)
    }
    guard status.kind != .folder else {
      throw CommandFailure(
        "\(path) is a folder; put it into the queue's inbox with cp -r or mv", .usage)
    }
    guard status.kind == .regular else {
      throw CommandFailure(
        "\(path) is no regular file; name the file itself, or give it as - on standard input",
        .usage)
    }
    return path
  }

  /// - Parameters:
  ///   - file: a path, or `-` for standard input.
  ///   - lane: empty for none.
  func submit(
    _ file: String, lane: String, origin: String, variables: [String: String]
  ) throws -> Acceptor.Outcome {
    if file == "-" {
      return try acceptor.accept(
        copyOf: try standardInput(), name: "stdin.md", lane: lane, origin: origin)
    }
    let path = try Self.check(file, variables)
    let bytes = try Descriptor.open(path, O_RDONLY, operation: "read").readPrefix(maxBytes + 1)
    return try acceptor.accept(
      copyOf: bytes, name: path.lastComponent?.string ?? "project.md", lane: lane, origin: origin)
  }

  /// What comes on standard input, one byte more than allowed at most: then it is refused as too
  /// long.
  private func standardInput() throws -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count <= maxBytes {
      let got: Int
      do {
        got = try chunk.withUnsafeMutableBytes { try FileDescriptor.standardInput.read(into: $0) }
      } catch Errno.badFileDescriptor {
        throw CommandFailure(
          "standard input is closed; give the description there, or name a file instead of -",
          .usage)
      } catch let code as Errno {
        throw SystemFailure("read", "/dev/stdin", code)
      }
      if got == 0 { break }
      bytes += chunk.prefix(min(got, maxBytes + 1 - bytes.count))
    }
    return bytes
  }
}
