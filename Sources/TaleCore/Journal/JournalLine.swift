/// One line of events.jsonl.
public struct JournalLine: Sendable, Equatable {
  /// 1 for the first line.
  public var number: Int
  public var time: Timestamp
  public var event: Event

  public init(number: Int, time: Timestamp, event: Event) {
    self.number = number
    self.time = time
    self.event = event
  }
}

extension JournalLine: Codable {
  private enum Key: String, CodingKey { case schema, number, time, event }

  /// The kinds of events, as the file names them.
  enum Name: String, Codable, CaseIterable {
    case accepted, leased, moved, planned, reserved, settled, committed, noted, controlled,
      restored,
      ended
    case attemptFailed = "attempt_failed"
  }

  /// The names of the kinds whose lines are always synced at once (``Event/isSynced``).
  public static let syncedKinds = [
    Name.accepted, .reserved, .settled, .attemptFailed, .controlled, .restored, .ended,
  ].map(\.rawValue)

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let schema = try container.decode(Int.self, forKey: .schema)
    guard schema <= JSON.schema else { throw NewerSchema(found: schema) }
    number = try container.decode(Int.self, forKey: .number)
    time = try container.decode(Timestamp.self, forKey: .time)
    event =
      switch try container.decode(Name.self, forKey: .event) {
      case .accepted: .accepted(try .init(from: decoder))
      case .leased: .leased(try .init(from: decoder))
      case .moved: .moved(try .init(from: decoder))
      case .planned: .planned(try .init(from: decoder))
      case .reserved: .reserved(try .init(from: decoder))
      case .settled: .settled(try .init(from: decoder))
      case .attemptFailed: .attemptFailed(try .init(from: decoder))
      case .committed: .committed(try .init(from: decoder))
      case .noted: .noted(try .init(from: decoder))
      case .controlled: .controlled(try .init(from: decoder))
      case .restored: .restored(try .init(from: decoder))
      case .ended: .ended(try .init(from: decoder))
      }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(JSON.schema, forKey: .schema)
    try container.encode(number, forKey: .number)
    try container.encode(time, forKey: .time)
    let (name, payload): (Name, any Encodable) =
      switch event {
      case .accepted(let payload): (.accepted, payload)
      case .leased(let payload): (.leased, payload)
      case .moved(let payload): (.moved, payload)
      case .planned(let payload): (.planned, payload)
      case .reserved(let payload): (.reserved, payload)
      case .settled(let payload): (.settled, payload)
      case .attemptFailed(let payload): (.attemptFailed, payload)
      case .committed(let payload): (.committed, payload)
      case .noted(let payload): (.noted, payload)
      case .controlled(let payload): (.controlled, payload)
      case .restored(let payload): (.restored, payload)
      case .ended(let payload): (.ended, payload)
      }
    try container.encode(name, forKey: .event)
    try payload.encode(to: encoder)
  }
}
