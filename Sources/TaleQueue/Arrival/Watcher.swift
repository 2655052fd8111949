internal import CInotifyTools
internal import Glibc
internal import Synchronization
public import SystemPackage
public import TaleSystem

/// Says that something changed in the folders it watches, through libinotifytools.
///
/// A hint, never the truth: whoever hears it lists the folder. At most one may exist in a process,
/// because the library keeps its state in global variables; one thread owns all calls.
public final class Watcher: ChangeSource {
  /// What is known of a change; after an overflow only that there were some.
  public struct Changes: Sendable {
    /// Names that arrived by rename, which makes them complete.
    public var renamedIn: Set<Place> = []
    /// Names that somebody wrote to.
    public var written: Set<Place> = []
    /// Events were lost: only a listing can tell.
    public var overflowed = false

    public init() {}
  }

  public struct Place: Hashable, Sendable {
    public let folder: FilePath
    public let name: FilePath.Component

    public init(folder: FilePath, name: FilePath.Component) {
      self.folder = folder
      self.name = name
    }
  }

  /// Names kept between two looks; more than that count as an overflow.
  private static let maxNames = 10_000
  /// Seconds after which the thread looks whether it shall end, should waking it ever fail.
  private static let wakeInterval = 60

  /// Whether a watcher of this process has the library.
  private static let isTaken = Mutex(false)

  private let pending = Mutex(Changes())
  private let isStopping = Mutex(false)
  private let isWatching = Mutex(false)
  /// Why it cannot watch now, as far as it was told.
  private let trouble = Mutex<SystemFailure?>(nil)
  private let folders: [FilePath]
  private let wakeFile: FilePath
  private let bell: Doorbell
  private let tell: @Sendable (SystemFailure?) -> Void

  /// Starts watching, now or at the first ``take()`` at which the system lets it.
  ///
  /// - Parameters:
  ///   - folders: each is to be there.
  ///   - wakeFile: a file of tale's own, made here and written to for ending the thread.
  ///   - bell: rung at every change.
  ///   - tell: called with what inotify refused, once for each reason; the instances or watches of
  ///     this user may be used up. With nil when it watches after all.
  public convenience init(
    folders: [FilePath], wakeFile: FilePath, bell: Doorbell,
    tell: @escaping @Sendable (SystemFailure?) -> Void
  ) {
    self.init(folders, wakeFile, bell, tell)
    startIfPossible()
  }

  /// Starts watching now.
  ///
  /// - Throws: what inotify refused; `EBUSY` where another watcher of this process has not ended yet.
  public convenience init(
    folders: [FilePath], wakeFile: FilePath, bell: Doorbell
  ) throws(SystemFailure) {
    self.init(folders, wakeFile, bell) { _ in }
    try start()
  }

  private init(
    _ folders: [FilePath], _ wakeFile: FilePath, _ bell: Doorbell,
    _ tell: @escaping @Sendable (SystemFailure?) -> Void
  ) {
    self.folders = folders
    self.wakeFile = wakeFile
    self.bell = bell
    self.tell = tell
  }

  private func startIfPossible() {
    do throws(SystemFailure) { try start() } catch {
      let isNew = trouble.withLock { known in
        defer { known = error }
        return known != error
      }
      if isNew { tell(error) }
      return
    }
    let wasInTrouble = trouble.withLock { known in
      defer { known = nil }
      return known != nil
    }
    if wasInTrouble { tell(nil) }
  }

  private func start() throws(SystemFailure) {
    // Never replaced: the watcher of another process may be watching this very file.
    _ = try Descriptor.open(wakeFile, O_WRONLY | O_CREAT)
    let isFirst = Self.isTaken.withLock { isTaken in
      defer { isTaken = true }
      return !isTaken
    }
    guard isFirst else {
      throw SystemFailure("start a second watcher for", folders.first ?? wakeFile, .resourceBusy)
    }
    do throws(SystemFailure) { try Self.watch(folders, wakeFile) } catch {
      inotifytools_cleanup()
      Self.isTaken.withLock { $0 = false }
      throw error
    }
    isWatching.withLock { $0 = true }
    PermanentThread.start(name: "watcher") { [self] in loop() }
  }

