import Foundation
import SystemPackage
import TaleSystem

/// Stands between tale and a real server and writes down what the server says each call took.
///
/// In Python, so that the count shares no code with tale.
struct CountingProxy {
  let url: String
  private let process: RunningProcess?
  private let counts: FilePath

  private static let script = #"""
    import http.client, http.server, json, sys, urllib.parse
    upstream = urllib.parse.urlparse(sys.argv[1])

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            there = http.client.HTTPConnection(upstream.hostname, upstream.port, timeout=600)
            there.request("POST", self.path, body, {"content-type": "application/json"})
            answer = there.getresponse()
            self.send_response(answer.status)
            self.send_header("content-type", answer.getheader("content-type"))
            self.end_headers()
            for line in answer:
                self.wfile.write(line)
                self.wfile.flush()
                if line.startswith(b"data: {"):
                    usage = json.loads(line[6:]).get("usage")
                    if usage:
                        with open(sys.argv[2], "a") as file:
                            file.write("%d %d\n" % (usage["prompt_tokens"], usage["completion_tokens"]))

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    with open(sys.argv[3], "w") as file:
        file.write("http://127.0.0.1:%d\n" % server.server_port)
    server.serve_forever()
    """#

  /// Starts one in front of a server.
  init(to upstream: String, in folder: FilePath) async throws {
    let script = folder.appending("proxy.py")
    let place = folder.appending("proxy.url")
    counts = folder.appending("proxy.counts")
    try DurableFile.replace(script, with: Array(Self.script.utf8))
    process = try DetachedProcess.start(
      ["/usr/bin/env", "python3", script.string, upstream, counts.string, place.string], in: folder,
      log: folder.appending("proxy.log"))
    var url = ""
    _ = try await eventually(within: .seconds(30)) {
      let bytes = try DurableFile.readIfPresent(place, limit: 1000) ?? []
      url = String(decoding: bytes, as: UTF8.self).filter { !$0.isNewline }
      return bytes.last == UInt8(ascii: "\n")
    }
    self.url = url
  }

  /// Calls, prompt tokens and completion tokens so far, in the server's words.
  func sums() throws -> (calls: Int, prompt: Int, completion: Int) {
    let bytes = try DurableFile.readIfPresent(counts, limit: 1 << 20) ?? []
    var sums = (calls: 0, prompt: 0, completion: 0)
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let numbers = line.split(separator: " ").compactMap { Int($0) }
      guard numbers.count == 2 else { continue }
      sums = (sums.calls + 1, sums.prompt + numbers[0], sums.completion + numbers[1])
    }
    return sums
  }

  func stop() { _ = process?.send(signal: 9) }
}
