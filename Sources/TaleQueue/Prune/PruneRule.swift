internal import TaleCore

/// Which ended projects are to go. What any of the first three names goes; what somebody fetched
/// and left as empty folders goes in any case.
public struct PruneRule: Sendable, Equatable {
  /// Where a project ended: in outbox or in failed.
  public enum Place: Sendable, CaseIterable { case outbox, failed }

  /// Seconds since the end, at least.
  public var olderThan: Int?
  /// All but this many of the newest.
  public var keep: Int?
  /// The oldest, until what is left takes at most this many bytes.
  public var maxBytes: Int?
  public var places: Set<Place>

  public init(
    olderThan: Int? = nil, keep: Int? = nil, maxBytes: Int? = nil,
    places: Set<Place> = Set(Place.allCases)
  ) {
    self.olderThan = olderThan
    self.keep = keep
    self.maxBytes = maxBytes
    self.places = places
  }

  /// - Parameters:
  ///   - newer: how many ended after it.
  ///   - bytes: what it and all that ended after it take.
  func names(endedAt: Timestamp, newer: Int, bytes: Int, now: Timestamp) -> Bool {
    if let olderThan, now - endedAt >= .seconds(olderThan) { return true }
    if let keep, newer >= keep { return true }
    if let maxBytes, bytes > maxBytes { return true }
    return false
  }
}
