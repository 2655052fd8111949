import Glibc
import NightEngine
import SystemPackage
import TaleCore
import TaleQueue
import TaleSystem

/// Something wrong with tale, planted to see that the checks find it.
enum Mistake: String, CaseIterable {
  /// A drop is removed instead of being moved out of the inbox.
  case lose
  /// A start makes a second project of one that waits.
  case double
  /// A start has lost the last lines of the journals.
  case forget
  /// The door waits half as long as it is told to.
  case hurry
  /// The runner's time of day is an hour late.
  case late
  /// The lanes have their turns in the other order.
  case reverse
  /// A subtask gets the answer to another one.
  case spoil
  /// Each runner does nothing more after one project, the last of all too.
  case leave
  /// The ledger is not written.
  case blank
  /// Something follows from no seed.
  case dice

  /// What the violation says that must be found.
  var sign: String {
    switch self {
    case .lose: "is lost"
    case .double: "became 2 projects"
    case .forget: "booked"
    case .hurry: "too soon"
    case .late: "outside of its hours"
    case .reverse: "was begun before"
    case .spoil: "is not what was answered"
    case .leave: "in the morning"
    case .blank: "the ledger does not know"
    case .dice: "came out another way"
    }
  }

  /// What it does to the queue before a life begins.
  func begin(_ folders: QueueFolders) throws {
    guard self == .double || self == .forget, let queue = try? Queue.open(folders, create: false)
    else { return }
    for project in try queue.projects(in: folders.active) {
      if self == .double { try Self.double(project) } else { try Self.forget(project) }
    }
  }

  private static func double(_ project: ProjectFolder) throws {
    let name = project.id.description
    guard let id = ProjectID("\(name.dropLast(4))zzzz") else { return }
    let copy = ProjectFolder(id, in: project.parent)
    if try FileStatus.ifPresent(copy.path) != nil { return }
    try Folder.create(copy.path)
    for file in [\ProjectFolder.description, \.journal] {
      try DurableFile.create(
        copy[keyPath: file], with: try DurableFile.read(project[keyPath: file], limit: 1 << 24),
        synced: false)
    }
  }

  private static func forget(_ project: ProjectFolder) throws {
    let lines = Place.lines(project.journal)
    if lines.count < 4 { return }
    let kept = lines.dropLast(3).map { "\($0)\n" }.joined()
    try DurableFile.replace(project.journal, with: kept.utf8, durable: false)
  }
}
