import TaleHTTP
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct RedirectTests {
  private func redirect(to url: String) -> String {
    plain("moved", status: "302 Found", headers: "Location: \(url)\r\n")
  }

  @Test func `a redirect is the response unless it was asked to be followed`() async throws {
    let server = ScriptedServer(responses: [.send(redirect(to: "/b"))], [.send(plain("there"))])
    let response = try await HTTPClient().send(HTTPRequest(url: server.url))
    #expect(response.status == 302)
    #expect(response.headers["Location"] == "/b")
    #expect(server.requests.count == 1)
  }

  @Test func `a followed redirect gives the last response and its headers only`() async throws {
    let server = ScriptedServer(
      responses: [.send(redirect(to: "/b"))], [.send(plain("there", headers: "X-Last: 1\r\n"))])
    let response = try await HTTPClient().send(HTTPRequest(url: server.url, maxRedirects: 5))
    #expect(response.status == 200)
    #expect(response.headers["X-Last"] == "1")
    #expect(response.headers["Location"] == nil)
    #expect(try await response.collect(upTo: 5) == Array("there".utf8))
    #expect(server.requests.map(\.target) == ["/", "/b"])
  }

  @Test func `a redirect loop ends at its limit`() async throws {
    let server = ScriptedServer(responses: [.send(redirect(to: "/again"))])
    let kind = await failure {
      _ = try await fetch(HTTPRequest(url: server.url, maxRedirects: 5))
    }
    #expect(kind == .tooLarge)
    #expect(server.requests.count == 6)
  }

  @Test func `Authorization stays with the host and port it was meant for`() async throws {
    let other = ScriptedServer(responses: [.send(plain("there"))])
    let server = ScriptedServer(
      responses: [.send(redirect(to: "/same"))], [.send(redirect(to: other.url + "/other"))])
    _ = try await fetch(
      HTTPRequest(url: server.url, headers: ["Authorization": "Bearer k"], maxRedirects: 5))
    #expect(server.requests.map { $0["Authorization"] } == ["Bearer k", "Bearer k"])
    #expect(other.requests.count == 1)
    #expect(other.requests.first?["Authorization"] == nil)
  }

  @Test func `a redirect to another protocol is refused`() async throws {
    let server = ScriptedServer(responses: [.send(redirect(to: "file:///etc/hostname"))])
    let kind = await failure {
      _ = try await fetch(HTTPRequest(url: server.url, maxRedirects: 5))
    }
    #expect(kind != nil)
  }
}
