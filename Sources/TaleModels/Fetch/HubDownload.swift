internal import SystemPackage
internal import TaleHTTP
internal import TaleSystem

/// A whole model file over HTTP, going on where the last try was cut.
struct HubDownload {
  let url: String
  let model: CatalogueModel
  let partial: FilePath
  let client: HTTPClient
  let disk: FetchDisk
  let limits: FetchLimits

  /// Redirects to the hub's storage; it takes two.
  private static let redirectsMax = 5

  /// One try.
  ///
  /// - Parameter progress: is told the bytes of the partial file.
  /// - Throws: ``SourceFailure``; what has come stays in the partial file.
  func run(progress: @Sendable (Int) -> Void) async throws {
    let have = try await disk.open(partial, keeping: model.size)
    if have == model.size { return await disk.close() }
    var request = HTTPRequest(
      url: url, connectTimeout: limits.connectTimeout, idleTimeout: limits.idleTimeout,
      maxRedirects: Self.redirectsMax)
    // Whether the rest belongs to the same file is seen by the hash of the whole.
    if have > 0 { request.headers.append("Range", "bytes=\(have)-") }
    do {
      let response = try await client.send(request)
      var done = try await begin(response, have: have)
      progress(done)
      for try await chunk in response.body {
        guard done + chunk.count <= model.size else {
          _ = try await disk.open(partial, keeping: 0)
          throw SourceFailure(description: "it sent more than the file's \(model.size) bytes")
        }
        done = try await disk.append(chunk)
        progress(done)
      }
      try Task.checkCancellation()
      try await disk.sync()
      await disk.close()
      guard done == model.size else {
        throw SourceFailure(
          description: "it sent \(done) of \(model.size) bytes", mayPass: done > have)
      }
    } catch let failure as HTTPFailure {
      await disk.close()
      if failure.kind == .cancelled { throw CancellationError() }
      throw SourceFailure(description: failure.detail, mayPass: Self.mayPass(failure.kind))
    }
  }

  /// Where in the file the response begins; the partial file is cut to that.
  private func begin(_ response: HTTPResponse, have: Int) async throws -> Int {
    switch response.status {
    case 206 where response.headers["Content-Range"]?.hasPrefix("bytes \(have)-") == true:
      return have
    case 200:
      return try await disk.open(partial, keeping: 0)
    case 206, 416:
      _ = try await disk.open(partial, keeping: 0)
      throw SourceFailure(description: "it cannot go on at byte \(have)", mayPass: true)
    case let status:
      throw SourceFailure(
        description: "HTTP status \(status)", mayPass: status >= 500 || status == 429)
    }
  }

  /// Whether the network may be better in a moment; without a connection the next source is
  /// tried at once.
  private static func mayPass(_ kind: HTTPFailure.Kind) -> Bool {
    kind == .brokenTransfer || kind == .idle
  }
}
