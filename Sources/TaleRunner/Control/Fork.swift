internal import TaleConfig
public import TaleCore
internal import TaleGit
internal import TaleQueue
internal import TaleSystem

/// Makes a new project of another one's checkpoint, with a budget of its own. The other one, active
/// or ended, does not change and is not stopped.
public struct Fork: Sendable {
  /// The new project.
  public struct Made: Sendable {
    public let id: ProjectID
    public let from: ProjectID
    /// The commit of `from` that it goes on from; nil where it starts from nothing.
    public let commit: String?
    /// Subtasks that are finished in it from the start.
    public let finished: Int
    /// For people, one line.
    public let sentence: String
  }

  private let environment: RunEnvironment
  /// How often it begins anew where the project was delivered, or its objects were packed, meanwhile.
  private static let triesMax = 5

  public init(_ environment: RunEnvironment) { self.environment = environment }

  /// Looks whether a fork is possible.
  ///
  /// - Throws: ``CheckpointRefusal``, ``CopyRefusal``, or what the disk refused.
  public func check(_ id: ProjectID, at name: String?) throws {
    guard let project = try environment.queue.find(id) else { throw ProjectGone(id: id) }
    _ = try source(project, name)
  }

  /// - Parameters:
  ///   - name: of the checkpoint: the beginning of its commit, its subtask or its number; nil: the
  ///     last one, and nothing where there is none.
  ///   - description: in the place of its own.
  /// - Throws: ``CheckpointRefusal``, ``CopyRefusal``, ``ProjectGone``, or what the disk refused.
  public func run(
    _ id: ProjectID, at name: String?, description: [UInt8]? = nil
  ) throws -> Made {
    try run(id, at: name, description: description, origin: .fork)
  }

  func run(
    _ id: ProjectID, at name: String?, description: [UInt8]? = nil, origin: ProjectCopy.Origin
  ) throws -> Made {
    var tries = 0
    while true {
      guard let project = try environment.queue.find(id) else { throw ProjectGone(id: id) }
      tries += 1
      do {
        return try make(project, name, description, origin)
      } catch  where tries < Self.triesMax && environment.queue.isActive(project) {
        // Whoever works on it has delivered it, or put its objects elsewhere: then another look
        // finds all of it.
        let isFinal =
          error is CheckpointRefusal || (error as? CopyRefusal)?.mayPass == false
        if try isFinal && environment.queue.find(id) == project { throw error }
      }
    }
  }

  private func make(
    _ project: ProjectFolder, _ name: String?, _ description: [UInt8]?,
    _ origin: ProjectCopy.Origin
  ) throws -> Made {
    guard !environment.queue.isActive(project) else {
      return try copy(project, name, description, origin)
    }
    guard let hold = try project.hold() else {
      throw CopyRefusal(why: "it is gone: `tale prune` removes it, or has removed it")
    }
    let outcome = Result { try copy(project, name, description, origin) }
    hold.release()
    return try outcome.get()
  }

  private func copy(
    _ project: ProjectFolder, _ name: String?, _ description: [UInt8]?,
    _ origin: ProjectCopy.Origin
  ) throws -> Made {
    let (accepted, checkpoint) = try source(project, name)
    var copy = ProjectCopy(
      environment: environment, origin: origin, checkpoint: checkpoint)
    if let description {
      copy = try edited(copy, description, project, accepted)
    }
    let made = try copy.make(project, accepted)
    return Made(
      id: made.id, from: made.from, commit: copy.checkpoint?.commit, finished: made.finished,
      sentence: made.sentence)
  }

  /// - Throws: ``CheckpointRefusal``, ``CopyRefusal``.
  private func source(
    _ project: ProjectFolder, _ name: String?
  ) throws -> (Event.Accepted, Checkpoint?) {
    if !environment.queue.isActive(project), try project.wasFetched() {
      throw CopyRefusal.fetched
    }
    let book = try Journal.readBook(project.journal)
    guard let accepted = book.accepted else { throw ProjectGone(id: project.id) }
    if book.ended?.outcome == .rejected { throw CopyRefusal.neverAccepted(project) }
    let checkpoint = try Checkpoint.find(name, of: project)
    if let checkpoint, checkpoint.plan == nil {
      guard name != nil else { return (accepted, nil) }
      throw CheckpointRefusal(
        why: "commit \(checkpoint.commit.prefix(10)) has no plan in \(Workspace.planPath)")
    }
    if checkpoint == nil, name != nil {
      throw CheckpointRefusal(why: "it has no checkpoint yet")
    }
    return (accepted, checkpoint)
  }

  /// The same copy with an edited description, which may have another plan.
  ///
  /// - Throws: `DescriptionProblem` within ``CopyRefusal``.
  private func edited(
    _ copy: ProjectCopy, _ bytes: [UInt8], _ project: ProjectFolder, _ accepted: Event.Accepted
  ) throws -> ProjectCopy {
    let after: ProjectDescription
    do throws(DescriptionProblem) {
      after = try DescriptionParser(maxBytes: environment.settings.queue.maxDescription)
        .parse(bytes, name: accepted.name)
      if let problem = after.notCarriedOut { throw problem }
    } catch {
      throw CopyRefusal(why: "the description has a mistake: \(error). \(error.mend)")
    }
    let old = try DurableFile.read(
      project.description, limit: try FileStatus.of(project.description).size)
    var checkpoint = copy.checkpoint
    var edited = ProjectCopy.Edited(description: bytes)
    if let given = checkpoint {
      let before = try DescriptionParser(maxBytes: old.count).parse(old, name: accepted.name)
      switch PlanRevision.meaning(of: after, before, given) {
      case .same: break
      case .revised(let revision): edited.revision = revision
      case .anew: checkpoint = nil
      }
    }
    return ProjectCopy(
      environment: environment, origin: copy.origin, checkpoint: checkpoint, edited: edited)
  }
}

extension CopyRefusal {
  static let fetched = CopyRefusal(
    why: """
      its files were fetched and are here no more; submit its project.md again from where they \
      are now
      """)

  static func neverAccepted(_ project: ProjectFolder) -> CopyRefusal {
    CopyRefusal(
      why: """
        it was never accepted; mend a copy of \(project.description) and drop that, or submit it \
        again
        """)
  }
}
