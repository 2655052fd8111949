import Foundation
import Subprocess
import SystemPackage
import TaleCore
import TaleSystem
import Testing

/// The real binary on the real models. Nothing is asserted on their words or their speed.
@Suite(.serialized) struct RealModelTests {
  /// The small model for both roles, so that only one server runs.
  private static let small = """
    models: {task_model: qwen2.5-coder-0.5b, ux_model: qwen2.5-coder-0.5b}
    execution: {max_answer_tokens: 2000, max_retries: 10}
    """

  /// Small models sometimes repeat themselves until a limit ends it.
  private static let bounded = "execution: {max_answer_tokens: 1000, max_retries: 10}\n"

  private static let paragraphs = """
    # Paragraphs

    - [ ] Write one paragraph of about 100 words about rivers -> `rivers.txt`
    - [ ] Write one paragraph of about 100 words about mountains -> `mountains.txt`
    """

  @Test func `the example is planned and made, and all books agree with the server's figures`()
    async throws
  {
    try await Household.with(config: "") { holder in
      // This one keeps the managed server; the project goes to it through a counting proxy.
      _ = try await holder.tale("watch") { running in
        let url = try #require(try await holder.serverURL("qwen2.5-coder-1.5b"))
        let proxy = try await CountingProxy(to: url, in: holder.root)
        defer { proxy.stop() }
        try await Self.runExample(through: proxy)
        try running.kill(.terminate)
      }
    }
  }

  private static func runExample(through proxy: CountingProxy) async throws {
    let config = """
      models:
        task_model: qwen2.5-coder-1.5b
        ux_model: qwen2.5-coder-1.5b
        servers:
          counted: {kind: openai, url: "\(proxy.url)"}
        definitions:
          qwen2.5-coder-1.5b: {server: counted, context: 8192, slots: 2}
      """
    try await Household.with(config: config) { house in
      let example = FilePath(#filePath).removingLastComponent().removingLastComponent()
        .removingLastComponent().appending("examples").appending("word-counter.md")
      let text = try DurableFile.read(example, limit: 1 << 20)
      try house.drop("word-counter.md", text)
      let outcome = try await house.tale("drain")
      let ended = try house.projects(in: house.outbox)
      let reasons = try house.projects(in: house.failed).map {
        try house.text($0.appending("failure.md"))
      }
      #expect(outcome.code == 0, "\(outcome.errors)\(reasons.joined())")
      let folder = try #require(ended.first)
      #expect(try DurableFile.read(folder.appending("project.md"), limit: 1 << 20) == text)

      let state = try JSONDecoder().decode(
        Receipt.self, from: Data(try house.text(folder.appending("receipt.json")).utf8))
      #expect(state.files.contains { $0.bytes > 0 }, "the deliverable is empty")
      let commits = try await house.git(folder, "log", "--format=%s").split(separator: "\n")
      let book = try ProjectBook(try house.journal(folder))
      #expect(commits.count == 1 + book.commits.count)
      #expect(try await house.git(folder, "status", "--porcelain") == "")

      let server = try proxy.sums()
      #expect(server.calls == book.calls.count)
      #expect(server.prompt == book.promptTokens && server.completion == book.completionTokens)
      #expect(state.tokens.prompt == server.prompt && state.tokens.completion == server.completion)
      let result = try house.text(folder.appending("result.md"))
      #expect(
        result.contains("| \(server.calls) | \(server.prompt) | \(server.completion) |"),
        "\(result)")
      let ledger = try await house.ledgerSums()
      #expect(ledger == [server.calls, server.prompt, server.completion])
    }
  }

  @Test func `all examples dropped together come to their end on the real models`() async throws {
    try await Household.with(config: Self.bounded) { house in
      _ = try await house.tale("init", house.root.string)
      try await Examples.dropAll(house)
      let outcome = try await house.tale("drain")
      try await Examples.expectDone(house, outcome)
    }
  }

  private struct Receipt: Decodable {
    struct File: Decodable { let path: String; let bytes: Int }
    struct Tokens: Decodable { let prompt: Int; let completion: Int }
    let files: [File]
    let tokens: Tokens
  }

  @Test func `a server killed in mid-answer is restarted and the project ends in the outbox`()
    async throws
  {
    try await Household.with(config: Self.small) { house in
      try house.drop("paragraphs.md", Self.paragraphs)
      let outcome = try await house.tale("drain") { _ in
        let isWriting = try await eventually(within: .seconds(300)) {
          try house.currentBytes() > 20
        }
        #expect(isWriting, "no answer ever began")
        let server = try #require(try house.server("qwen2.5-coder-0.5b"))
        #expect(server.send(signal: 9))
      }
      #expect(outcome.code == 0, "\(outcome.errors)")
      let folder = try #require(try house.projects(in: house.outbox).first)
      let book = try ProjectBook(try house.journal(folder))
      #expect(book.calls.contains { $0.settled?.outcome == .failed }, "the broken call is booked")
      #expect(book.commits.count == 2)
    }
  }

