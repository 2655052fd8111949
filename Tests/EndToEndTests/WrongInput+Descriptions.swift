/// Descriptions, through `tale submit` that are wrong, with what tale says.
extension WrongInput {
  static let descriptions: [WrongInput] = [
    .init(
      "nothing", files: ["x.md": .text("")], ["submit", "x.md"], code: 1,
      says:
        "tale: x.md: the file is empty. Write in a few sentences what is to be made, and drop the file again. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "only white space", files: ["x.md": .text(" \n\t\n")], ["submit", "x.md"], code: 1,
      says:
        "tale: x.md: the file is empty. Write in a few sentences what is to be made, and drop the file again. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "nothing below the front matter", files: ["x.md": .text("---\ntitle: x\n---\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md: there is nothing below the front matter. Write in a few sentences what is to be made, and drop the file again. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "front matter that never ends", files: ["x.md": .text("---\ntitle: x\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:1:1: the front matter that starts here never ends. Put a line with `---` after the last key, or remove the one at the top. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "an unknown key", files: ["x.md": .text("---\nmodle: task\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:1: unknown key \"modle\"; did you mean \"model\"? \(keys) (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "an unknown key without a neighbour",
      files: ["x.md": .text("---\ncolour: red\n---\nMake a file.\n")], ["submit", "x.md"], code: 1,
      says: "tale: x.md:2:1: unknown key \"colour\". \(keys) (ROOT/queue/failed/ID)\n"),
    .init(
      "a key twice", files: ["x.md": .text("---\ntitle: a\ntitle: b\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:1: the key \"title\" stands there twice. Keep one of them. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a tab", files: ["x.md": .text("---\nbudget:\n\ttokens: 1\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:3:1: not valid YAML: a tab stands where spaces must stand. \(yaml) (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a quote that never ends", files: ["x.md": .text("---\ntitle: \"a\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:10: not valid YAML: found unexpected end of stream. \(yaml) (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "words for keys", files: ["x.md": .text("---\njust words\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:1: the front matter must be a list of `key: value` lines. \(yaml) (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a list for a title", files: ["x.md": .text("---\ntitle: [a]\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:8: \"title\" must be text. Write `title: \"some text\"`. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "no title", files: ["x.md": .text("---\ntitle: \"\"\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:8: \"title\" must be text. Write `title: \"some text\"`. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a word for a priority", files: ["x.md": .text("---\npriority: high\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:11: \"priority\" must be a whole number from -1000 to 1000. Write for example `priority: 1`. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a priority that is too large",
      files: ["x.md": .text("---\npriority: 1001\n---\nMake a file.\n")], ["submit", "x.md"],
      code: 1,
      says:
        "tale: x.md:2:11: \"priority\" must be a whole number from -1000 to 1000. Write for example `priority: 1`. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a budget of nothing",
      files: ["x.md": .text("---\nbudget: {tokens: 0}\n---\nMake a file.\n")], ["submit", "x.md"],
      code: 1,
      says:
        "tale: x.md:2:18: \"budget.tokens\" must be a number above 0. Write for example 20000, 20k or 1.5M. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a budget in words",
      files: ["x.md": .text("---\nbudget: {tokens: many}\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:18: \"budget.tokens\" must be a number above 0. Write for example 20000, 20k or 1.5M. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a budget with a slip",
      files: ["x.md": .text("---\nbudget: {token: 5}\n---\nMake a file.\n")], ["submit", "x.md"],
      code: 1,
      says:
        "tale: x.md:2:10: unknown key \"token\" in budget; did you mean \"tokens\"? A budget has: tokens, time, cost. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a budget that is a number", files: ["x.md": .text("---\nbudget: 5\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:9: budget must be a list of `key: value` lines. \(yaml) (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a budget of time", files: ["x.md": .text("---\nbudget: {time: 1h}\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md: `budget.time` is not carried out by this version of tale. Cap the tokens instead. Nothing is run that would ignore it. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a budget of time without a unit",
      files: ["x.md": .text("---\nbudget: {time: soon}\n---\nMake a file.\n")], ["submit", "x.md"],
      code: 1,
      says:
        "tale: x.md:2:16: \"budget.time\" must be a time above 0. Write for example 90s, 15m, 2h or 1h30m. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a budget of cost", files: ["x.md": .text("---\nbudget: {cost: 1}\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md: `budget.cost` is not carried out by this version of tale. Cap the tokens instead. Nothing is run that would ignore it. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "thinking that is none", files: ["x.md": .text("---\nthinking: maybe\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:11: \"thinking\" cannot be \"maybe\". Write one of: auto, on, off. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "thinking first", files: ["x.md": .text("---\nthinking: on\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md: `thinking: on` is not carried out by this version of tale. Remove it. Nothing is run that would ignore it. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "another model", files: ["x.md": .text("---\nmodel: cloud\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md: `model: cloud` is not carried out by this version of tale. Remove it, or name the model in the configuration as task_model. Nothing is run that would ignore it. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a start that is none", files: ["x.md": .text("---\nstart: full\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:8: \"start\" cannot be \"full\". Write one of: empty, input. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "outputs that are no list",
      files: ["x.md": .text("---\noutputs: x.txt\n---\nMake a file.\n")], ["submit", "x.md"],
      code: 1,
      says:
        "tale: x.md:2:10: \"outputs\" must be a list. Write `outputs: [one, two]`. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "an output above", files: ["x.md": .text("---\noutputs: [../x]\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:11: in \"outputs\": the path \"../x\" cannot be used: .. is not allowed in it. Write a path inside of the project, such as src/main.py. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "an output at the root",
      files: ["x.md": .text("---\noutputs: [/etc/passwd]\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:11: in \"outputs\": the path \"/etc/passwd\" cannot be used: it must be relative to the project. Write a path inside of the project, such as src/main.py. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "an output in git",
      files: ["x.md": .text("---\noutputs: [.git/config]\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:11: in \"outputs\": the path \".git/config\" cannot be used: .git is reserved. Write a path inside of the project, such as src/main.py. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "retries below zero", files: ["x.md": .text("---\nretries: -1\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:10: \"retries\" must be a whole number from 0 to 20. Write for example `retries: 1`. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a window without a length",
      files: ["x.md": .text("---\nwindow: 22:00-22:00\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:9: \"window\" cannot be used: \"22:00-22:00\" has no length. Write hours such as 22:00-07:00, or several such as 12:00-13:00, 22:00-07:00; midnight is 00:00. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a beginning that is no time",
      files: ["x.md": .text("---\nnot_before: soon\n---\nMake a file.\n")], ["submit", "x.md"],
      code: 1,
      says:
        "tale: x.md:2:13: \"not_before\" cannot be \"soon\". Write HH:MM (the next time it is that late) or a date and time such as 2026-11-23T07:00; with a Z at its end it is UTC. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a deadline before the beginning", config: .text("queue: {time_zone: UTC}\n"),
      files: [
        "x.md": .text(
          "---\nnot_before: 2031-01-15T12:00Z\ndeadline: 2031-01-15T11:00Z\n---\nMake a file.\n")
      ], ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:3:11: the deadline, 2031-01-15 11:00 UTC, is not after not_before, which is 2031-01-15 12:00 UTC. HH:MM is the next time that it is that late; write the date to it. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a predecessor in a lane that is none",
      files: ["x.md": .text("---\nafter: [one, nigthly/two]\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:14: in \"after\": there is no lane \"nigthly\"; did you mean \"nightly\"? The lanes are: urgent, nightly, inbox. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a predecessor that is not there",
      files: [
        "x.md": .text("---\nafter: 20261122-213005-word-counter-k3f9\n---\nMake a file.\n")
      ], ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:8: in \"after\": there is no project 20261122-213005-word-counter-k3f9. `tale list` prints the IDs; a name is waited for, an ID must be there. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "checks", files: ["x.md": .text("---\ncheck: [make]\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:1: the key \"check\" is not carried out by this version of tale. Remove it, or wait for a version that has it: nothing is run that would ignore it. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "the sandbox", files: ["x.md": .text("---\nsandbox: {network: true}\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:1: the key \"sandbox\" is not carried out by this version of tale. Remove it, or wait for a version that has it: nothing is run that would ignore it. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "no phases", files: ["x.md": .text("---\nphases: []\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:9: the plan in \"phases\" does not hold: there is no phase. Mend the plan, or remove it and let the task model make one. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a phase without subtasks",
      files: ["x.md": .text("---\nphases:\n  - title: x\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:3:3: the plan in \"phases\" does not hold: phase 1 has no subtask. Mend the plan, or remove it and let the task model make one. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a subtask with a slip",
      files: [
        "x.md": .text(
          "---\nphases: [{title: a, subtasks: [{title: b, outptu: c}]}]\n---\nMake a file.\n")
      ], ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:43: unknown key \"outptu\"; did you mean \"output\"? Here the keys are: title, details, output, needs, verify. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a subtask that needs none",
      files: [
        "x.md": .text(
          "---\nphases: [{title: a, subtasks: [{title: b, needs: [1.9]}]}]\n---\nMake a file.\n")
      ], ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:9: the plan in \"phases\" does not hold: subtask 1.1 needs 1.9, which does not come before it. Mend the plan, or remove it and let the task model make one. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a circle",
      files: [
        "x.md": .text(
          "---\nphases: [{title: a, subtasks: [{title: b, needs: [1.2]}, {title: c, needs: [1.1]}]}]\n---\nMake a file.\n"
        )
      ], ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:9: the plan in \"phases\" does not hold: subtask 1.1 needs 1.2, which does not come before it. Mend the plan, or remove it and let the task model make one. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "two plans",
      files: ["x.md": .text("---\nphases: [{title: a, subtasks: [{title: b}]}]\n---\n- [ ] c\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:1: there are two plans: the key \"phases\" and a task list. Keep one of them: remove `phases`, or turn the `- [ ]` items into plain ones. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a description twice", files: ["x.md": .text("---\ndescription: x\n---\nMake a file.\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2:1: the key \"description\" belongs into YAML and JSON files only. Write the description below the front matter instead. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "an item above", files: ["x.md": .text("# T\n\n- [ ] a -> `../x`\n")], ["submit", "x.md"],
      code: 1,
      says:
        "tale: x.md:3: the path \"../x\" cannot be used: .. is not allowed in it. Name a file inside of the project, such as -> `src/main.py`. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "one file twice", files: ["x.md": .text("# T\n\n- [ ] a -> `x`\n- [ ] b -> `x`\n")],
      ["submit", "x.md"], code: 1,
      says:
        "tale: x.md: the task list does not hold as a plan: subtasks 1.1 and 1.2 both make x. Mend the list, and drop it again. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "control characters", files: ["x.md": .text("a\nb\u{1}\n")], ["submit", "x.md"], code: 1,
      says:
        "tale: x.md:2: the file holds control characters, so it is not plain text. Drop the description as plain text or Markdown. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "bytes that are no text", files: ["x.md": .bytes([97, 10, 255, 10])], ["submit", "x.md"],
      code: 1,
      says:
        "tale: x.md:2: the file is not text in UTF-8 (the first bad byte is number 3). Save it as UTF-8. With iconv: `iconv -f LATIN1 -t UTF-8 old.md > new.md`, naming the encoding that it has. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "more than is allowed", files: ["x.md": .many("a", 2000)], ["submit", "x.md"],
      variables: ["TALE_QUEUE_MAX_DESCRIPTION": "1000"], code: 1,
      says:
        "tale: x.md: the file has more than 1000 bytes. A description says what is to be made. Put long material into files beside it and drop the folder, or raise `queue.max_description`. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "YAML without a description", files: ["x.yaml": .text("title: x\n")], ["submit", "x.yaml"],
      code: 1,
      says:
        "tale: x.yaml:1: the key \"description\" is missing. Say in `description:` what is to be made, or drop it as a .md file. (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "YAML that is a list", files: ["x.yaml": .text("- a\n")], ["submit", "x.yaml"], code: 1,
      says:
        "tale: x.yaml:1:1: the file must be a list of `key: value` lines. \(yaml) (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "JSON that is a list", files: ["x.json": .text("[]\n")], ["submit", "x.json"], code: 1,
      says:
        "tale: x.json:1:1: the file must be a list of `key: value` lines. \(yaml) (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "JSON that never ends", files: ["x.json": .text("{\"description\": \"x\"")],
      ["submit", "x.json"], code: 1,
      says:
        "tale: x.json:2:1: not valid YAML: did not find expected ',' or '}'. \(yaml) (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "JSON with a slip", files: ["x.json": .text("{\"descriptoin\": \"x\"}")],
      ["submit", "x.json"], code: 1,
      says:
        "tale: x.json:1:2: unknown key \"descriptoin\"; did you mean \"description\"? \(keys) (ROOT/queue/failed/ID)\n"
    ),
    .init(
      "a folder without a description", files: ["d/other.md": .text("x")], ["submit", "d"], code: 2,
      says:
        "tale: d: the folder ROOT/d has no project.md that is a regular file. Put the description into it as project.md.\n"
    ),
    .init(
      "a file that is not there", ["submit", "none.md"], code: 2,
      says: "tale: none.md: there is no file ROOT/none.md. Name one that is there.\n"),
  ]
}
