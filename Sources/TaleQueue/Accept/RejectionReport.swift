internal import TaleCore

/// failure.md of a drop that could not be accepted: what is wrong, where, how to mend it.
enum RejectionReport {
  static func text(
    name: String, id: ProjectID, _ problem: DescriptionProblem, at now: Timestamp
  ) -> String {
    // A suggestion ends with a mark of its own.
    let end = problem.what.hasSuffix("?") ? "" : "."
    var lines = ["# Not accepted: \(name)", "", "**What is wrong:** \(problem.what)\(end)"]
    if let line = problem.line {
      let column = problem.column.map { ", column \($0)" } ?? ""
      lines += ["", "**Where:** line \(line)\(column) of project.md in this folder."]
    }
    lines += [
      "", "**How to mend it:** \(problem.mend)", "",
      "Nothing was run and no token was spent. What you dropped stands unchanged in this folder;",
      "mend a copy of it and drop that into the inbox.", "", "- ID: \(id)",
      "- Time: \(now.readable)", "",
    ]
    return lines.joined(separator: "\n")
  }
}
