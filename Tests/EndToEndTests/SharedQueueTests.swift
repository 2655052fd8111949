import Foundation
import Glibc
import SystemPackage
import TaleSystem
import TestSupport
import Testing

/// A queue that several users fill, a tale of root, and every umask, with the real binary.
@Suite(
  .enabled(if: geteuid() == 0, "needs root, to become other users"), .timeLimit(.minutes(5)))
struct SharedQueueTests {
  private typealias User = UserHouse.User

  @Test func `members of a group fill a queue, read its results, and cannot harm each other`()
    throws
  {
    let place = try UserHouse(queueOf: .worker)
    let unknown = try place.expect(.worker, "tale init --group no-such-group q", 2)
    #expect(unknown.contains("there is no group \"no-such-group\""), "\(unknown)")
    let alien = try place.expect(.worker, "tale init --group daemon q", 2)
    #expect(alien.contains("this user is no member of the group daemon"), "\(alien)")
    #expect(!exists(place.queue))
    try place.expect(.worker, "umask 077; tale init --group \(UserHouse.groupName) q")
    let owner = "\(User.worker.rawValue):\(UserHouse.group)"
    for name in ["inbox", "inbox/urgent", "inbox/nightly", "control"] {
      #expect(try place.mode(name) == "3770 \(owner)", "\(name)")
    }
    for name in ["", "active", "outbox", "failed", ".tale", ".tale/staging"] {
      #expect(try place.mode(name) == "2750 \(owner)", "\(name)")
    }
    // Dropping, by copy, and by folder.
    try place.expect(
      .member, "cp x.md $Q/inbox/mine.md && mkdir -m 2770 ~/job && cp x.md ~/job/project.md")
    try place.expect(
      .member,
      "umask 002; cp -r ~/job $Q/inbox/urgent/job && chmod g+rw $Q/inbox/urgent/job/project.md")
    try place.expect(.other, "cp x.md $Q/inbox/secret.md && chmod 600 $Q/inbox/secret.md")
    #expect(try place.shell(.other, "rm -f $Q/inbox/mine.md").code != 0)
    #expect(try place.shell(.stranger, "ls $Q/inbox").code != 0)
    #expect(try place.shell(.stranger, "tale status").code != 0)
    // Nothing is made for the wrong user by looking.
    try place.expect(.worker, "rmdir $Q/inbox/nightly")
    let waiting = try place.expect(.member, "tale status")
    #expect(waiting.contains("mine.md") && waiting.contains("urgent/job"), "\(waiting)")
    #expect(!exists(place.queue.pushing("inbox/nightly")))

    try place.expect(.worker, "umask 077; tale drain")
    #expect(try place.mode("inbox/nightly") == "3770 \(owner)")
    let done = try place.projects("outbox")
    #expect(done.count == 2 && exists(place.queue.pushing("inbox/secret.md")))
    let ignored = try place.expect(.worker, "tale status")
    #expect(ignored.contains("ignored: secret.md: tale may not read it"), "\(ignored)")
    for project in done {
      let id = try #require(project.lastComponent).string
      let file = project.appending("work").appending("it.txt")
      #expect(try place.expect(.other, "cat \(project)/result.md \(file)").contains("it\n"))
      try place.expect(.other, "cp -r \(project) ~/")
      #expect(try place.shell(.other, "touch \(file)").code != 0)
      #expect(try place.shell(.stranger, "cat \(project)/result.md").code != 0)
      #expect(try place.expect(.member, "tale logs \(id)").contains("ended: done"))
      #expect(try place.expect(.member, "tale checkpoints \(id)").contains("(it.txt)"))
      try place.expect(.member, "tale status \(id)")
    }
    #expect(try place.expect(.member, "tale list").split(separator: "\n").count == 2)
    #expect(try place.expect(.member, "tale logs").contains("ends with exit code 0"))
    #expect(try place.expect(.member, "tale prune --keep 0").contains("2 projects"))
    // What is the worker's alone.
    let id = try #require(done.first?.lastComponent).string
    for line in ["tale submit x.md", "tale drain", "tale prune --keep 0 --delete"] {
      let said = try place.expect(.member, line, 73)
      #expect(said.contains("belongs to another user, who could not run what you make in it"))
    }
    for action in ["pause", "retry"] {
      let said = try place.expect(.member, "tale \(action) \(id)", 73)
      #expect(
        said == """
          tale: the queue belongs to another user; run tale as that user, or ask for it with a \
          control file: touch \(place.queue)/control/\(id).\(action)

          """)
    }
    try place.expect(.member, "touch $Q/control/\(id).retry")
    try place.expect(.worker, "tale drain")
    #expect(try place.projects("outbox").count == 3)
    try place.expect(.worker, "tale prune --keep 0 --delete")
    #expect(try place.projects("outbox").isEmpty)
  }

  @Test func `a folder that the group may not write is ignored, with the mend`() throws {
    let place = try UserHouse(queueOf: .worker)
    try place.expect(.worker, "tale init --group \(UserHouse.groupName) q")
    try place.expect(
      .member, "mkdir -p ~/job/data && cp x.md ~/job/project.md && cp -r ~/job $Q/inbox/job")
    try place.expect(.member, "chmod 2755 $Q/inbox/job $Q/inbox/job/data")
    try place.expect(.worker, "tale drain")
    let closed = try place.expect(.worker, "tale status")
    #expect(closed.contains("ignored: job: tale may not move it; give it to"), "\(closed)")
    try place.expect(.member, "chmod 2775 $Q/inbox/job")
    let inner = try place.expect(.worker, "tale drain; tale status")
    #expect(inner.contains("ignored: job: tale may not take anything out of"), "\(inner)")
    try place.expect(.member, "chmod -R g+rwX $Q/inbox/job")
    try place.expect(.worker, "tale drain")
    let project = try #require(try place.projects("outbox").first)
    #expect(try FileStatus.of(project.pushing("input/data")).owner == User.worker.rawValue)
    #expect(!exists(place.queue.pushing("inbox/job")))
  }

  @Test func `a tale of root gives each project back to whoever dropped it`() throws {
    let place = try UserHouse(queueOf: .root)
    try place.expect(.root, "tale init --group \(UserHouse.groupName) q")
    try place.expect(.member, "cp x.md $Q/inbox/mine.md; mkdir ~/job; cp x.md ~/job/project.md")
    try place.expect(.member, "echo a > ~/job/a.txt; cp -r ~/job $Q/inbox/job")
    try place.expect(.other, "printf -- '---\\nmodle: x\\n---\\nA\\n' > $Q/inbox/bad.md")
    try place.expect(.root, "tale submit x.md")
    try place.expect(.root, "umask 077; tale drain", 1)
    #expect(try place.projects("outbox").count == 3)
    for project in try place.projects("outbox") + place.projects("failed") {
      let name = project.string
      let user: User = name.contains("-x-") ? .root : name.contains("-bad-") ? .other : .member
      #expect(try FileStatus.of(project).owner == user.rawValue, "\(name)")
      for entry in try Folder.tree(project, limit: 10_000) {
        #expect(entry.status.owner == user.rawValue, "\(name)/\(entry.path)")
      }
      if name.contains("-bad-") { continue }
      let log = try place.expect(
        user, "git -C \(project)/work log --oneline && git -C \(project)/work status --porcelain")
      #expect(log.contains("Write it") && !log.contains("dubious") && !log.contains("??"), "\(log)")
      if user == .member {
        #expect(try place.shell(.root, "git -C \(project)/work log").said.contains("dubious"))
      }
      let id = try #require(project.lastComponent).string
      #expect(try place.expect(.root, "tale checkpoints \(id)").contains("Write it"))
    }
    // Theirs to empty, and root's to prune.
    let mine = try #require(try place.projects("outbox").first { $0.string.contains("-mine-") })
    let id = try #require(mine.lastComponent).string
    let made = try place.expect(.root, "tale retry \(id) 2>/dev/null").trimmingCharacters(
      in: .newlines)
    try place.expect(.root, "tale drain")
    #expect(
      try FileStatus.of(place.queue.appending("outbox").appending(made)).owner
        == User.member.rawValue)
    try place.expect(.member, "rm -rf \(mine)/* \(mine)/.[!.]* 2>/dev/null; true")
    #expect(try place.expect(.root, "tale prune --emptied --delete").contains(id))
    #expect(!exists(mine))
  }

  @Test(arguments: ["077", "027", "022", "002", "000"])
  func `whatever the umask, files are readable below a folder that is as the umask says`(
    umask: String
  ) throws {
    let place = try UserHouse(queueOf: .worker)
    try place.expect(
      .worker,
      "umask \(umask); tale submit x.md && tale drain")
    let wanted = 0o755 & ~(UInt32(umask, radix: 8) ?? 0)
    let data = place.folder("home-worker").appending(".tale")
    #expect(try FileStatus.of(place.queue).permissions == wanted)
    #expect(try FileStatus.of(data).permissions == wanted)
    var files = 0
    for (root, tree) in [place.queue, data].map({ ($0, try? Folder.tree($0, limit: 10_000)) }) {
      for entry in try #require(tree) {
        let mode = String(entry.status.permissions & 0o777, radix: 8)
        // Whoever may read a lock may hold it; only the lease says something that others read.
        let isLock = entry.path.extension == "lock"
        let allowed = entry.status.kind == .folder ? ["755"] : isLock ? ["600"] : ["644", "444"]
        #expect(allowed.contains(mode), "\(root.pushing(entry.path)): \(mode)")
        files += 1
      }
    }
    #expect(files > 40 && exists(place.queue.pushing(".tale/log/tale.log")))
  }
}