  private static func watch(_ folders: [FilePath], _ wakeFile: FilePath) throws(SystemFailure) {
    guard inotifytools_initialize() != 0 else {
      throw SystemFailure("start inotify for", folders.first ?? wakeFile, .lastOfLibrary)
    }
    let events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ATTRIB | IN_DELETE
    for folder in folders {
      // The library looks its watches up by name, and wants folders with a slash at the end.
      let watched = folder.withPlatformString {
        Array(UnsafeBufferPointer(start: $0, count: strlen($0)))
      }
      guard
        inotifytools_watch_file(watched + [CChar(bitPattern: UInt8(ascii: "/")), 0], CInt(events))
          != 0
      else { throw SystemFailure("watch", folder, .lastOfLibrary) }
    }
    let isWatched = wakeFile.withPlatformString {
      inotifytools_watch_file($0, CInt(IN_CLOSE_WRITE))
    }
    guard isWatched != 0 else { throw SystemFailure("watch", wakeFile, .lastOfLibrary) }
  }

  /// Takes what has been noticed since the last time, and starts watching where that was refused
  /// before.
  public func take() -> Changes {
    if !isWatching.withLock({ $0 }) { startIfPossible() }
    return pending.withLock { changes in
      defer { changes = Changes() }
      return changes
    }
  }

  /// Ends the thread and lets the library go.
  public func stop() {
    isStopping.withLock { $0 = true }
    guard isWatching.withLock({ $0 }) else { return }
    // The library cannot be woken otherwise. Should the disk refuse, the interval ends the wait.
    _ = try? Descriptor.open(wakeFile, O_WRONLY | O_CREAT).write([0])
  }

  private func loop() {
    defer {
      inotifytools_cleanup()
      Self.isTaken.withLock { $0 = false }
    }
    while !isStopping.withLock({ $0 }) {
      guard let event = inotifytools_next_event(Self.wakeInterval) else {
        if inotifytools_error() != 0 { note { $0.overflowed = true } }
        continue
      }
      handle(event)
    }
  }

  private func handle(_ event: UnsafeMutablePointer<inotify_event>) {
    let mask = event.pointee.mask
    if mask & UInt32(IN_Q_OVERFLOW) != 0 || event.pointee.wd < 0 {
      return note { $0.overflowed = true }
    }
    guard let place = Self.place(of: event) else { return }
    note { changes in
      if mask & UInt32(IN_MOVED_TO) != 0 {
        changes.renamedIn.insert(place)
        changes.written.remove(place)
      } else if mask & UInt32(IN_ATTRIB) == 0 {
        // Whoever wrote it, made it anew or removed it: an earlier rename says nothing any more.
        changes.written.insert(place)
        changes.renamedIn.remove(place)
      }
      if changes.renamedIn.count + changes.written.count > Self.maxNames {
        changes = Changes()
        changes.overflowed = true
      }
    }
  }

  private func note(_ change: (inout Changes) -> Void) {
    pending.withLock { change(&$0) }
    bell.ring()
  }

  /// Copies the event out of the library's buffer, which the next call overwrites.
  private static func place(of event: UnsafeMutablePointer<inotify_event>) -> Place? {
    guard event.pointee.len > 0,
      let folder = inotifytools_filename_from_wd(event.pointee.wd)
    else { return nil }
    let offset = MemoryLayout<inotify_event>.size
    let text = UnsafeRawPointer(event).advanced(by: offset)
      .assumingMemoryBound(to: CInterop.PlatformChar.self)
    guard let name = FilePath(platformString: text).lastComponent else { return nil }
    return Place(folder: FilePath(platformString: folder), name: name)
  }
}

extension Errno {
  /// The library's own copy of errno.
  fileprivate static var lastOfLibrary: Errno { Errno(rawValue: CInt(inotifytools_error())) }
}
