import Foundation
import SystemPackage
import TestSupport

/// The real cron daemon, in a mount namespace of its own: it sees one crontab and none of the
/// system's, and its mail lands in a file.
final class CronDaemon: Sendable {
  private let place: TemporaryFolder
  private let program: Program

  /// Whether this machine has cron, and this user may give it a namespace.
  static let isPossible: Bool = {
    guard geteuid() == 0, FileManager.default.isExecutableFile(atPath: "/usr/sbin/cron") else {
      return false
    }
    let end = try? Program.run("unshare", ["--mount", "mount", "-t", "tmpfs", "tale-test", "/run"])
    return end?.succeeded == true
  }()

  /// - Parameter crontab: of the user root.
  init(crontab: String) throws {
    place = try TemporaryFolder()
    try place.write(crontab, to: "spool/crontabs/root")
    try place.write("", to: "cron.d/.placeholder")
    try place.write("", to: "crontab")
    try place.write("#!/bin/sh\ncat >>'\(place("mail"))'\n", to: "sbin/sendmail")
    try place.write("", to: "mail")
    // cron takes only a crontab that nobody else may write, and its mail program by this name.
    for command in [
      ["chmod", "600", place("spool/crontabs/root").string],
      ["chmod", "755", place("sbin/sendmail").string],
      ["cp", "/usr/sbin/cron", place("sbin/cron").string],
    ] { try Program.run(command[0], Array(command.dropFirst())) }
    program = try Program.start(
      "unshare",
      ["--mount", "--propagation", "private", "sh", "-c", Self.script, "sh"]
        + [place.path.string])
  }

  deinit { program.kill() }

  /// Everything that it mailed so far.
  var mail: String { (try? text(place("mail"))) ?? "" }

  /// Whether no line runs, nor its mail is on the way.
  var isIdle: Bool {
    // Each line has a process of cron that waits for it and for its mail.
    (try? Program.run("pgrep", ["-P", "\(program.pid)"]))?.code == 1
  }

  /// What the daemon itself said, for a test that fails.
  var output: String { program.output }

  private static let script = """
    set -e
    mount --bind "$1/spool" /var/spool/cron
    mount --bind "$1/cron.d" /etc/cron.d
    mount --bind "$1/crontab" /etc/crontab
    mount -t tmpfs tale-test /run
    mount --bind "$1/sbin" /usr/sbin
    exec /usr/sbin/cron -f
    """
}
