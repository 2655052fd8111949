/// What a drop may be at most.
public struct AcceptLimits: Sendable, Equatable {
  /// Bytes of a description (`queue.max_description`).
  public var descriptionBytes: Int
  /// Bytes of a dropped folder (`queue.max_input`).
  public var inputBytes: Int
  /// Bytes that must stay free on the disk (`queue.reserve`).
  public var reserveBytes: Int
  /// Days for which a repeated delivery is recognised (`queue.redelivery_days`).
  public var redeliveryDays: Int

  public init(descriptionBytes: Int, inputBytes: Int, reserveBytes: Int, redeliveryDays: Int) {
    self.descriptionBytes = descriptionBytes
    self.inputBytes = inputBytes
    self.reserveBytes = reserveBytes
    self.redeliveryDays = redeliveryDays
  }
}
