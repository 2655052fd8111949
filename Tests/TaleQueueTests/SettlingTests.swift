import SystemPackage
import TaleSystem
import TestSupport
import Testing

@testable import TaleQueue

/// Moments are given: no test waits.
@Suite struct SettlingTests {
  private let folder: TemporaryFolder
  private let status: FileStatus
  private var settling = Settling(.init(file: .milliseconds(500), folder: .seconds(2)))
  private let name: FilePath.Component = "x.md"

  init() throws {
    folder = try TemporaryFolder()
    status = try FileStatus.of(folder.path)
  }

  private func candidate(
    _ fingerprint: UInt64, _ kind: InboxEntry.Candidate.Kind = .file
  ) -> InboxEntry.Candidate {
    .init(kind: kind, status: status, fingerprint: .init((fingerprint, 0, 0, 0)))
  }

  private mutating func observe(
    _ fingerprint: UInt64, at milliseconds: Int, lane: String = "",
    _ kind: InboxEntry.Candidate.Kind = .file
  ) -> Settling.Answer {
    settling.observe(
      lane: lane, name: name, candidate(fingerprint, kind), at: .milliseconds(milliseconds))
  }

  @Test mutating func `a file settles when two looks half a second apart agree`() {
    #expect(observe(1, at: 1000) == .wait(.milliseconds(500)))
    #expect(observe(1, at: 1200) == .wait(.milliseconds(300)))
    #expect(observe(1, at: 1499) == .wait(.milliseconds(1)))
    #expect(observe(1, at: 1500) == .settled)
  }

  @Test mutating func `a folder settles when two looks two seconds apart agree`() {
    #expect(observe(1, at: 0, .folder) == .wait(.seconds(2)))
    #expect(observe(1, at: 1999, .folder) == .wait(.milliseconds(1)))
    #expect(observe(1, at: 2000, .folder) == .settled)
  }

  @Test mutating func `any change starts the wait anew, also one back to what was`() {
    #expect(observe(1, at: 0) == .wait(.milliseconds(500)))
    #expect(observe(2, at: 499) == .wait(.milliseconds(500)))
    #expect(observe(1, at: 900) == .wait(.milliseconds(500)))
    #expect(observe(1, at: 1399) == .wait(.milliseconds(1)))
    #expect(observe(1, at: 1400) == .settled)
  }

  @Test mutating func `what was renamed in has settled at the first look`() {
    settling.noteRename(lane: "", name: name)
    #expect(observe(1, at: 0) == .settled)
    #expect(observe(1, at: 0, lane: "urgent") == .wait(.milliseconds(500)))
  }

  @Test mutating func `a write after the rename voids it`() {
    settling.noteRename(lane: "", name: name)
    settling.noteWrite(lane: "", name: name)
    #expect(observe(1, at: 0) == .wait(.milliseconds(500)))
  }

  @Test mutating func `what turned out to be written starts anew, renamed in or not`() {
    settling.noteRename(lane: "", name: name)
    settling.forget(lane: "", name: name)
    #expect(observe(1, at: 0) == .wait(.milliseconds(500)))
    settling.forget(lane: "", name: name)
    #expect(observe(1, at: 600) == .wait(.milliseconds(500)))
  }

  @Test mutating func `what is gone is forgotten, and a new one under its name waits`() {
    settling.noteRename(lane: "", name: name)
    _ = observe(1, at: 0, lane: "urgent")
    settling.endLook()
    settling.endLook()
    #expect(observe(1, at: 1000) == .wait(.milliseconds(500)))
    #expect(observe(1, at: 1000, lane: "urgent") == .wait(.milliseconds(500)))
  }

  @Test mutating func `what is still there is kept`() {
    _ = observe(1, at: 0)
    settling.endLook()
    #expect(observe(1, at: 400) == .wait(.milliseconds(100)))
    settling.endLook()
    #expect(observe(1, at: 500) == .settled)
  }

  @Test mutating func `a rename that comes behind the place where a look is counts in the next`() {
    settling.noteRename(lane: "", name: name)
    settling.endLook()
    #expect(observe(1, at: 0) == .settled)
    settling.endLook()
    #expect(observe(1, at: 0) == .settled)
  }
}
