import Foundation
import SystemPackage
import TaleSystem
import TestSupport
import Testing

/// Drops of other owners, at a tale that runs as an ordinary user.
@Suite(.enabled(if: OrdinaryUser.canRun, "needs root, to be somebody else"))
struct OwnerArrivalTests {
  private static let user = OrdinaryUser.id

  /// The scripts are root's: what they leave belongs to another than tale, if they do not say so.
  private static let rows = [
    Arrival(way: "another owner's file that all may read", script: "cp x.md $IN"),
    Arrival(
      way: "another owner's file that is still written",
      script: """
        umask 022
        exec 3>$IN/x.md
        for i in 1 2 3 4; do echo 'a piece' >&3; sleep 0.05; done
        cat x.md >&3
        exec 3>&-
        (for i in 1 2 3 4; do echo 'a piece'; done; cat x.md) >$WANT/x.md
        """, settle: "0.5"),
    Arrival(
      way: "a file of tale's user without any right",
      script: "cp -p x.md $IN/x.tmp; chmod 000 $IN/x.tmp; mv $IN/x.tmp $IN/x.md",
      ignored: ["x.md": ["may not read it", "make it readable"]], mend: "chmod 644 $IN/x.md"),
    Arrival(
      way: "another owner's file that only they may read",
      script: "(umask 077; cp x.md $IN)",
      ignored: ["x.md": ["may not read it", "make it readable"]], mend: "chmod 644 $IN/x.md"),
    Arrival(
      way: "another owner's folder", script: "cp -r trip $IN/x.md",
      ignored: ["x.md": ["may not move it", "chown"]], mend: "chown -R \(user) $IN/x.md"),
    Arrival(
      way: "a folder with a file that only its owner may read",
      script: "cp -r trip $IN/x.md; chown -R \(user) $IN/x.md; chown 0 $IN/x.md/notes/a; "
        + "chmod 600 $IN/x.md/notes/a",
      ignored: ["x.md": ["may not read", "notes/a"]], mend: "chmod 644 $IN/x.md/notes/a"),
    Arrival(
      way: "a folder that nobody may look into",
      script: "cp -r trip $IN/x.md; chown -R \(user) $IN/x.md; chmod 000 $IN/x.md",
      ignored: ["x.md": ["may not read"]], mend: "chmod 755 $IN/x.md"),
  ].map { row in
    // What stays untouched becomes a project only once it is mended.
    guard let mend = row.mend else { return row }
    return Arrival(
      way: row.way, script: "rm $WANT/x.md\n" + row.script, settle: row.settle,
      ignored: row.ignored, mend: "cp x.md $WANT\n" + mend)
  }

  @Test(arguments: rows)
  func `another owner's drop is taken, or named with what to do`(arrival: Arrival) async throws {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config) { try await $0.check(arrival, as: Self.user) }
  }
}

/// Somebody without root's rights.
enum OrdinaryUser {
  static let id: UInt32 = 65534

  /// Whether that user can run the program at all.
  static let canRun: Bool = {
    guard geteuid() == 0, let tale = try? Household.program else { return false }
    let words = ["--reuid=\(id)", "--regid=\(id)", "--clear-groups", tale.string, "--version"]
    return (try? Program.run("setpriv", words))?.succeeded == true
  }()
}
