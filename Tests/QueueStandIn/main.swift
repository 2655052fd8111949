import Glibc
import SystemPackage
import TaleCore
import TaleQueue
import TaleSystem

// A runner's steps as a process of its own, for tests that kill it:
//   intake ROOT       accepts all that the inbox holds together, without waiting for anything to
//                     settle; says what came
//   list ROOT         says what the inbox holds
//   submit ROOT FILE  accepts a copy of a file
//   copy ROOT FOLDER  accepts a copy of a folder
//   recover ROOT      brings the queue back into order
//   remove FOLDER     removes it with all that is in it
//   probe FILE        asks for writers again and again while another thread is one
//   lock FILE         takes the lock, says "held", waits to be killed
//   lease ROOT ID     the same with the lease of a project in active
let arguments = CommandLine.arguments

/// Prints at once, whatever standard output is.
func say(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = write(1, bytes, bytes.count)
}

/// The moment at which the tests' own clock stands.
struct StandingClock: TimeSource {
  func now() -> Timestamp { Timestamp(seconds: 1_795_383_005) }
}

func folders(_ root: String) -> QueueFolders {
  QueueFolders(root: FilePath(root), lanes: ["urgent", "nightly"])
}

func acceptor(_ root: String) throws -> Acceptor {
  Acceptor(
    queue: try Queue.open(folders(root), create: false),
    limits: AcceptLimits(
      descriptionBytes: 1 << 20, inputBytes: 1 << 30, reserveBytes: 0, redeliveryDays: 14),
    time: StandingClock())
}

func hold(_ lock: borrowing FileLock) {
  say("held")
  while true { sleep(3600) }
}

func hold(_ lease: borrowing Lease) {
  say("held")
  while true { sleep(3600) }
}

/// Does what was asked for, and ends the process.
func run() {
  do {
    switch arguments.dropFirst().first {
    case "intake":
      let acceptor = try acceptor(arguments[2])
      let entries = try InboxListing(folders(arguments[2])).entries().filter {
        if case .candidate = $0.verdict { true } else { false }
      }
      let batch = try acceptor.accept(entries)
      for (entry, outcome) in zip(entries, batch.outcomes) {
        say("\(entry.displayName): \(try outcome.get())")
      }
      if let failure = batch.unfinished { throw failure }
    case "list":
      for entry in try InboxListing(folders(arguments[2])).entries() {
        switch entry.verdict {
        case .candidate: say("\(entry.displayName): candidate")
        case .ignored(let why, _): say("\(entry.displayName): ignored: \(why)")
        case .passedOver: say("\(entry.displayName): passed over")
        case .filling: say("\(entry.displayName): filling")
        }
      }
    case "submit":
      let acceptor = try acceptor(arguments[2])
      let file = FilePath(arguments[3])
      let outcome = try acceptor.accept(
        copyOf: try DurableFile.read(file, limit: 1 << 22), name: file.lastComponent?.string ?? "",
        lane: "", origin: "submit")
      say("\(outcome)")
    case "copy":
      let acceptor = try acceptor(arguments[2])
      let folder = FilePath(arguments[3])
      let label = Acceptor.CopyLabel(
        name: folder.lastComponent?.string ?? "", lane: "", origin: "submit")
      let outcome = try acceptor.accept(label) { copy in
        try copy.takeInput(folder)
        try copy.takeDescriptionFromInput()
      }
      say("\(outcome)")
    case "recover":
      for line in try Recovery(try acceptor(arguments[2])).run() { say(line) }
    case "remove": try Folder.removeTree(FilePath(arguments[2]))
    case "probe":
      signal(SIGIO, SIG_DFL)
      let file = FilePath(arguments[2])
      PermanentThread.start(name: "writer") {
        while true { _ = try? Descriptor.open(file, O_WRONLY) }
      }
      let open = try Descriptor.open(file, O_RDONLY)
      for _ in 0..<20_000 { _ = ReadLease.probe(open) }
      say("probed")
    case "lock":
      guard let lock = try FileLock.tryTake(FilePath(arguments[2])) else { exit(75) }
      hold(lock)
    case "lease":
      guard let id = ProjectID(arguments[3]) else { exit(2) }
      let active = FilePath(arguments[2]).appending("active")
      guard let lease = try Lease.tryTake(ProjectFolder(id, in: active)) else { exit(75) }
      hold(lease)
    default:
      exit(2)
    }
  } catch {
    say("failed: \(error)")
    exit(1)
  }
  exit(0)
}

// The crash library forks at the first look at the queue. A lock of Swift's runtime remembers the
// thread that it was first used by, which in a fork is another one: the work gets a thread of its own.
if let root = getenv("CRASH_ROOT") { mkdir(root, 0o755) }
PermanentThread.start(name: "work") { run() }
while true { pause() }
