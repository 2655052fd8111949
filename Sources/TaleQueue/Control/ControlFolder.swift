internal import Glibc
public import SystemPackage
public import TaleCore
public import TaleSystem

/// control/: what people drop there to pause, resume, cancel or retry a project.
public struct ControlFolder: Sendable {
  let path: FilePath

  public init(_ folders: QueueFolders) { path = folders.control }

  /// A name in control/ and what tale makes of it. Dot files are passed over.
  public struct Entry: Sendable {
    public let name: FilePath.Component
    public let verdict: Verdict

    public enum Verdict: Sendable, Equatable {
      case order(ControlFile)
      /// Somebody writes it: look again soon.
      case filling
      /// Left untouched: why, and what to do about it.
      case ignored(why: String, mend: String)
    }
  }

  /// Everything that lies there, in the order of the names.
  public func entries() throws(SystemFailure) -> [Entry] {
    var entries: [Entry] = []
    for name in try Folder.names(in: path) where name.string.utf8.first != UInt8(ascii: ".") {
      if let verdict = try verdict(on: name) { entries.append(Entry(name: name, verdict: verdict)) }
    }
    return entries
  }

  /// What lies there for one project: four looks at names, whatever else is in the folder.
  public func files(for id: ProjectID) throws(SystemFailure) -> [ControlFile] {
    var files: [ControlFile] = []
    for action in ControlAction.allCases {
      let name = ControlFile.name(of: action, for: id)
      guard let component = FilePath.Component(name),
        case .order(let file)? = try verdict(on: component)
      else { continue }
      files.append(file)
    }
    return files
  }

  /// Puts an order for whoever holds the project's lease, on disk when this returns.
  public func put(_ action: ControlAction, for id: ProjectID) throws(SystemFailure) -> ControlFile {
    let file = path.appending(ControlFile.name(of: action, for: id))
    try DurableFile.replace(file, with: [])
    return ControlFile(
      id, action, in: path, modified: try FileStatus.of(file).controlTime)
  }

  /// Makes a running `tale watch` look: it watches this folder, and passes over dot files.
  public func ring() throws(SystemFailure) {
    let bell = path.appending(".tale.ring.\(getpid())")
    _ = try Descriptor.open(bell, O_WRONLY | O_CREAT | O_NOFOLLOW, mode: 0o644)
    try DurableFile.remove(bell)
  }

  /// Nil for a name that is gone by now.
  private func verdict(on name: FilePath.Component) throws(SystemFailure) -> Entry.Verdict? {
    let place = path.appending(name)
    guard let status = try FileStatus.ifPresent(place) else { return nil }
    let (id, action): (ProjectID, ControlAction)
    switch Self.read(name.string) {
    case .success(let pair): (id, action) = pair
    case .failure(let problem): return .ignored(why: problem.why, mend: problem.mend)
    }
    guard status.kind == .regular else {
      return .ignored(
        why: "it is no regular file", mend: "make it with touch, its content does not matter")
    }
    // As in the inbox: what rsync left of a transfer that was cut off, and will complete.
    if status.modified.seconds == 0 {
      return .ignored(
        why: "it is a fragment that an interrupted rsync left",
        mend: "run the same rsync again; it completes the file")
    }
    switch try look(at: place) {
    case .gone: return nil
    case .written: return .filling
    case .settled:
      return .order(ControlFile(id, action, in: path, modified: status.controlTime))
    }
  }

  private enum Look { case settled, written, gone }

  private func look(at place: FilePath) throws(SystemFailure) -> Look {
    do {
      let file = try Descriptor.open(
        place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, operation: "read")
      return ReadLease.probe(file) == .hasWriter ? .written : .settled
    } catch  where error.isMissing || error.code == .tooManySymbolicLinkLevels {
      return .gone
    } catch  where error.code == .permissionDenied {
      // Nobody reads the content; that it is there says it all.
      return .settled
    }
  }

  struct Problem: Error {
    let why: String
    let mend: String
  }

  static func read(_ name: String) -> Result<(ProjectID, ControlAction), Problem> {
    let form = "name it ID.pause, ID.resume, ID.cancel or ID.retry, with an ID of `tale status`"
    guard let dot = name.lastIndex(of: ".") else {
      return .failure(Problem(why: "its name does not say what to do", mend: form))
    }
    let word = String(name[name.index(after: dot)...])
    guard let action = ControlAction(rawValue: word) else {
      let nearest = NearestName.suggestion(for: word, in: ControlAction.allCases.map(\.rawValue))
      return .failure(
        Problem(why: "\"\(word)\" is nothing that can be done\(nearest)", mend: form))
    }
    guard let id = ProjectID(name[..<dot]) else {
      return .failure(
        Problem(why: "its name does not begin with a project's whole ID", mend: form))
    }
    return .success((id, action))
  }
}
