internal import CLinux
internal import Glibc
internal import SystemPackage

/// One process for as long as it runs: its number and its start time, because numbers come again.
public struct RunningProcess: Sendable, Equatable, Codable {
  public let pid: Int32
  /// Clock ticks since the machine started, field 22 of proc(5)'s `stat`.
  public let startTicks: UInt64

  public init(pid: Int32, startTicks: UInt64) {
    self.pid = pid
    self.startTicks = startTicks
  }

  /// The process that has this number now; nil where there is none, or only its zombie.
  public init?(pid: Int32) {
    // The second field is the program's name in parentheses and may hold anything; the rest is
    // counted from the last closing one.
    guard let text = Self.file(pid, "stat", limit: 8192), let end = text.lastIndex(of: ")") else {
      return nil
    }
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 19, let ticks = UInt64(fields[19]) else { return nil }
    guard fields[0] != "Z", fields[0] != "X" else { return nil }
    self.init(pid: pid, startTicks: ticks)
  }

  /// This process.
  public static var current: RunningProcess {
    RunningProcess(pid: getpid()) ?? RunningProcess(pid: getpid(), startTicks: 0)
  }

  /// Whether it still runs. A zombie, ended but not yet waited for, does not.
  public var isRunning: Bool { RunningProcess(pid: pid) == self }

  /// Whether it was started with this variable in its environment; false where that may not be read.
  public func hasInEnvironment(_ name: String, _ value: String) -> Bool {
    guard let text = Self.file(pid, "environ", limit: 1 << 20) else { return false }
    return text.split(separator: "\0").contains { $0 == "\(name)=\(value)" }
  }

  /// Sends a signal to this process and to no later one that got its number.
  ///
  /// - Returns: false where it had ended or may not be signalled.
  @discardableResult
  public func send(signal: Int32) -> Bool {
    let handle = tale_pidfd_open(pid)
    guard handle >= 0 else { return false }
    defer { close(handle) }
    // Asked after the handle was taken: from here on the handle cannot mean another process.
    guard isRunning else { return false }
    return tale_pidfd_send(handle, signal) == 0
  }

  private static func file(_ pid: Int32, _ name: String, limit: Int) -> String? {
    let path = FilePath("/proc/\(pid)/\(name)")
    guard let bytes = try? DurableFile.read(path, limit: limit) else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }
}
