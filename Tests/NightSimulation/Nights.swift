import Glibc
import NightEngine
import SystemPackage
import TaleSystem

/// Writes a line at once, whatever standard output is.
func say(_ line: String, to file: Int32 = 1) {
  let bytes = Array("\(line)\n".utf8)
  _ = write(file, bytes, bytes.count)
}

/// Runs nights side by side, and says what came of them.
struct Nights {
  private let options: NightOptions
  private let base: FilePath

  init(_ options: NightOptions) {
    self.options = options
    base = Self.memory.appending("tale-nights-\(getpid())")
  }

  /// Where files cost nothing.
  private static var memory: FilePath {
    if (try? FileStatus.of("/dev/shm").kind) == .folder { return "/dev/shm" }
    let temporary = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    say("/dev/shm is not there: files go to \(temporary), which is slower", to: 2)
    return FilePath(temporary)
  }

  /// One in so many nights is done twice: what comes of it must be the same.
  private static let repeatEvery: UInt64 = 20

  func run() -> Int32 {
    let began = ContinuousClock.now
    let workers = options.seed == nil ? options.workers : 1
    let tallies = night_shared(workers * MemoryLayout<Tally>.stride)
      .bindMemory(to: Tally.self, capacity: workers)
    tallies.initialize(repeating: Tally(), count: workers)
    do {
      try Folder.create(base)
    } catch {
      say("\(error)", to: 2)
      return 1
    }
    var children: [Int32] = []
    for number in 0..<workers {
      let child = night_fork()
      if child == 0 {
        work(number, of: workers, began, tallies + number)
        _exit(0)
      }
      children.append(child)
    }
    var isWell = true
    for child in children {
      var status: Int32 = 0
      while waitpid(child, &status, 0) < 0, errno == EINTR {}
      if status != 0 {
        say("a worker ended with status \(status)", to: 2)
        isWell = false
      }
    }
    var sum = Tally()
    for number in 0..<workers { sum.add(tallies[number]) }
    let took = began.duration(to: .now)
    say(sum.text(seconds: Double(took.nanoseconds) / 1e9))
    if sum.failed == 0 || !options.isKept { _ = try? Folder.removeTree(base) }
    return isWell && sum.failed == 0 && sum.nights > 0 ? 0 : 1
  }

  // MARK: Controls

  /// Nights among which each mistake must show itself.
  private static let controlNights: UInt64 = 200

  /// Plants each mistake, and looks whether a night finds it, and the same night finds it again.
  func controls() -> Int32 {
    _ = night_make()
    var isWell = true
    defer { _ = try? Folder.removeTree(base) }
    do {
      try Folder.create(base)
      for mistake in Mistake.allCases {
        let found = try (1...Self.controlNights).first { seed in
          guard try finds(mistake, in: seed) else { return false }
          return try finds(mistake, in: seed)
        }
        isWell = isWell && found != nil
        let what = found.map { "found in night \($0), and again in the same" } ?? "NOT FOUND"
        say("mistake \(mistake.rawValue): \(what) (\"\(mistake.sign)\")")
      }
    } catch {
      say("\(error)", to: 2)
      isWell = false
    }
    return isWell ? 0 : 1
  }

  private func finds(_ mistake: Mistake, in seed: UInt64) throws -> Bool {
    func run(_ name: String) throws -> Night.Result {
      let place = Place(root: base.appending("\(name)-\(seed)"))
      defer { _ = try? Folder.removeTree(place.root) }
      return try Night(seed: seed, in: place, mistake).run()
    }
    let result = try run("night")
    guard mistake == .dice else {
      return result.violations.contains { $0.contains(mistake.sign) }
    }
    return try run("again").state.digest != result.state.digest
  }

  private func work(
    _ number: Int, of workers: Int, _ began: ContinuousClock.Instant,
    _ tally: UnsafeMutablePointer<Tally>
  ) {
    _ = night_make()
    let limit = options.minutes.map { Duration.seconds($0 * 60) }
    var seed = (options.seed ?? options.from) + UInt64(number)
    let (end, isOver) = options.from.addingReportingOverflow(options.count)
    while options.seed != nil || isOver || seed < end {
      if let limit, began.duration(to: .now) > limit { return }
      do {
        try night(seed, tally)
      } catch {
        say("night \(seed): \(error)", to: 2)
        tally.pointee.failed += 1
      }
      if options.seed != nil { return }
      seed += UInt64(workers)
    }
  }

  private func night(_ seed: UInt64, _ tally: UnsafeMutablePointer<Tally>) throws {
    let place = Place(root: base.appending("night-\(seed)"))
    let result = try Night(seed: seed, in: place, isTold: options.isTold, options.mistake)
      .run()
    tally.pointee.add(result.state)
    var violations = result.violations
    if options.seed != nil || seed % Self.repeatEvery == 0 || !violations.isEmpty {
      if !options.isKept || violations.isEmpty { try Folder.removeTree(place.root) }
      let again = Place(root: base.appending("again-\(seed)"))
      let second = try Night(seed: seed, in: again, options.mistake).run()
      tally.pointee.repeated += 1
      if second.state.digest != result.state.digest {
        violations.append("the night came out another way the second time")
      }
      try Folder.removeTree(again.root)
    }
    for line in violations { say("night \(seed): \(line)") }
    if violations.isEmpty {
      if (try FileStatus.ifPresent(place.root)) != nil { try Folder.removeTree(place.root) }
    } else {
      tally.pointee.failed += 1
      let planted = options.mistake.map { " --mistake \($0.rawValue)" } ?? ""
      say("night \(seed) again: \(CommandLine.arguments[0]) --seed \(seed) --keep\(planted)")
      if options.isKept { say("night \(seed) stands in \(place.root)") }
    }
    if options.seed != nil { say("digest \(String(result.state.digest, radix: 16))") }
  }
}
