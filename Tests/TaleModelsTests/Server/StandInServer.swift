/// A program that takes `llama-server`'s options and does what the "model" file says.
enum StandInServer {
  /// What it does, as the JSON of the model file.
  struct Behaviour: Encodable {
    /// Seconds of 503 after it began to listen.
    var loading = 0.0
    /// Written and then ended with, before it listens.
    var crashAtStart: [String] = []
    /// Ends after so many requests to a path other than /health.
    var crashAfter = 0
    /// Does not end on SIGTERM.
    var stubborn = false
    /// Health answers 500 from this many questions on.
    var sickAfter = 0
    /// Bytes written to the log at start.
    var chatter = 0
  }

  static let text = #"""
    #!/usr/bin/env python3
    import http.server, json, os, signal, sys, threading, time
    wanted = dict(zip(sys.argv[1::2], sys.argv[2::2]))
    behaviour = json.load(open(wanted["--model"]))
    began = time.monotonic()
    counts = {"health": 0, "other": 0}
    print("scripted server", os.getpid(), flush=True)
    for _ in range(behaviour["chatter"] // 100):
        print("x" * 99, flush=True)
    if behaviour["stubborn"]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if behaviour["crashAtStart"]:
        for line in behaviour["crashAtStart"]:
            print(line, file=sys.stderr, flush=True)
        sys.exit(3)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            kind = "health" if self.path == "/health" else "other"
            counts[kind] += 1
            status = 200
            if time.monotonic() - began < behaviour["loading"]:
                status = 503
            elif behaviour["sickAfter"] and counts["health"] > behaviour["sickAfter"]:
                status = 500
            body = json.dumps({"pid": os.getpid()}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            if behaviour["crashAfter"] and counts["other"] >= behaviour["crashAfter"]:
                print("falling over", flush=True)
                os._exit(9)

        def log_message(self, *arguments):
            pass

    http.server.ThreadingHTTPServer(("127.0.0.1", int(wanted["--port"])), Handler).serve_forever()
    """#
}
