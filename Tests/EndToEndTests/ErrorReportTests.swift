import Testing

@testable import tale

/// What becomes of errors that no command knows.
@Suite struct ErrorReportTests {
  private struct Unheard: Error {}

  private struct Spoken: Error, CustomStringConvertible { let description: String }

  @Test func `an error of an unknown type still has a message and a code`() {
    #expect(ErrorReport(Unheard()).message.contains("Unheard"))
    #expect(ErrorReport(Unheard()).status == .projectFailed)
    #expect(ErrorReport(Spoken(description: "the moon is full")).message == "the moon is full")
    #expect(ErrorReport(Spoken(description: "")).message == "failed: Spoken")
  }

  @Test func `a known one has its own`() {
    let report = ErrorReport(CommandFailure("no", .held))
    #expect(report.message == "no" && report.status == .held)
    #expect(ErrorReport(CancellationError()).status == .interrupted)
  }
}
