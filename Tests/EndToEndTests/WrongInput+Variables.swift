/// Environment variables that are wrong, with what tale says.
extension WrongInput {
  static let variables: [WrongInput] = [
    .init(
      "a variable with a slip", ["config", "lanes"], variables: ["TALE_QUEUE_SETLE": "1"], code: 0,
      says:
        "tale: warning: the environment variable TALE_QUEUE_SETLE is not known and is ignored; did you mean \"TALE_QUEUE_SETTLE\"?\n"
    ),
    .init(
      "a variable that is none", ["config", "lanes"], variables: ["TALE_COLOUR": "red"], code: 0,
      says: "tale: warning: the environment variable TALE_COLOUR is not known and is ignored\n"),
    .init(
      "two variables that are none", ["config", "lanes"],
      variables: ["TALE_A": "1", "TALE_B": "2"], code: 0,
      says:
        "tale: warning: the environment variable TALE_A is not known and is ignored\ntale: warning: the environment variable TALE_B is not known and is ignored\n"
    ),
    .init(
      "words for a time", variables: ["TALE_QUEUE_SETTLE": "soon"], code: 3,
      says:
        "tale: TALE_QUEUE_SETTLE: \"queue.settle\" cannot be \"soon\". It must be a time such as 0.5, 90s, 15m or 2h.\n"
    ),
    .init(
      "a number that is too large", variables: ["TALE_EXECUTION_MAX_RETRIES": "99"], code: 3,
      says:
        "tale: TALE_EXECUTION_MAX_RETRIES: \"execution.max_retries\" cannot be \"99\". It must be a whole number from 0 to 20.\n"
    ),
    .init(
      "nothing for a folder", variables: ["TALE_SYSTEM_DATA_DIR": ""], code: 3,
      says: "tale: TALE_SYSTEM_DATA_DIR: \"system.data_dir\" cannot be empty. It must be a path.\n"),
    .init(
      "a lane in capitals", variables: ["TALE_LANES": "urgent,Nightly"], code: 3,
      says: "tale: TALE_LANES: \"Nightly\" cannot be the name of a lane. \(laneNames)\n"),
    .init(
      "a lane twice", variables: ["TALE_LANES": "a,a"], code: 3,
      says: "tale: TALE_LANES: the lane \"a\" stands there twice. Keep one of them.\n"),
    .init(
      "a role without a model", variables: ["TALE_MODELS_TASK_MODEL": "gpt"], code: 3,
      says:
        "tale: TALE_MODELS_TASK_MODEL: models.task_model names the unknown model \"gpt\". The models are: qwen2.5-coder-0.5b, qwen2.5-coder-1.5b; others are added below models.definitions.\n"
    ),
    .init(
      "a level that is none", variables: ["TALE_SYSTEM_LOG_LEVEL": "LOUD"], code: 3,
      says:
        "tale: TALE_SYSTEM_LOG_LEVEL: \"system.log_level\" cannot be \"LOUD\". It must be one of DEBUG, INFO, WARNING, ERROR.\n"
    ),
    .init(
      "a configuration that is not there", variables: ["TALE_ENV": "production"], code: 3,
      says:
        "tale: TALE_ENV: there is no production.yaml in ROOT/config. Make it, or unset TALE_ENV.\n"),
    .init(
      "a configuration that is a path", variables: ["TALE_ENV": "../x"], code: 3,
      says:
        "tale: TALE_ENV: \"../x\" cannot be the name of a configuration. Use letters, digits and hyphens.\n"
    ),
    .init(
      "a queue that is none", ["status"], variables: ["TALE_QUEUE_ROOT": "none"], code: 3,
      says:
        "tale: there is no queue at ROOT/none; make one with `tale init`, or name another with --queue\n"
    ),
    .init(
      "another's home", ["status"], variables: ["TALE_QUEUE_ROOT": "~bob/queue"], code: 3,
      says:
        "tale: ~bob/queue begins in another user's home, which tale does not look up; name a whole path\n"
    ),
    .init(
      "a file for a queue", ["drain"], variables: ["TALE_QUEUE_ROOT": "config.yaml"], code: 73,
      says:
        "tale: cannot open the queue: cannot open ROOT/config.yaml: Not a directory; a part of that path is a file, and no folder\n"
    ),
    .init(
      "no home", ["status", "--queue", "~/q"], variables: ["HOME": nil, "TALE_QUEUE_ROOT": nil],
      code: 3,
      says: "tale: HOME is not set, and ~/q is below it; set HOME, or name a whole path\n"),
    .init(
      "a home that is relative", ["status"], variables: ["HOME": "home", "TALE_QUEUE_ROOT": "~/q"],
      code: 3,
      says: "tale: HOME is not set, and ~/q is below it; set HOME, or name a whole path\n"),
  ]
}
