import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

@testable import TaleQueue

/// A drop whose acceptance is killed, and how to tell afterwards that it is neither lost nor
/// doubled.
enum CrashScenario: String, CaseIterable, CustomTestStringConvertible {
  case file, rejectedFile, folder, rejectedFolder, linkedFile, repeatedFile, repeatedFolder

  var testDescription: String { rawValue }

  private static let bytes = "# Word counter\n\nCount words.\n"
  private static let broken = "---\nmodle: task\n---\nCount words.\n"
  static let modified = 1_700_000_000

  private var isFolder: Bool {
    self == .folder || self == .rejectedFolder || self == .repeatedFolder
  }
  var isRepeated: Bool { self == .repeatedFile || self == .repeatedFolder }
  private var isRejected: Bool { self == .rejectedFile || self == .rejectedFolder }
  private var description: String { isRejected ? Self.broken : Self.bytes }
  var name: String { isFolder ? "counter" : "counter.md" }

  private var files: [String: String] {
    ["project.md": description, "data/words.txt": "one two three\n", "data/empty": ""]
  }

  func prepare(_ place: QueuePlace) throws {
    if isRepeated {
      try deliver(place)
      try #require(try place.intake().first?.accepted != nil)
    }
    try deliver(place)
  }

  private func deliver(_ place: QueuePlace) throws {
    if isFolder {
      try place.dropFolder(files, as: name, modified: Self.modified)
      return
    }
    if self == .linkedFile {
      let original = try place.folder.write(description, to: "original.md")
      try place.link(original, place.folders.inbox.appending(name))
    } else {
      try place.drop(description, as: name)
    }
    try place.setModified(place.folders.inbox.appending(name), Self.modified)
  }

  /// The places at which the drop stands whole: those of the inbox, and the projects.
  func standing(_ place: QueuePlace) throws -> (inbox: [String], projects: [ProjectFolder]) {
    var inbox: [String] = []
    for name in try Folder.names(in: place.folders.inbox)
    where !QueuePlace.lanes.contains(name.string) {
      if try holdsDrop(place.folders.inbox.appending(name)) { inbox.append(name.string) }
    }
    let parent = isRejected ? place.failed : place.active
    return (inbox, try parent().filter(isWhole))
  }

  private func holdsDrop(_ path: FilePath) throws -> Bool {
    if !isFolder { return try content(path) == Array(description.utf8) }
    return try holdsFiles(path)
  }

  private func holdsFiles(_ folder: FilePath) throws -> Bool {
    guard exists(folder) else { return false }
    var expected = files.mapValues { Array($0.utf8) }
    expected["data/"] = []
    return try snapshot(folder) == expected
  }

  private func isWhole(_ project: ProjectFolder) throws -> Bool {
    guard try content(project.description) == Array(description.utf8) else { return false }
    if isFolder, try !holdsFiles(project.input) { return false }
    let book = try Journal.readBook(project.journal)
    let accepted = try #require(book.accepted)
    return accepted.name == name && accepted.sha256 == SHA256.of(Array(description.utf8))
      && book.ended?.outcome == (isRejected ? .rejected : nil)
      && exists(project.failure) == isRejected && exists(project.progress)
      && !exists(project.path.appending(".filling.lock"))
  }
}
