import Foundation
import TaleHTTP
import TestSupport
import Testing

@testable import TaleHTTP

@Suite(.timeLimit(.minutes(2))) struct ProxyTests {
  @Test func `loopback joins what the environment excepts from its proxy`() {
    let own = "localhost,127.0.0.0/8,::1"
    #expect(ProxyExceptions.list(nil) == own)
    #expect(ProxyExceptions.list("") == own)
    #expect(ProxyExceptions.list("a.example") == "a.example,\(own)")
    #expect(ProxyExceptions.list("*") == "*")
  }

  // In a process of its own, because the environment belongs to all tests.
  @Test func `a proxy is used for other hosts and never for loopback`() async {
    await #expect(processExitsWith: .success) {
      setenv("http_proxy", closedPortURL(), 1)
      let server = ScriptedServer(responses: [.send(plain("direct"))])
      for host in ["127.0.0.1", "localhost"] {
        let answer = try await fetch(HTTPRequest(url: "http://\(host):\(server.port)/"))
        #expect(answer.text == "direct")
      }
      // The control: another host goes to the proxy, which is not there.
      let kind = await failure {
        _ = try await fetch(HTTPRequest(url: "http://no-such-host.invalid/"))
      }
      #expect(kind == .cannotConnect)
    }
  }

  @Test func `a proxy that refuses to connect is not the server`() async {
    await #expect(processExitsWith: .success) {
      let proxy = ScriptedServer(responses: [.send(plain("no", status: "403 Forbidden"))])
      setenv("https_proxy", proxy.url, 1)
      let kind = await failure {
        _ = try await HTTPClient().send(HTTPRequest(url: "https://no-such-host.invalid/"))
      }
      #expect(kind == .cannotConnect)
      #expect(proxy.requests.map(\.method) == ["CONNECT"])
    }
  }
}
