import Synchronization
import TaleSystem
import Testing

@Suite struct TogetherTests {
  @Test(arguments: [0, 1, 2, 7, 100])
  func `each number is worked once, and the results come in order`(_ count: Int) {
    let calls = Calls()
    let results = Together.map(count) { number in
      calls.numbers.withLock { $0.append(number) }
      return number * number
    }
    #expect(results == (0..<count).map { $0 * $0 })
    #expect(calls.numbers.withLock { $0.sorted() } == Array(0..<count))
  }

  @Test func `things that wait for each other wait at the same time`() throws {
    // Two calls that each wait for the other's word: one after the other they would never end.
    let words = Calls()
    _ = Together.map(2) { number in
      words.numbers.withLock { $0.append(number) }
      while words.numbers.withLock({ $0.count }) < 2 {}
    }
    #expect(words.numbers.withLock { Set($0) } == [0, 1])
  }

  private final class Calls: Sendable {
    let numbers = Mutex<[Int]>([])
  }
}
