extension ProjectDescription.Timing {
  /// Predecessors that one project may name.
  static let maxAfter = 20

  /// Reads one of the keys `window`, `not_before`, `deadline` and `after`.
  mutating func read(_ key: String, _ value: YAMLValue) throws(DescriptionProblem) {
    switch key {
    case "window": window = try value.window(of: key)
    case "not_before": notBefore = try value.clockTime(of: key)
    case "deadline":
      deadline = try value.clockTime(of: key)
      deadlinePlace = Place(line: value.line, column: value.column)
    case "after":
      // One name needs no brackets.
      for item in value.shape == nil ? [value] : try value.list(of: key, limit: Self.maxAfter) {
        try readAfter(item)
      }
    default: preconditionFailure("\(key) is no key of the schedule")
    }
  }

  private mutating func readAfter(_ item: YAMLValue) throws(DescriptionProblem) {
    let name = PredecessorName(try item.line(of: "after", maxLength: 300))
    if name.name.isEmpty || name.name.contains("/") || name.description.hasPrefix("/") {
      throw item.problem(
        "in \"after\": \"\(name.description.shown)\" is no name of a project",
        mend: "Write the name of the file or folder that was dropped, LANE/NAME, or an ID.")
    }
    if after.contains(name) {
      throw item.problem(
        "in \"after\": \"\(name.description.shown)\" stands there twice", mend: "Keep one of them.")
    }
    after.append(name)
    afterPlaces.append(Place(line: item.line, column: item.column))
  }

  /// What is wrong with the deadline, at its place.
  public func problemWithDeadline(_ what: String, mend: String) -> DescriptionProblem {
    DescriptionProblem(
      what, mend: mend, line: deadlinePlace.line, column: deadlinePlace.column)
  }

  /// What is wrong with one of `after`, at its place.
  public func problem(withAfter index: Int, _ what: String, mend: String) -> DescriptionProblem {
    let place = afterPlaces.indices.contains(index) ? afterPlaces[index] : Place()
    return DescriptionProblem(what, mend: mend, line: place.line, column: place.column)
  }
}

extension YAMLValue {
  /// Hours of the day: a text, or a list of such texts.
  fileprivate func window(of name: String) throws(DescriptionProblem) -> TimeWindow {
    let mend = "Write \(TimeWindow.form)."
    guard let text = try windowText(of: name) else {
      throw problem("\"\(name)\" must be hours of the day", mend: mend)
    }
    do throws(TimeWindow.Refusal) { return try TimeWindow(text) } catch {
      throw problem("\"\(name)\" cannot be used: \(error)", mend: mend)
    }
  }

  /// A window on one line, whether it was written as a text or as a list; nil for anything else.
  package func windowText(of name: String) throws(DescriptionProblem) -> String? {
    if let scalar { return isNull ? nil : scalar }
    return try list(of: name).map { $0.scalar ?? "" }.joined(separator: ", ")
  }

  fileprivate func clockTime(of name: String) throws(DescriptionProblem) -> ClockTime {
    guard let time = scalar.flatMap(ClockTime.init) else {
      throw problem(
        "\"\(name)\" cannot be \"\((scalar ?? shape ?? "").shown)\"",
        mend: "Write \(ClockTime.form); with a Z at its end it is UTC.")
    }
    return time
  }
}
