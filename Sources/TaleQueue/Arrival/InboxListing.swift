internal import Glibc
internal import SystemPackage
internal import TaleCore
public import TaleSystem

/// Looks through the inbox and says of each name whether it is something to take.
///
/// The listing is the truth; the watcher only says when to make one.
public struct InboxListing: Sendable {
  let folders: QueueFolders
  /// Entries that a dropped folder may have.
  static let maxTreeEntries = 100_000

  public init(_ folders: QueueFolders) { self.folders = folders }

  /// Everything in the inbox and its lanes, in the order of lanes and names.
  public func entries() throws(SystemFailure) -> [InboxEntry] {
    let pass = Pass(self)
    var entries: [InboxEntry] = []
    while let entry = try pass.next() { entries.append(entry) }
    return entries
  }

  /// One way through the inbox, name by name: there may be 100,000 of them.
  public final class Pass {
    private let listing: InboxListing
    /// Those that are still to come, in the order in which they run: the inbox itself is the last.
    private var lanes: ArraySlice<String>
    private var lane = ""
    private var folder: OpenFolder?
    private var names: NameList?
    private var index = 0

    private final class OpenFolder {
      let descriptor: Descriptor
      init(_ path: FilePath) throws(SystemFailure) {
        descriptor = try Descriptor.open(path, O_RDONLY | O_DIRECTORY, operation: "list")
      }
    }

    public init(_ listing: InboxListing) {
      self.listing = listing
      lanes = ArraySlice(listing.folders.lanes + [""])
    }

    /// Nil at the end.
    public func next() throws(SystemFailure) -> InboxEntry? {
      while true {
        if let names, let folder, index < names.count {
          defer { index += 1 }
          if let entry = try listing.entry(lane, index, of: names, in: folder.descriptor) {
            return entry
          }
        } else if try !openNext() {
          return nil
        }
      }
    }

    private func openNext() throws(SystemFailure) -> Bool {
      guard let lane = lanes.popFirst() else { return false }
      self.lane = lane
      let path = listing.folders.inbox(lane: lane)
      index = 0
      do throws(SystemFailure) {
        folder = try OpenFolder(path)
        names = try NameList(path)
      } catch {
        // A lane that somebody removed (`rsync --delete` does) is empty.
        guard !lane.isEmpty, error.isMissing else { throw error }
        names = nil
      }
      return true
    }
  }

  /// Nil for a lane, and for a name that is gone by now.
  private func entry(
    _ lane: String, _ index: Int, of names: NameList, in folder: borrowing Descriptor
  ) throws(SystemFailure) -> InboxEntry? {
    guard let name = names[index] else { return nil }
    let found: FileStatus?
    do throws(SystemFailure) {
      found = try FileStatus.ifPresent(index, of: names, in: folder)
    } catch {
      // A dead mount, for one. It must not hold up the others.
      return InboxEntry(
        lane: lane, name: name,
        verdict: .ignored(why: "\(error)", mend: "mend that, or remove it"))
    }
    guard let status = found else { return nil }
    if lane.isEmpty, status.kind == .folder, folders.lanes.contains(name.string) { return nil }
    if names.withBytes(index, { $0.first == UInt8(ascii: ".") }) {
      return InboxEntry(lane: lane, name: name, verdict: .passedOver)
    }
    var unsettled: InboxEntry.Candidate?
    let verdict: InboxEntry.Verdict
    switch status.kind {
    case .regular:
      let isDescription = names.withBytes(index, Self.isDescription)
      verdict = self.verdict(onFile: folder.path, name, isDescription: isDescription, status)
    case .folder:
      verdict = try self.verdict(onFolder: folder.path.appending(name), status, &unsettled)
    case .link:
      verdict = .ignored(
        why: "it is a symbolic link", mend: "copy the file itself into the inbox (cp -L)")
    case .other:
      verdict = .ignored(
        why: "it is a pipe, a socket or a device", mend: "drop a regular file or a folder")
    }
    return InboxEntry(lane: lane, name: name, verdict: verdict, unsettled: unsettled)
  }

  private static let endings = Slug.extensions.map { Array(".\($0)".utf8) }

