/// Configuration files that are wrong, with what tale says.
extension WrongInput {
  static let configurations: [WrongInput] = [
    .init(
      "an unknown section", config: .text("modles: {}\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:1:1: unknown key \"modles\"; did you mean \"models\"? Here the keys are: system, models, performance, execution, learning, queue, lanes.\n"
    ),
    .init(
      "an unknown key", config: .text("queue:\n  setle: 1\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:2:3: unknown key \"queue.setle\"; did you mean \"settle\"? Here the keys are: root, mode, inhibit_sleep, settle, settle_folder, rescan_interval, redelivery_days, max_description, max_input, reserve, log_size, time_zone, windows, after_timeout.\n"
    ),
    .init(
      "an unknown key without a neighbour", config: .text("queue:\n  colour: red\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:2:3: unknown key \"queue.colour\". Here the keys are: root, mode, inhibit_sleep, settle, settle_folder, rescan_interval, redelivery_days, max_description, max_input, reserve, log_size, time_zone, windows, after_timeout.\n"
    ),
    .init(
      "a key of a model that is none",
      config: .text("models:\n  definitions:\n    m: {contxt: 5}\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:3:9: unknown key \"models.definitions.m.contxt\"; did you mean \"context\"? Here the keys are: server, file, id, context, slots, threads, class, prompt_price, completion_price.\n"
    ),
    .init(
      "a key of a server that is none",
      config: .text("models:\n  servers:\n    s: {kind: openai, adress: x}\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:3:23: unknown key \"models.servers.s.adress\". Here the keys are: kind, url, key_env, key_file, continues.\n"
    ),
    .init(
      "the key itself in a file",
      config: .text("models:\n  servers:\n    s: {kind: openai, api_key: sk-1}\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:3:23: unknown key \"models.servers.s.api_key\". Here the keys are: kind, url, key_env, key_file, continues.\n"
    ),
    .init(
      "words for a time", config: .text("queue:\n  settle: soon\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:2:11: \"queue.settle\" cannot be \"soon\". It must be a time such as 0.5, 90s, 15m or 2h.\n"
    ),
    .init(
      "a time below zero", config: .text("queue: {settle: -1}\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:1:17: \"queue.settle\" cannot be \"-1\". It must be a time such as 0.5, 90s, 15m or 2h.\n"
    ),
    .init(
      "no time between looks", config: .text("queue: {rescan_interval: 0}\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:1:26: \"queue.rescan_interval\" cannot be 0. It must be a time above 0, such as 60 or 10m.\n"
    ),
    .init(
      "a list for a number", config: .text("execution:\n  max_retries: [1]\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:2:16: \"execution.max_retries\" cannot be a list. It must be a whole number from 0 to 20.\n"
    ),
    .init(
      "keys for a number", config: .text("execution:\n  max_retries: {a: 1}\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:2:16: \"execution.max_retries\" cannot be a list of keys. It must be a whole number from 0 to 20.\n"
    ),
    .init(
      "a number that is too large", config: .text("execution: {max_retries: 21}\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:1:26: \"execution.max_retries\" cannot be \"21\". It must be a whole number from 0 to 20.\n"
    ),
    .init(
      "a fraction for a whole number", config: .text("execution: {max_retries: 1.5}\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:1:26: \"execution.max_retries\" cannot be \"1.5\". It must be a whole number from 0 to 20.\n"
    ),
    .init(
      "a factor that is too small", config: .text("execution: {token_safety_margin: 0.5}\n"),
      code: 3,
      says:
        "tale: ROOT/config.yaml:1:34: \"execution.token_safety_margin\" cannot be \"0.5\". It must be a number from 1.0 to 10.0.\n"
    ),
    .init(
      "an unknown unit", config: .text("queue: {max_input: 1 TB}\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:1:20: \"queue.max_input\" cannot be \"1 TB\". It must be a size such as 1048576, 512 KiB or 1 GiB.\n"
    ),
    .init(
      "an unknown level", config: .text("system: {log_level: loud}\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:1:21: \"system.log_level\" cannot be \"loud\". It must be one of DEBUG, INFO, WARNING, ERROR.\n"
    ),
    .init(
      "no folder", config: .text("system: {data_dir: }\n"), code: 3,
      says: "tale: ROOT/config.yaml:1:20: \"system.data_dir\" cannot be empty. It must be a path.\n"
    ),
    .init(
      "a section that is a value", config: .text("queue: 5\n"), code: 3,
      says: "tale: ROOT/config.yaml:1:8: \"queue\" must be a list of `key: value` lines. \(yaml)\n"),
    .init(
      "a section that is a list", config: .text("queue: [settle]\n"), code: 3,
      says: "tale: ROOT/config.yaml:1:8: \"queue\" must be a list of `key: value` lines. \(yaml)\n"),
    .init(
      "a file that is a list", config: .text("- a\n- b\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:1:1: the configuration must be a list of `key: value` lines. \(yaml)\n"
    ),
    .init(
      "words", config: .text("just words\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:1:1: the configuration must be a list of `key: value` lines. \(yaml)\n"
    ),
    .init(
      "a tab", config: .text("queue:\n\tsettle: 1\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:2:1: not valid YAML: a tab stands where spaces must stand. \(yaml)\n"
    ),
    .init(
      "a bracket that never ends", config: .text("queue: {settle: 1\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:2:1: not valid YAML: did not find expected ',' or '}'. \(yaml)\n"),
    .init(
      "two colons", config: .text("queue: settle: 1\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:1:14: not valid YAML: mapping values are not allowed in this context. \(yaml)\n"
    ),
    .init(
      "a quote that never ends", config: .text("system: {data_dir: \"a\n"), code: 3,
      says: "tale: ROOT/config.yaml:2:1: not valid YAML: found unexpected end of stream. \(yaml)\n"),
    .init(
      "a section twice", config: .text("queue: {settle: 1}\nqueue: {settle: 2}\n"), code: 3,
      says: "tale: ROOT/config.yaml:1:1: the key \"queue\" stands there twice. Keep one of them.\n"),
    .init(
      "a key twice", config: .text("queue:\n  settle: 1\n  settle: 2\n"), code: 3,
      says: "tale: ROOT/config.yaml:2:3: the key \"settle\" stands there twice. Keep one of them.\n"
    ),
    .init(
      "the sandbox to come", config: .text("sandbox: {network: true}\n"), code: 3,
      says: "tale: ROOT/config.yaml:1:1: \"sandbox\" \(later)\n"),
    .init(
      "notifications to come", config: .text("notify: {mail: me}\n"), code: 3,
      says: "tale: ROOT/config.yaml:1:1: \"notify\" \(later)\n"),
    .init(
      "pages to come", config: .text("serve:\n  port: 80\n"), code: 3,
      says: "tale: ROOT/config.yaml:1:1: \"serve\" \(later)\n"),
    .init(
      "a window of a lane that is none",
      config: .text("queue: {windows: {nigthly: 22:00-07:00}}\n"),
      code: 3,
      says:
        "tale: ROOT/config.yaml:1:28: \"queue.windows.nigthly\" names the unknown lane \"nigthly\"; did you mean \"nightly\"? The lanes are: urgent, nightly. The inbox itself has no window.\n"
    ),
    .init(
      "a window without a length", config: .text("queue: {windows: {nightly: 22:00-22:00}}\n"),
      code: 3,
      says:
        "tale: ROOT/config.yaml:1:28: \"queue.windows.nightly\" cannot be \"22:00-22:00\". It must be hours such as 22:00-07:00, or several such as 12:00-13:00, 22:00-07:00; midnight is 00:00.\n"
    ),
    .init(
      "an unknown time zone", config: .text("queue:\n  time_zone: Europe/Berln\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:2:14: there is no time zone \"Europe/Berln\" in /usr/share/zoneinfo. Write a name of the IANA's list, such as Europe/Berlin or America/New_York; `timedatectl list-timezones` prints them.\n"
    ),
    .init(
      "a lane with a space", config: .text("lanes: [a b]\n"), code: 3,
      says: "tale: ROOT/config.yaml:1:9: \"a b\" cannot be the name of a lane. \(laneNames)\n"),
    .init(
      "a lane in capitals", config: .text("lanes:\n  - urgent\n  - Nightly\n"), code: 3,
      says: "tale: ROOT/config.yaml:3:5: \"Nightly\" cannot be the name of a lane. \(laneNames)\n"),
    .init(
      "a lane that is the inbox", config: .text("lanes: [inbox]\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:1:9: \"inbox\" cannot be the name of a lane. That is the inbox itself, which needs no lane.\n"
    ),
    .init(
      "a lane twice", config: .text("lanes: [a, b, a]\n"), code: 3,
      says: "tale: ROOT/config.yaml:1:15: the lane \"a\" stands there twice. Keep one of them.\n"),
    .init(
      "a lane that is hidden", config: .text("lanes: [.git]\n"), code: 3,
      says: "tale: ROOT/config.yaml:1:9: \".git\" cannot be the name of a lane. \(laneNames)\n"),
    .init(
      "a lane that is a description", config: .text("lanes: [project.md]\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:1:9: \"project.md\" cannot be the name of a lane. \(laneNames)\n"),
    .init(
      "a lane with a slash", config: .text("lanes: [a/b]\n"), code: 3,
      says: "tale: ROOT/config.yaml:1:9: \"a/b\" cannot be the name of a lane. \(laneNames)\n"),
    .init(
      "a lane above", config: .text("lanes: [..]\n"), code: 3,
      says: "tale: ROOT/config.yaml:1:9: \"..\" cannot be the name of a lane. \(laneNames)\n"),
    .init(
      "a lane that looks like an option", config: .text("lanes: [-f]\n"), code: 3,
      says: "tale: ROOT/config.yaml:1:9: \"-f\" cannot be the name of a lane. \(laneNames)\n"),
    .init(
      "lanes in lanes", config: .text("lanes: [[a]]\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:1:9: \"lanes\" cannot be a list with a list in it. It must be a list of names, such as [urgent, nightly].\n"
    ),
    .init(
      "lanes with keys", config: .text("lanes: {a: 1}\n"), code: 3,
      says: "tale: ROOT/config.yaml:1:8: \"lanes\" must be a list. Write `lanes: [one, two]`.\n"),
    .init(
      "a role without a model", config: .text("models:\n  task_model: gpt\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:2:15: models.task_model names the unknown model \"gpt\". The models are: qwen2.5-coder-0.5b, qwen2.5-coder-1.5b; others are added below models.definitions.\n"
    ),
    .init(
      "a role with a slip", config: .text("models:\n  ux_model: qwen2.5-coder-0.5\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:2:13: models.ux_model names the unknown model \"qwen2.5-coder-0.5\"; did you mean \"qwen2.5-coder-0.5b\"? The models are: qwen2.5-coder-0.5b, qwen2.5-coder-1.5b; others are added below models.definitions.\n"
    ),
    .init(
      "a fallback without a model", config: .text("models: {fallback_model: gone}\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:1:26: models.fallback_model names the unknown model \"gone\". The models are: qwen2.5-coder-0.5b, qwen2.5-coder-1.5b; others are added below models.definitions.\n"
    ),
    .init(
      "a role without a name", config: .text("models: {task_model: }\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:1:22: \"models.task_model\" cannot be empty. It must be text on one line.\n"
    ),
    .init(
      "a model on no server", config: .text("models: {definitions: {m: {server: there}}}\n"),
      code: 3,
      says:
        "tale: ROOT/config.yaml:1:36: the model \"m\" names the unknown server \"there\". The servers are: local.\n"
    ),
    .init(
      "a model with a small context", config: .text("models: {definitions: {m: {context: 10}}}\n"),
      code: 3,
      says:
        "tale: ROOT/config.yaml:1:37: \"models.definitions.m.context\" cannot be \"10\". It must be a whole number from 512 to 10000000.\n"
    ),
    .init(
      "a model of no class", config: .text("models: {definitions: {m: {class: huge}}}\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:1:35: \"models.definitions.m.class\" cannot be \"huge\". It must be one of small, large, unknown.\n"
    ),
    .init(
      "a price below zero", config: .text("models: {definitions: {m: {prompt_price: -1}}}\n"),
      code: 3,
      says:
        "tale: ROOT/config.yaml:1:42: \"models.definitions.m.prompt_price\" cannot be \"-1\". It must be an amount, 0 or more, such as 2.50.\n"
    ),
    .init(
      "a server without a kind", config: .text("models: {servers: {s: {url: \"http://h\"}}}\n"),
      code: 3,
      says:
        "tale: ROOT/config.yaml:1:29: the server \"s\" has no kind. Add `kind: openai` and its url, or `kind: llama.cpp`.\n"
    ),
    .init(
      "a server with nothing", config: .text("models:\n  servers:\n    s:\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:3:7: the server \"s\" has no kind. Add `kind: openai` and its url, or `kind: llama.cpp`.\n"
    ),
    .init(
      "a server without a url", config: .text("models: {servers: {s: {kind: openai}}}\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:1:30: the server \"s\" has no url. Add `url: http://host:port` to it.\n"
    ),
    .init(
      "a kind that is none", config: .text("models: {servers: {s: {kind: gpt}}}\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:1:30: \"models.servers.s.kind\" cannot be \"gpt\". It must be one of llama.cpp, openai, ollama, anthropic.\n"
    ),
    .init(
      "an address without http",
      config: .text("models: {servers: {s: {kind: openai, url: \"host:80\"}}}\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:1:43: \"models.servers.s.url\" cannot be what stands there (not shown: it may be a key). It must be an address such as http://127.0.0.1:8080, without a user and a password.\n"
    ),
    .init(
      "an address with a password",
      config: .text("models: {servers: {s: {kind: openai, url: \"http://me:sk-1@host\"}}}\n"),
      code: 3,
      says:
        "tale: ROOT/config.yaml:1:43: \"models.servers.s.url\" cannot be what stands there (not shown: it may be a key). It must be an address such as http://127.0.0.1:8080, without a user and a password.\n"
    ),
    .init(
      "a key for a variable's name",
      config: .text("models: {servers: {s: {kind: anthropic, key_env: sk-1}}}\n"), code: 3,
      says:
        "tale: ROOT/config.yaml:1:50: \"models.servers.s.key_env\" cannot be what stands there (not shown: it may be a key). It must be the name of an environment variable, such as API_KEY, not the key itself.\n"
    ),
    .init(
      "two places for a key",
      config: .text("models: {servers: {s: {kind: anthropic, key_env: K, key_file: k}}}\n"),
      code: 3,
      says:
        "tale: ROOT/config.yaml:1:63: the server \"s\" has both key_env and key_file. Keep the one that holds its key.\n"
    ),
    .init(
      "bytes that are no text", config: .bytes([97, 58, 32, 98, 10, 255, 10]), code: 3,
      says: "tale: ROOT/config.yaml:2: it is not text in UTF-8. Save it as UTF-8.\n"),
    .init(
      "a file of two megabytes", files: ["big.yaml": .many("#", 2097152)],
      ["config", "--check", "big.yaml"], code: 3,
      says:
        "tale: ROOT/big.yaml: it has more than 1,048,576 bytes. A configuration is a short text; name the right file.\n"
    ),
    .init(
      "a folder as a file", files: ["d.yaml/x": .text("")], ["config", "--config", "d.yaml"],
      code: 3,
      says: "tale: ROOT/d.yaml: it is a folder. Name a YAML file.\n"),
    .init(
      "a link to nothing", files: ["l.yaml": .link(to: "gone")], ["--config", "l.yaml", "config"],
      code: 3,
      says:
        "tale: ROOT/l.yaml: it is a link to a file that is not there. Mend the link or remove it.\n"
    ),
    .init(
      "a file that is not there", ["config", "--config", "none.yaml"], code: 3,
      says:
        "tale: ROOT/none.yaml: there is no such file, and --config names it. Name a file that is there.\n"
    ),
    .init(
      "a file that is not there, in a variable", variables: ["TALE_CONFIG": "none.yaml"], code: 3,
      says:
        "tale: ROOT/none.yaml: there is no such file, and TALE_CONFIG names it. Name a file that is there.\n"
    ),
    .init(
      "a file to check that is not there", ["config", "--check", "none.yaml"], code: 3,
      says: "tale: ROOT/none.yaml: there is no such file. Name a file that is there.\n"),
    .init(
      "everything that is wrong with a file",
      files: ["c.yaml": .text("lane: [a]\nqueue:\n  settle: x\n  root: [a]\n")],
      ["config", "--check", "c.yaml"], code: 3,
      says:
        "tale: ROOT/c.yaml:1:1: unknown key \"lane\"; did you mean \"lanes\"? Here the keys are: system, models, performance, execution, learning, queue, lanes.\ntale: ROOT/c.yaml:3:11: \"queue.settle\" cannot be \"x\". It must be a time such as 0.5, 90s, 15m or 2h.\ntale: ROOT/c.yaml:4:9: \"queue.root\" cannot be a list. It must be text on one line, or nothing.\n"
    ),
  ]
}
