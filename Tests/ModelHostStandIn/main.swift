import Glibc
import SystemPackage
import TaleModels

// Processes of the managed server and the fetcher, for tests that kill them:
//   host DIRECTORY                     a model host with short limits
//   fetch MODEL...                     what `tale models fetch` does, into the standard cache
//   use MODEL ALIAS SERVER DATA_DIR    a runner: prints the endpoint, then waits to be killed
let arguments = CommandLine.arguments

/// Prints at once, whatever standard output is.
func say(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = write(1, bytes, bytes.count)
}

switch arguments.dropFirst().first {
case "host":
  var limits = HostLimits()
  limits.start = .seconds(60)
  limits.healthInterval = .milliseconds(200)
  limits.restartsMax = 3
  limits.backoffMin = .milliseconds(50)
  limits.linger = .milliseconds(300)
  limits.firstGrace = .milliseconds(500)
  limits.secondGrace = .milliseconds(500)
  limits.logBytesMax = 64 << 10
  let end = try await ModelHost.run(directory: FilePath(arguments[2]), limits: limits)
  say("host ended: \(end)")
case "use":
  let spec = ServerSpec(
    model: arguments[2], alias: arguments[3], contextPerSlot: 1024, slots: 2, threads: 1,
    runtime: .llamaServer(executable: arguments[4]))
  let server = ManagedServer(
    spec: spec, dataDirectory: FilePath(arguments[5]), hostCommand: [arguments[0], "host"])
  do {
    say("endpoint \(try await server.endpoint().url)")
  } catch {
    say("failed \(error)")
  }
  while true { sleep(3600) }
case "fetch":
  let store = ModelStore.standard()
  let catalogue = try ModelCatalogue.builtIn()
  do {
    for name in arguments.dropFirst(2) {
      guard let model = catalogue.model(name) else { exit(2) }
      let path = try await ModelFetcher(store: store).fetch(model) {
        say("\($0.step) \($0.source) \($0.bytesDone) of \($0.bytesTotal)")
      }
      say("\(path)")
    }
    say("\(try await ServerRuntimes(store: store, package: catalogue.server).ensure())")
  } catch {
    say("failed \(error)")
    exit(1)
  }
default:
  exit(2)
}