  /// By the ending of its name, in any letter case.
  private static func isDescription(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return false }
    return endings.contains { ending in
      ending.count == name.count - dot
        && zip(ending, name[dot...]).allSatisfy { $0 == $1 || ($1 &- 0x41 < 26 && $0 == $1 | 0x20) }
    }
  }

  private func verdict(
    onFile folder: FilePath, _ name: FilePath.Component, isDescription: Bool, _ status: FileStatus
  ) -> InboxEntry.Verdict {
    guard isDescription else {
      let known = Slug.extensions.map { ".\($0)" }.joined(separator: " ")
      return .ignored(
        why: "its name does not say that it is a description",
        mend: "give it one of these endings: \(known)")
    }
    // rsync marks what an interrupted transfer leaves under the final name with the second 0 of
    // the epoch, so that the next transfer recognises it.
    if status.modified.seconds == 0 {
      return .ignored(
        why: "it is a fragment that an interrupted rsync left",
        mend: "run the same rsync again; it completes the file (where it is whole: touch it)")
    }
    // Its owner's right to read says enough, and saves a call for each of very many.
    let isReadable = status.owner == Self.user && status.permissions & 0o400 != 0
    if !isReadable, !Self.mayAccess(folder.appending(name), R_OK) {
      return .ignored(
        why: "tale may not read it", mend: "make it readable for the user that runs tale")
    }
    return .candidate(
      .init(kind: .file, status: status, fingerprint: .init(status)))
  }

  private static let user = geteuid()

  private func verdict(
    onFolder path: FilePath, _ status: FileStatus, _ unsettled: inout InboxEntry.Candidate?
  ) throws(SystemFailure) -> InboxEntry.Verdict {
    let tree: [(path: FilePath, status: FileStatus)]
    do {
      tree = try Folder.tree(path, limit: Self.maxTreeEntries)
    } catch  where error.isMissing {
      // Something below it was renamed while it was listed: it is not settled.
      return .filling
    } catch  where error.code == .permissionDenied {
      return .ignored(
        why: "tale may not read \(error.path)",
        mend: "make the folder readable for the user that runs tale")
    } catch  where error.code == .fileTooLarge {
      return .ignored(
        why: "it holds more than \(Self.maxTreeEntries) files", mend: "drop a smaller folder")
    } catch  where error.isShortage {
      // It says nothing about this folder, which is to be taken at the next look.
      throw error
    } catch {
      return .ignored(why: "\(error)", mend: "mend that, or drop the folder anew")
    }
    let candidate = InboxEntry.Candidate(
      kind: .folder, status: status, fingerprint: .init(status, tree))
    guard let description = tree.first(where: { $0.path == "project.md" }) else {
      // A copy that is under way may bring it last, and no event will tell.
      unsettled = candidate
      return .ignored(
        why: "the folder has no project.md",
        mend: """
          put the description into it as project.md\
          \(folders.lanes.isEmpty ? "" : " (the lanes are: \(folders.lanes.joined(separator: ", ")))")
          """)
    }
    guard description.status.kind == .regular else {
      return .ignored(why: "its project.md is not a regular file", mend: "copy the file itself")
    }
    // A folder that moves to another gets another parent, which counts as writing to it.
    if !Self.mayAccess(path, W_OK | X_OK) {
      return .ignored(
        why: "tale may not move it",
        mend: """
          give it to the user that runs tale (chown -R), or make it writable for a group of that \
          user (chmod -R g+rwX)
          """)
    }
    if let hidden = tree.first(where: {
      $0.status.kind == .regular && !Self.mayAccess(path.pushing($0.path), R_OK)
    }) {
      return Self.unreadable(path.pushing(hidden.path))
    }
    // What is another user's becomes a copy, and the original is removed.
    if let closed = tree.first(where: {
      $0.status.kind == .folder && $0.status.owner != geteuid()
        && !Self.mayAccess(path.pushing($0.path), W_OK | X_OK)
    }) {
      return .ignored(
        why: "tale may not take anything out of \(path.pushing(closed.path))",
        mend: "make it writable for a group of the user that runs tale (chmod -R g+rwX)")
    }
    let unfinished = tree.filter(Self.isUnfinished)
    if let first = unfinished.first {
      if Self.isAnyWritten(of: unfinished, beneath: path) { return .filling }
      // Between two files of a transfer nothing is open; what was cut off stays as it is.
      unsettled = candidate
      return .ignored(
        why: "\(path.pushing(first.path)) is what an interrupted rsync left",
        mend: """
          run the same rsync again; it completes the folder \
          (what it does not complete: remove it, or touch it where it is whole)
          """)
    }
    return .candidate(candidate)
  }

  /// What rsync has not finished, under its own name or under that of the file.
  private static func isUnfinished(_ entry: (path: FilePath, status: FileStatus)) -> Bool {
    isRsyncTemporary(entry) || isRsyncFolder(entry)
      || (entry.status.kind == .regular && entry.status.modified.seconds == 0)
  }

  /// Where `--delay-updates` and `--partial-dir` keep what has come, until it gets its name.
  private static func isRsyncFolder(_ entry: (path: FilePath, status: FileStatus)) -> Bool {
    entry.status.kind == .folder
      && (entry.path.lastComponent == ".~tmp~" || entry.path.lastComponent == ".rsync-partial")
  }

  private static func isAnyWritten(
    of entries: [(path: FilePath, status: FileStatus)], beneath folder: FilePath
  ) -> Bool {
    guard let top = try? Descriptor.open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else {
      return false
    }
    for entry in entries where entry.status.kind == .regular {
      guard let file = try? top.openBeneath(entry.path, O_RDONLY | O_NONBLOCK) else { continue }
      if ReadLease.probe(file) == .hasWriter { return true }
    }
    return false
  }

  private static func unreadable(_ path: FilePath) -> InboxEntry.Verdict {
    .ignored(
      why: "tale may not read \(path)",
      mend: "make the folder and all in it readable for the user that runs tale")
  }

  /// The name's bytes go to the kernel as they are.
  private static func mayAccess(_ path: FilePath, _ mode: CInt) -> Bool {
    path.withPlatformString { faccessat(AT_FDCWD, $0, mode, AT_EACCESS) } == 0
  }

  /// The name under which rsync writes before it renames, closed to others meanwhile: a dot, the
  /// file's own name, a dot, and six letters or digits.
  ///
  /// A suffix of small letters only is a word that somebody chose, like `.env.sample`: of rsync's
  /// own, which are drawn from 62 characters, 1 in 180 looks so.
  private static func isRsyncTemporary(_ entry: (path: FilePath, status: FileStatus)) -> Bool {
    guard entry.status.kind == .regular, entry.status.permissions & 0o077 == 0,
      let name = entry.path.lastComponent?.string, name.hasPrefix(".")
    else { return false }
    let parts = name.dropFirst().split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 2, let last = parts.last else { return false }
    return last.count == 6 && last.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
      && !last.allSatisfy(\.isLowercase)
  }
}
