import SystemPackage
import TaleCore
import TaleQueue
import TaleSystem
import TestSupport
import Testing

@testable import TaleRunner

/// An example with two phases, a note and a folder, for what goes back and forth in its history.
extension Workshop {
  static let example = """
    # Example

    ## First

    - [ ] Write one -> `one.txt`
    - [ ] Think about what comes next

    ## Second

    - [ ] Write three -> `sub/three.txt`
    - [ ] Write four -> `four.txt`
    """

  static let exampleSubtasks = ["1.1", "1.2", "2.1", "2.2"]

  /// Drains until a project that is accepted for it has made this many calls and waits in the next;
  /// then its user pauses it.
  func paused(
    inCall call: Int, _ text: String = example, as name: String = "job.md"
  ) async throws -> ProjectFolder {
    let gate = Gate()
    let project = try submit(text, as: name)
    let first = model.calls.count
    model.follow { request, number in
      number - first < call
        ? [.text(ScriptedModel.answer(to: request))] : [.text("half"), .wait(gate)]
    }
    defer { model.follow(ScriptedModel.echo) }
    let drain = Task { try await self.drain() }
    do {
      try await eventually("call \(call)") { gate.arrivals == 1 }
      try order(.pause, project.id)
    } catch {
      drain.cancel()
      throw error
    }
    _ = try await drain.value
    try #require(try book(project).restsByUser)
    return project
  }

  /// The subtasks that the model was asked for, after its first calls.
  func asked(after count: Int) -> [String] {
    model.calls.dropFirst(count).compactMap { ScriptedModel.subtask($0.request) }
  }

  /// All that stands in a folder.
  func everything(in folder: FilePath) throws -> [String: [UInt8]] {
    var found: [String: [UInt8]] = [:]
    for entry in try Folder.tree(folder, limit: 100_000) {
      found["\(entry.path) \(entry.status.kind) \(entry.status.permissions)"] =
        entry.status.kind == .regular
        ? try DurableFile.read(folder.pushing(entry.path), limit: 1 << 24) : []
    }
    return found
  }

  /// What a project made: each file with its content.
  func deliverable(_ project: ProjectFolder) throws -> [String: String] {
    var files: [String: String] = [:]
    for entry in try Folder.tree(project.work, limit: 10_000)
    where entry.status.kind == .regular && !entry.path.string.hasPrefix(".") {
      files[entry.path.string] = try text(project.work.pushing(entry.path))
    }
    return files
  }

  static let exampleFiles = [
    "one.txt": "result of 1.1\n", "sub/three.txt": "result of 2.1\n",
    "four.txt": "result of 2.2\n",
  ]

  /// Restores a project that nobody works on.
  @discardableResult
  func restore(_ project: ProjectFolder, to name: String) async throws -> Restore.Outcome {
    try await Restore(environment()).run(project.id, to: name)
  }

  func resume(_ project: ProjectFolder) async throws { try await control(project, .resume) }

  /// Takes an object out of a repository, whatever pack it is in.
  ///
  /// - Parameter object: as git names it: `main:one.txt`.
  func lose(_ object: String, of project: ProjectFolder) throws {
    let script = """
      cd "$1" && name=$(git rev-parse "$2") && mkdir "$3" && mv .git/objects/pack/* "$3" &&
      for pack in "$3"/*.pack; do git unpack-objects -q <"$pack" || exit 1; done &&
      rm ".git/objects/$(echo "$name" | cut -c 1-2)/$(echo "$name" | cut -c 3-)" && rm -r "$3"
      """
    let aside = root.appending("aside")
    let end = try Program.run(
      "sh", ["-c", script, "-", project.work.string, object, aside.string],
      environment: ["HOME": root.string, "GIT_CONFIG_NOSYSTEM": "1"])
    try #require(end.succeeded, "\(end.output)")
  }

  /// The references of tale's own, with their commits.
  func references(_ project: ProjectFolder) throws -> String {
    try git(project, "for-each-ref", "--format=%(refname) %(objectname)", "refs/tale")
  }

  /// The commits of `main`, the oldest first.
  func commits(_ project: ProjectFolder) throws -> [String] {
    try git(project, "log", "--reverse", "--format=%H", "main").split(separator: "\n")
      .map(String.init)
  }
}
