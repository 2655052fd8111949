internal import Glibc

/// Who may read what tale makes: decided by tale, not by the umask of whoever started it.
///
/// A queue that a cron job or a service with umask 077 works must stay readable for those who fill
/// it, and one that was started with umask 000 must not be writable for all. So files are 0644 and
/// folders 0755, less where code says so, and the folders on top, a queue's and tale's own data, are
/// as the user's umask wants them: whoever may not enter these reads nothing below.
public enum CreationMask {
  /// For what is made from now on.
  public static let mask: UInt32 = 0o022

  /// The user's own; asked once, because asking is setting.
  private static let ofUser: UInt32 = umask(mask)

  /// Puts tale's mask in the place of the user's, for this process and the programs it starts.
  public static func settle() { _ = ofUser }

  /// The permissions of a folder that guards everything below it.
  public static func guarding(_ permissions: UInt32) -> UInt32 { permissions & ~ofUser }
}