  @Test func `a pause in mid-answer keeps what there is, and the answer goes on from it`()
    async throws
  {
    try await Household.with(config: Self.small) { house in
      try house.drop(
        "rivers.md", "# Rivers\n\n- [ ] Write twenty paragraphs about rivers -> `rivers.txt`\n")
      let outcome = try await house.tale("drain") { _ in
        let isWriting = try await eventually(within: .seconds(300)) {
          try house.currentBytes() > 100
        }
        #expect(isWriting, "no answer ever began")
        // The model may be at the end of its answer: it waits until the pause is through.
        let server = try #require(try house.server("qwen2.5-coder-0.5b"))
        #expect(server.send(signal: SIGSTOP))
        defer { _ = server.send(signal: SIGCONT) }
        let project = try #require(try house.projects(in: house.active).first)
        _ = try await house.tale("pause", project.lastComponent?.string ?? "")
      }
      let project = try #require(try house.projects(in: house.active).first, "\(outcome.errors)")
      let name = "refs/tale/partial/1.1"
      let partial = try await house.git(project, "show", "\(name):answer.txt")
      #expect(partial.utf8.count > 100)
      _ = try await house.tale("resume", project.lastComponent?.string ?? "")
      #expect(try await house.tale("drain").code == 0)

      let ended = try #require(try house.projects(in: house.outbox).first)
      let book = try ProjectBook(try house.journal(ended))
      let calls = book.calls.filter { $0.reserved.subtask == "1.1" }
      #expect(calls.first?.settled?.outcome == .stopped)
      #expect(calls.dropFirst().first?.reserved.continues == partial.utf8.count)
      // Its words are the model's: what is certain is that it begins as it began, once. An answer
      // that was refused afterwards was asked for anew.
      let text = try house.text(ended.appending("work").appending("rivers.txt"))
      if book.failedAttempts.isEmpty {
        let start = String(partial.prefix(60))
        #expect(text.hasPrefix(start))
        #expect(text.ranges(of: start).count == 1, "the server gave the beginning again")
      }
      #expect(try await house.git(ended, "for-each-ref", "refs/tale/partial") == "")
    }
  }

  @Test func `kill -9 of tale leaves no server behind`() async throws {
    try await Household.with(config: Self.small) { house in
      try house.drop("paragraphs.md", Self.paragraphs)
      let outcome = try await house.tale("drain") { running in
        let isWriting = try await eventually(within: .seconds(300)) {
          try house.currentBytes() > 20
        }
        #expect(isWriting, "no answer ever began")
        #expect(try !house.serverProcesses().isEmpty, "the check below must be able to fail")
        try running.kill(.kill)
      }
      #expect(outcome.code == nil)
      let isGone = try await eventually(within: .seconds(30)) {
        try house.serverProcesses().isEmpty
      }
      #expect(isGone, "a server outlived its last runner")
      #expect(try await house.tale("drain").code == 0)
      #expect(try house.projects(in: house.outbox).count == 1)
    }
  }
}

extension Household {
  private struct State: Decodable {
    let state: String
    let url: String?
    let server: RunningProcess?
  }

  private func state(_ model: String) throws -> State? {
    let servers = data.appending("servers")
    guard try FileStatus.ifPresent(servers) != nil,
      let name = try Folder.names(in: servers).first(where: { $0.string.hasPrefix("\(model)-") }),
      let bytes = try DurableFile.readIfPresent(
        servers.appending(name).appending("state.json"), limit: 1 << 20)
    else { return nil }
    return try JSON.decode(State.self, from: bytes)
  }

  func server(_ model: String) throws -> RunningProcess? { try state(model)?.server }

  /// Where a managed server answers, once it is ready.
  func serverURL(_ model: String) async throws -> String? {
    _ = try await eventually(within: .seconds(300)) { try state(model)?.state == "ready" }
    return try state(model)?.url
  }

  /// Calls, prompt tokens and completion tokens in the ledger, read without tale's code.
  func ledgerSums() async throws -> [Int] {
    let script = """
      import sqlite3, sys
      print(*sqlite3.connect(sys.argv[1]).execute(
          "SELECT count(*), sum(prompt_tokens), sum(completion_tokens) FROM executions").fetchone())
      """
    let result = try await run(
      .name("python3"), arguments: ["-c", script, data.appending("tale.db").string],
      output: .string(limit: 1 << 20))
    return result.standardOutput.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
  }
}
