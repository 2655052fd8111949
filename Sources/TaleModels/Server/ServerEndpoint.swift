/// Where a managed server answers.
public struct ServerEndpoint: Sendable, Equatable {
  /// `http://127.0.0.1:PORT`, without a path.
  public let url: String
  /// The model's name in requests.
  public let alias: String
  /// Tokens of context that each slot has.
  public let contextPerSlot: Int
  /// Requests that are worked on side by side; more wait in the server.
  public let slots: Int
  /// Marks this start of the server: another value means that it was restarted in between.
  public let instance: String
}

/// A managed server that cannot be had, with what is known of the reason.
public struct ServerUnavailable: Error, Equatable, CustomStringConvertible {
  /// What failed and what to do next; one line.
  public let message: String
  /// The last lines of the server's own log; empty where it wrote none.
  public let log: [String]
  /// Whether it may be had later without anybody starting tale anew: a key file that is being
  /// replaced.
  public let mayPass: Bool

  public init(message: String, log: [String] = [], mayPass: Bool = false) {
    self.message = message
    self.log = log
    self.mayPass = mayPass
  }

  public var description: String {
    log.isEmpty ? message : message + "\n" + log.map { "  | " + $0 }.joined(separator: "\n")
  }
}
