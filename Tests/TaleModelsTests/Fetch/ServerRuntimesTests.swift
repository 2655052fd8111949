import SystemPackage
import TaleSystem
import Testing

@testable import TaleModels

@Suite struct `server runtimes` {
  private static func runtimes(_ fixture: FetchFixture, _ machine: Machine) throws -> ServerRuntimes
  {
    ServerRuntimes(
      store: fixture.store, package: try ModelCatalogue.builtIn().server,
      python: fixture.root.appending("python").string, limits: FetchLimits(),
      clock: ContinuousClock(), machine: machine)
  }

  @Test func `a llama-server on PATH is preferred`() async throws {
    try await FetchFixture.with { fixture in
      let program = fixture.root.appending("llama-server")
      try DurableFile.replace(program, with: "#!/bin/sh\n".utf8, mode: 0o755)
      let machine = Machine(architecture: "any", processors: "", path: ["/nowhere", fixture.root])
      let runtimes = try Self.runtimes(fixture, machine)
      #expect(try await runtimes.ensure() == .llamaServer(executable: program.string))
    }
  }

  @Test(arguments: [
    ("x86_64", "flags : fpu sse avx\n", "this processor has no AVX2"),
    ("x86_64", "", "this processor has no AVX2"),
    ("aarch64", "", "it is not built for aarch64"),
  ])
  func `a machine that cannot run the package is told so`(
    architecture: String, processors: String, reason: String
  ) async throws {
    try await FetchFixture.with { fixture in
      let machine = Machine(architecture: architecture, processors: processors, path: [])
      let failure = await #expect(throws: FetchFailure.self) {
        try await Self.runtimes(fixture, machine).ensure()
      }
      #expect(failure?.description.contains(reason) == true)
      #expect(failure?.mend.contains("llama-server") == true)
      let asked = try fixture.asked()
      #expect(asked.isEmpty)
    }
  }

  @Test func `a processor with AVX2 is found`() {
    let machine = Machine(architecture: "x86_64", processors: "flags\t: avx avx2\n", path: [])
    #expect(machine.refusal(false) == nil)
  }

  @Test func `half an installation does not count`() async throws {
    try await FetchFixture.with { fixture in
      let machine = Machine(architecture: "x86_64", processors: "flags : avx2\n", path: [])
      let folder = fixture.store.cache.appending("runtime/xllamacpp-2026.10.11549/bin")
      try Folder.create(folder)
      try DurableFile.replace(folder.appending("python"), with: [], mode: 0o755)
      #expect(try Self.runtimes(fixture, machine).installed() == nil)
    }
  }
}
