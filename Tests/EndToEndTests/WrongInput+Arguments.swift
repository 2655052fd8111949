/// Arguments that are wrong, with what tale says.
extension WrongInput {
  static let commandLines: [WrongInput] = [
    .init(
      "a command with a slip", ["statsu"], code: 2,
      says:
        "tale: there is no command \"statsu\"; did you mean \"status\"? `tale help` lists them\n"),
    .init(
      "a command that is none", ["frobnicate"], code: 2,
      says: "tale: there is no command \"frobnicate\"; `tale help` lists them\n"),
    .init(
      "no word", [""], code: 2,
      says: "tale: there is no command \"\"; `tale help` lists them\n"),
    .init(
      "help on a command that is none", ["help", "statsu"], code: 2,
      says:
        "tale: there is no command \"statsu\"; did you mean \"status\"? `tale help` lists them\n"),
    .init(
      "a command below one", ["models", "ftch"], code: 2,
      says:
        "tale: unexpected argument 'ftch'; did you mean \"fetch\"? `tale help models` says more\n"),
    .init(
      "a model that is none", ["models", "fetch", "qwen2.5-coder-1.5"], code: 2,
      says:
        "tale: the catalogue has no model \"qwen2.5-coder-1.5\"; did you mean \"qwen2.5-coder-1.5b\"? It has: qwen2.5-coder-0.5b, qwen2.5-coder-1.5b\n"
    ),
    .init(
      "an option with a slip", ["status", "--jsn"], code: 2,
      says: "tale: unknown option '--jsn'. Did you mean '--json'? `tale help status` says more\n"),
    .init(
      "a short option that is none", ["drain", "-z"], code: 2,
      says: "tale: unknown option '-z'; `tale help drain` says more\n"),
    .init(
      "an option before the command", ["--jsn", "status"], code: 2,
      says: "tale: unknown option '--jsn', and no command before it; `tale help` says more\n"),
    .init(
      "only an option", ["--queue", "q"], code: 2,
      says: "tale: unknown option '--queue', and no command before it; `tale help` says more\n"),
    .init(
      "an option without its value", ["status", "--queue"], code: 2,
      says: "tale: missing value for '--queue <folder>'; `tale help status` says more\n"),
    .init(
      "a flag with a value", ["drain", "--verbose=1"], code: 2,
      says:
        "tale: the option '--verbose' does not take any value, but '1' was specified; `tale help drain` says more\n"
    ),
    .init(
      "a word too many", ["status", "a", "b"], code: 2,
      says: "tale: unexpected argument 'b'; `tale help status` says more\n"),
    .init(
      "no file to run", ["run"], code: 2,
      says: "tale: missing expected argument '<file>'; `tale help run` says more\n"),
    .init(
      "two files to run", ["run", "a.md", "b.md"], code: 2,
      says: "tale: unexpected argument 'b.md'; `tale help run` says more\n"),
    .init(
      "no file to submit", ["submit"], code: 2,
      says: "tale: missing expected argument '<files> ...'; `tale help submit` says more\n"),
    .init(
      "no project", ["takeover"], code: 2,
      says: "tale: missing expected argument '<id>'; `tale help takeover` says more\n"),
    .init(
      "no checkpoint to go back to", ["restore", "trip"], code: 2,
      says: "tale: missing expected argument '--at <commit>'; `tale help restore` says more\n"),
    .init(
      "a project to restore that is none", ["restore", "none", "--at", "1"], code: 2,
      says: "tale: there is no project \"none\" in ROOT/queue; `tale list` shows them\n"),
    .init(
      "a project to fork that is none", ["fork", "none"], code: 2,
      says: "tale: there is no project \"none\" in ROOT/queue; `tale list` shows them\n"),
    .init(
      "two projects to fork", ["fork", "a", "b"], code: 2,
      says: "tale: unexpected argument 'b'; `tale help fork` says more\n"),
    .init(
      "nothing to prune", ["prune"], code: 2,
      says:
        "tale: name what may go with --older-than 30d, --keep 100, --max-size 10GiB or --emptied; `tale help prune` says more\n"
    ),
    .init(
      "an age without its unit", ["prune", "--older-than", "30"], code: 2,
      says:
        "tale: --older-than takes hours, days or weeks, such as 12h, 30d or 8w; `tale help prune` says more\n"
    ),
    .init(
      "a group that is none", ["init", "--group", "nosuch", "house"], code: 2,
      says:
        "tale: there is no group \"nosuch\"; `getent group` lists them, `groupadd` makes one\n"
    ),
    .init(
      "a number in words", ["drain", "--max", "many"], code: 2,
      says: "tale: the value 'many' is invalid for '--max <n>'; `tale help drain` says more\n"),
    .init(
      "a number that is too small", ["drain", "--max", "0"], code: 2,
      says: "tale: --max must be at least 1; `tale help drain` says more\n"),
    .init(
      "a lane with a slip", ["submit", "--lane", "urgnt", "x.md"], code: 2,
      says:
        "tale: there is no lane \"urgnt\"; did you mean \"urgent\"? The lanes are: urgent, nightly\n"
    ),
    .init(
      "nothing to check", ["config", "--check"], code: 2,
      says: "tale: missing value for '--check <file>'; `tale help config` says more\n"),
    .init(
      "a key that is none", ["config", "queue.setle"], code: 2,
      says:
        "tale: unknown key \"queue.setle\"; did you mean \"queue.settle\"? `tale config` prints all of them\n"
    ),
    .init(
      "a section", ["config", "execution"], code: 2,
      says:
        "tale: \"execution\" is no single value; below it are: execution.idle_timeout, execution.max_answer_tokens, execution.max_retries, execution.thinking_mode_threshold, execution.token_safety_margin\n"
    ),
    .init(
      "a key and files", ["config", "lanes", "--check"], code: 2,
      says: "tale: missing value for '--check <file>'; `tale help config` says more\n"),
    .init(
      "a project that is none", ["status", "20260101-000000-none-aaaa"], code: 2,
      says:
        "tale: there is no project \"20260101-000000-none-aaaa\" in ROOT/queue; `tale list` shows them\n"
    ),
    .init(
      "a part of no project", ["logs", "nothing-like-it"], code: 2,
      says:
        "tale: there is no project \"nothing-like-it\" in ROOT/queue; `tale list` shows them\n"),
    .init(
      "a level that is none", ["status", "--log-level", "loud"], code: 2,
      says:
        "tale: --log-level: \"system.log_level\" cannot be \"loud\". It must be one of DEBUG, INFO, WARNING, ERROR.\n"
    ),
    .init(
      "a queue that is none", ["status", "--queue", "none"], code: 3,
      says:
        "tale: there is no queue at ROOT/none; make one with `tale init`, or name another with --queue\n"
    ),
    .init(
      "a queue that is a file", ["drain", "--queue", "config.yaml"], code: 73,
      says:
        "tale: cannot open the queue: cannot open ROOT/config.yaml: Not a directory; a part of that path is a file, and no folder\n"
    ),
    .init(
      "a queue in another's home", ["status", "--queue", "~bob/queue"], code: 3,
      says:
        "tale: ~bob/queue begins in another user's home, which tale does not look up; name a whole path\n"
    ),
    .init(
      "a queue above a file", ["drain", "--queue", "config.yaml/queue"], code: 73,
      says:
        "tale: cannot open the queue: cannot stat ROOT/config.yaml/queue: Not a directory; a part of that path is a file, and no folder\n"
    ),
    .init(
      "a place for a queue that is a file", ["init", "config.yaml"], code: 73,
      says:
        "tale: cannot open the queue: cannot stat ROOT/config.yaml/queue: Not a directory; a part of that path is a file, and no folder\n"
    ),
    .init(
      "no file to run there", ["run", "none.md"], code: 2,
      says: "tale: none.md: there is no file ROOT/none.md. Name one that is there.\n"),
    .init(
      "nothing to run with", ["drain"], code: 69,
      says:
        "tale: the model server cannot be had: there is no llama-server on PATH and no server was fetched; run: tale models fetch\n"
    ),
    .init(
      "a folder to run", ["run", "home"], code: 2,
      says:
        "tale: home: the folder ROOT/home has no project.md that is a regular file. Put the description into it as project.md.\n"
    ),
  ]
}
