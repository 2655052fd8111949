internal import ArgumentParser
internal import SystemPackage
internal import TaleConfig
internal import TaleCore
internal import TaleQueue
internal import TaleSystem

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Make a queue and a configuration to start from.",
    discussion: "Makes DIR/queue and DIR/config; what is there already stays as it is.")

  @Argument(help: "The folder to make them in.", completion: .directory)
  var dir = "."

  @Option(
    help: ArgumentHelp(
      "Users of this group may fill the queue and read its results.", valueName: "name"))
  var group: String?

  @OptionGroup var options: GlobalOptions

  func run() throws {
    let session = try Session(options)
    let group = try group.map(Self.find)
    let place = try Session.expand(dir, session.variables)
    let root = options.queue == nil ? place.appending("queue") : try session.queueRoot
    let queue = try Queue.open(
      QueueFolders(root: root, lanes: session.settings.lanes), create: true)
    if let group { try QueueSharing.share(queue, with: group) }
    let config = place.appending("config")
    try Folder.create(config)
    let file = config.appending("development.yaml")
    if try FileStatus.ifPresent(file) == nil {
      try DurableFile.replace(file, with: Array(Self.starter.utf8))
    }
    Terminal.data("queue:  \(queue.folders.root)")
    Terminal.data("config: \(file)")
    Terminal.data("Drop a description into \(queue.folders.inbox), then run: tale drain")
  }

  /// - Throws: ``CommandFailure`` for a group that cannot be taken.
  private static func find(_ name: String) throws -> UserGroup {
    guard let group = UserGroup.find(name) else {
      throw CommandFailure(
        "there is no group \"\(name.shown)\"; `getent group` lists them, `groupadd` makes one",
        .usage)
    }
    guard group.isOwn else {
      throw CommandFailure(
        """
        this user is no member of the group \(group.name), and so may give it nothing; `sudo \
        usermod -aG \(group.name) USER` and a new login make one
        """, .usage)
    }
    return group
  }

  private static let starter = """
    # Values for this machine, above the built-in ones.
    # Only what differs needs to stand here. For example:
    #
    # models:
    #   task_model: qwen2.5-coder-1.5b
    # execution:
    #   max_retries: 3

    """
}
