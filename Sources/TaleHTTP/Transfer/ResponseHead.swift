/// The status and headers of one response.
struct ResponseHead: Sendable, Equatable {
  var status: Int
  var headers = HTTPHeaders()
}

/// Makes the final response's head out of the header lines of all responses in one exchange.
///
/// curl hands over 1xx responses, redirects and trailers in the same way; only an empty line
/// tells that a head is whole. A connection that ends inside the headers is a success to curl, so
/// that a caller has to ask here.
struct ResponseHeadReader {
  private enum Place {
    case beforeHead
    case inHead(ResponseHead)
    case afterHead
  }

  /// What a line led to.
  enum Step: Equatable {
    case more
    case head(ResponseHead)
    /// The headers have more bytes than allowed.
    case overLimit
    case malformed
  }

  private var place = Place.beforeHead
  private var bytesLeft: Int
  /// Whether curl will follow redirects, so that their heads are not the final one.
  private let followsRedirects: Bool

  /// Whether the final head has come, whole.
  private(set) var isWhole = false

  init(maxBytes: Int, followsRedirects: Bool) {
    bytesLeft = maxBytes
    self.followsRedirects = followsRedirects
  }

  /// Takes one header line with its line end.
  mutating func read(_ line: some Collection<UInt8>) -> Step {
    bytesLeft -= line.count
    guard bytesLeft >= 0 else { return .overLimit }
    let text = String(decoding: line, as: UTF8.self)
    let content = text.trimmingLineEnd
    if content.hasPrefix("HTTP/") {
      guard let status = Self.status(content) else { return .malformed }
      place = .inHead(ResponseHead(status: status))
      isWhole = false
      return .more
    }
    // Outside a head only trailers come, which nobody reads.
    guard case .inHead(var head) = place else { return .more }
    if content.isEmpty { return finish(head) }
    guard let colon = content.firstIndex(of: ":") else { return .more }
    let value = content[content.index(after: colon)...]
    head.headers.append(String(content[..<colon]), value.trimmingBlanks)
    place = .inHead(head)
    return .more
  }

  private mutating func finish(_ head: ResponseHead) -> Step {
    place = .afterHead
    if (100..<200).contains(head.status) { return .more }
    let hasLocation = head.headers.values("Location").contains { !$0.isEmpty }
    if followsRedirects, (300..<400).contains(head.status), hasLocation { return .more }
    isWhole = true
    return .head(head)
  }

  /// The number in `HTTP/1.1 200 OK`.
  private static func status(_ line: Substring) -> Int? {
    let words = line.split(separator: " ", maxSplits: 2)
    guard words.count >= 2, words[1].utf8.count == 3 else { return nil }
    return Int(words[1]).flatMap { (100..<1000).contains($0) ? $0 : nil }
  }
}

extension String {
  // A character view would see CR LF as one character, which is what is wanted here.
  fileprivate var trimmingLineEnd: Substring {
    var rest = self[...]
    while let last = rest.last, last.isNewline { rest.removeLast() }
    return rest
  }
}

extension Substring {
  fileprivate var trimmingBlanks: String {
    var rest = self
    while let first = rest.first, first == " " || first == "\t" { rest.removeFirst() }
    while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
    return String(rest)
  }
}
