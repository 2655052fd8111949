import NightEngine

/// What many nights came to.
struct Tally {
  var nights = 0
  var repeated = 0
  var failed = 0
  var lives: Int64 = 0
  var kills: Int64 = 0
  var stops: Int64 = 0
  var fullDisks: Int64 = 0
  var refusals: UInt64 = 0
  var outages: Int64 = 0
  var jumps: Int64 = 0
  var drops: Int64 = 0
  var orders: Int64 = 0
  var calls: Int64 = 0
  var operations: UInt64 = 0

  mutating func add(_ state: night_machine) {
    nights += 1
    lives += state.lives
    kills += state.kills
    stops += state.stops
    fullDisks += state.full_disks
    refusals += state.refusals
    outages += state.outages
    jumps += state.jumps
    drops += state.drops
    orders += state.orders
    calls += state.calls
    operations += state.operations
  }

  mutating func add(_ other: Tally) {
    nights += other.nights
    repeated += other.repeated
    failed += other.failed
    lives += other.lives
    kills += other.kills
    stops += other.stops
    fullDisks += other.fullDisks
    refusals += other.refusals
    outages += other.outages
    jumps += other.jumps
    drops += other.drops
    orders += other.orders
    calls += other.calls
    operations += other.operations
  }

  /// - Parameter seconds: that it took.
  func text(seconds: Double) -> String {
    let each = nights == 0 ? 0 : Int(seconds * 1000) / nights
    return """
      \(nights) nights of \(NightPlan.hours) hours, \(nights * NightPlan.hours) hours simulated in \
      \(Int(seconds)) s, \(each) ms a night; \(repeated) of them twice, to compare
      \(lives) lives of tale: \(kills) killed, \(stops) stopped; \(drops) drops, \(orders) orders, \
      \(calls) calls
      \(fullDisks) full disks that refused \(refusals) of \(operations) operations on files, \
      \(outages) outages of the server, \(jumps) jumps of the clock
      \(failed == 0 ? "no violation" : "VIOLATIONS in \(failed) nights")
      """
  }
}
