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
    var entries: [InboxEntry] = []
    let lanes = Set(folders.lanes.compactMap { FilePath.Component($0) })
    for lane in [""] + folders.lanes {
      let folder = folders.inbox(lane: lane)
      for name in try names(in: folder, isLane: !lane.isEmpty) {
        if lane.isEmpty, lanes.contains(name) { continue }
        var unsettled: InboxEntry.Candidate?
        guard let verdict = try verdict(on: name, in: folder, &unsettled) else { continue }
        entries.append(
          InboxEntry(lane: lane, name: name, verdict: verdict, unsettled: unsettled))
      }
    }
    return entries
  }

  /// A lane that somebody removed (`rsync --delete` does) is empty.
  private func names(
    in folder: FilePath, isLane: Bool
  ) throws(SystemFailure) -> [FilePath.Component] {
    do { return try Folder.names(in: folder) } catch  where isLane && error.isMissing { return [] }
  }

  /// Nil for a name that is gone by now.
  private func verdict(
    on name: FilePath.Component, in folder: FilePath, _ unsettled: inout InboxEntry.Candidate?
  ) throws(SystemFailure) -> InboxEntry.Verdict? {
    let path = folder.appending(name)
    guard let status = try FileStatus.ifPresent(path) else { return nil }
    if name.string.utf8.first == UInt8(ascii: ".") { return .passedOver }
    switch status.kind {
    case .regular: return verdict(onFile: path, name: name.string, status)
    case .folder: return try verdict(onFolder: path, status, &unsettled)
    case .link:
      return .ignored(
        why: "it is a symbolic link", mend: "copy the file itself into the inbox (cp -L)")
    case .other:
      return .ignored(
        why: "it is a pipe, a socket or a device", mend: "drop a regular file or a folder")
    }
  }

  private func verdict(
    onFile path: FilePath, name: String, _ status: FileStatus
  ) -> InboxEntry.Verdict {
    let ending = name.split(separator: ".", omittingEmptySubsequences: false).last ?? ""
    guard name.contains("."), Slug.extensions.contains(ending.lowercased()) else {
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
    if !Self.mayAccess(path, R_OK) {
      return .ignored(
        why: "tale may not read it", mend: "make it readable for the user that runs tale")
    }
    return .candidate(
      .init(kind: .file, status: status, fingerprint: Self.fingerprint(of: status)))
  }

  private func verdict(
    onFolder path: FilePath, _ status: FileStatus, _ unsettled: inout InboxEntry.Candidate?
  ) throws(SystemFailure) -> InboxEntry.Verdict? {
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
    } catch {
      return .ignored(why: "\(error)", mend: "mend that, or drop the folder anew")
    }
    let candidate = InboxEntry.Candidate(
      kind: .folder, status: status, fingerprint: Self.fingerprint(of: status, tree))
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
        why: "tale may not move it", mend: "give it to the user that runs tale (chown -R)")
    }
    if let hidden = tree.first(where: {
      $0.status.kind == .regular && !Self.mayAccess(path.pushing($0.path), R_OK)
    }) {
      return Self.unreadable(path.pushing(hidden.path))
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

  /// Of a folder and all that is below it.
  static func fingerprint(
    of status: FileStatus, _ tree: [(path: FilePath, status: FileStatus)]
  ) -> [UInt64] {
    tree.reduce(into: fingerprint(of: status)) { $0 += fingerprint(of: $1.status) }
  }

  /// Size, inode and the change time, which no program can set back.
  private static func fingerprint(of status: FileStatus) -> [UInt64] {
    [
      UInt64(status.size), status.inode, UInt64(bitPattern: Int64(status.changed.seconds)),
      UInt64(status.changed.nanoseconds),
    ]
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
