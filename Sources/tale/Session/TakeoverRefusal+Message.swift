internal import Glibc
internal import TaleQueue
internal import TaleRunner

extension TakeoverRefusal {
  /// What, which, and what to do next.
  var message: String {
    switch self {
    case .otherUsers(let id, let pid, let owner):
      let user = Self.name(of: owner)
      return """
        \(id) is held by process \(pid), which belongs to \(user), and you may not end it; ask \
        \(user) or root to (`kill \(pid)`), then `tale takeover \(id)` goes on
        """
    case .notSeen(let folder, let noted):
      let who =
        noted.map { "process \($0), which its lease names" } ?? "a process that is to be seen"
      return """
        \(folder.id) is held, but not by \(who): its holder runs in a container, or is starting or \
        ending; nothing was ended. `fuser -v \(folder.lease)`, as root or in the container, shows \
        it; end it there, and run this again
        """
    case .doesNotEnd(let id, let pid):
      return """
        process \(pid), which holds \(id), was killed and does not end: it waits for a disk or a \
        device; see what keeps it there, then run this again
        """
    }
  }

  var status: ExitStatus {
    switch self {
    case .otherUsers: .held
    case .notSeen, .doesNotEnd: .projectFailed
    }
  }

  /// As the system calls a user; else the number.
  private static func name(of user: UInt32) -> String {
    guard let entry = getpwuid(user), let name = entry.pointee.pw_name else {
      return "user \(user)"
    }
    return String(cString: name)
  }
}
