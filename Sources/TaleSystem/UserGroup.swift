internal import Glibc

/// A group of users.
public struct UserGroup: Sendable, Equatable {
  public let name: String
  public let number: UInt32

  /// - Returns: nil where there is no group of this name, or number.
  public static func find(_ text: String) -> UserGroup? {
    // The library's own buffer: only for the start of a command, before there are other threads.
    if let entry = getgrnam(text) {
      return UserGroup(name: String(cString: entry.pointee.gr_name), number: entry.pointee.gr_gid)
    }
    guard let number = UInt32(text), let entry = getgrgid(number) else { return nil }
    return UserGroup(name: String(cString: entry.pointee.gr_name), number: number)
  }

  /// Whether this process may give files to the group.
  public var isOwn: Bool {
    if geteuid() == 0 || getegid() == number { return true }
    let count = getgroups(0, nil)
    guard count > 0 else { return false }
    var groups = [gid_t](repeating: 0, count: Int(count))
    return getgroups(count, &groups) >= 0 && groups.contains(number)
  }
}
