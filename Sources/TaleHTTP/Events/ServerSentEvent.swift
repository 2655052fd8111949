/// One event of a `text/event-stream`, as the HTML standard defines it.
public struct ServerSentEvent: Sendable, Equatable {
  /// The event's type; `message` where the stream gave none.
  public var event: String
  /// The lines of data, joined by line feeds.
  public var data: String
  /// The last id that the stream gave up to here; empty where it gave none.
  public var id: String
  /// How long to wait before connecting again, in milliseconds, where this event carried it.
  public var retry: Int?

  public init(event: String = "message", data: String, id: String = "", retry: Int? = nil) {
    self.event = event
    self.data = data
    self.id = id
    self.retry = retry
  }
}
