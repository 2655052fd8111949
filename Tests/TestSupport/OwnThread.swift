internal import TaleSystem

/// For suites that block for long: they have a thread of their own, so that the tests beside them
/// go on. `@OwnThread @Suite struct ...`
@globalActor public actor OwnThread {
  public static let shared = OwnThread()

  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    executor.asUnownedSerialExecutor()
  }

  private let executor = ThreadExecutor(name: "slow tests")
}
