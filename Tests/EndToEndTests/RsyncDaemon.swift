import Foundation
import SystemPackage
import TaleSystem
import TestSupport
import Testing

/// An rsync daemon on a free port of 127.0.0.1 whose module `queue` is a folder.
final class RsyncDaemon: Sendable {
  let port: UInt16
  private let program: Program

  init(serving queue: FilePath, in place: TemporaryFolder) async throws {
    port = UInt16(try LoopbackPort.free())
    let log = place("rsyncd.log")
    let config = try place.write(
      """
      use chroot = no
      uid = \(geteuid())
      gid = \(getegid())
      [queue]
      path = \(queue)
      read only = no

      """, to: "rsyncd.conf")
    program = try Program.start(
      "rsync",
      [
        "--daemon", "--no-detach", "--address=127.0.0.1", "--port=\(port)", "--config=\(config)",
        "--log-file=\(log)",
      ])
    let url = "rsync://127.0.0.1:\(port)/"
    let isThere = try await comesTrue(within: .seconds(20)) {
      try Program.run("rsync", [url]).output.contains("queue")
    }
    let said = try? text(log)
    try #require(isThere, "\(program.output)\(said ?? "")")
  }

  /// What follows the host in a command.
  var url: String { "rsync://127.0.0.1:\(port)/queue" }

  deinit { program.kill() }
}
