/// Finds what somebody meant to type.
public enum NearestName {
  /// The candidate with the fewest edits (at most a third of the word, rounded up), or nil.
  public static func find(_ word: String, in candidates: some Sequence<String>) -> String? {
    let limit = (word.count + 2) / 3
    var best: (name: String, distance: Int)?
    for candidate in candidates where abs(candidate.count - word.count) <= limit {
      let distance = distance(word.lowercased(), candidate.lowercased())
      if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.name
  }

  /// `; did you mean "model"?`, or nothing.
  ///
  /// - Parameter mark: what stands there instead, where a sentence goes on behind it.
  public static func suggestion(
    for word: String, in candidates: some Sequence<String>, else mark: String = ""
  ) -> String {
    find(word, in: candidates).map { "; did you mean \"\($0)\"?" } ?? mark
  }

  /// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
  static func distance(_ a: String, _ b: String) -> Int {
    let a = Array(a)
    let b = Array(b)
    var rows = [Array(0...b.count)]
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var cost = min(rows[i][j] + (a[i] == b[j] ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
          cost = min(cost, rows[i - 1][j - 1] + 1)
        }
        row.append(cost)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}
