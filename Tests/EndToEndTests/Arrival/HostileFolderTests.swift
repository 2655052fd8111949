import Foundation
import SystemPackage
import TaleSystem
import TestSupport
import Testing

/// Dropped folders that nobody should make.
@Suite(.timeLimit(.minutes(10))) struct HostileFolderTests {
  private static let secret = "the-secret-of-this-machine"

  /// A row that is run to its end with `start`, and what holds afterwards of its folder.
  private func run(
    _ script: String, start: String,
    _ body: (Household, FilePath, ScriptedChat) async throws -> Void
  ) async throws {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config) { house in
      let sources = try Sources(house)
      try sources.run(
        """
        echo \(Self.secret) >secret.txt
        cat >trip/project.md <<'END'
        ---
        start: \(start)
        ---
        # One file

        - [ ] Look at notes/a and notes/secret.txt and write it -> `it.txt`
        END
        \(script)
        """)
      let drained = try await house.tale("drain")
      #expect(drained.code == 0, "\(drained.errors)")
      let project = try #require(try house.projects(in: house.outbox).first)
      #expect(try sources.inbox().isEmpty)
      try await body(house, project, chat)
    }
  }

  private func kinds(_ folder: FilePath) throws -> String {
    try Program.run("sh", ["-c", "find . -printf '%y %P %l\\n' | sort"], in: folder).output
  }

  @Test(arguments: ["empty", "input"])
  func `links that lead outside stay links, and nothing behind them is read`(
    start: String
  ) async throws {
    try await run(
      """
      ln -s $HERE/secret.txt trip/notes/secret.txt
      ln -s ../../../../../../secret.txt trip/notes/climbing
      ln -s $HERE trip/outside
      cp -rP trip kept; mv trip $IN
      """, start: start
    ) { house, project, chat in
      #expect(try kinds(project.appending("input")) == kinds(house.root.pushing("here/kept")))
      #expect(!chat.wasTold(Self.secret))
      let found = try Program.run("grep", ["-r", Self.secret, project.string])
      #expect(!found.succeeded, "\(found.output)")
      // The control: what is no link is told.
      #expect(chat.wasTold("notes/a"))
    }
  }

  @Test func `a pipe, a socket and a device inside hold nothing up`() async throws {
    try await run(
      """
      mkfifo trip/notes/pipe trip/notes/secret.txt
      python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("trip/notes/socket")'
      mv trip $IN
      """, start: "empty"
    ) { _, project, _ in
      let kinds = try kinds(project.appending("input"))
      #expect(kinds.contains("p notes/pipe") && kinds.contains("s notes/socket"))
    }
  }

  @Test(arguments: ["empty", "input"])
  func `hooks and settings of a repository that came along run nothing`(
    start: String
  ) async throws {
    try await run(
      """
      cd trip
      git init -q .
      git -c user.name=a -c user.email=a@b.c add .
      git -c user.name=a -c user.email=a@b.c commit -qm one
      for hook in post-commit pre-commit post-checkout post-index-change reference-transaction; do
        printf '#!/bin/sh\\ntouch %s/ran\\n' "$HERE" >.git/hooks/$hook
        chmod +x .git/hooks/$hook
      done
      git config core.fsmonitor "touch $HERE/ran"
      git config core.sshCommand "touch $HERE/ran"
      git config filter.x.clean "touch $HERE/ran"
      echo '* filter=x' >.git/info/attributes
      cd ..
      mv trip $IN
      """, start: start
    ) { house, project, _ in
      #expect(!exists(house.root.pushing("here/ran")))
      #expect(exists(project.pushing("input/.git/hooks/post-commit")))
      let log = try await house.git(project, "log", "--format=%s")
      #expect(log.contains("1.1 ") && log.contains("\none\n") == (start == "input"), "\(log)")
      #expect(!exists(project.pushing("work/.git/hooks/post-commit")))
      #expect(try !text(project.pushing("work/.git/config")).contains("fsmonitor"))
      // The control: git itself runs them.
      try Program.run("git", ["-C", project.appending("input").string, "status"])
      #expect(exists(house.root.pushing("here/ran")))
    }
  }

  @Test(arguments: ["empty", "input"])
  func `names of any bytes inside are kept`(start: String) async throws {
    try await run(
      """
      cd trip/notes
      for name in "$(printf 'new\\nline')" "$(printf 'bytes\\377\\376')" -rf 'two  words' '%s%n' \\
        "$(printf '%0255d' 0)" "$(printf '\\033[31mred')" '$(touch gone)' 'back\\slash' '*' ' '
      do echo "text" >"./$name"; done
      cd ../..
      cp -r trip kept; mv trip $IN
      """, start: start
    ) { house, project, _ in
      let difference = try Program.run(
        "diff", ["-r", "here/kept", project.appending("input").string], in: house.root)
      #expect(difference.succeeded, "\(difference.output)")
      let logs = try await house.tale("logs", project.lastComponent?.string ?? "")
      #expect(logs.code == 0 && !logs.output.contains("\u{1b}"), "\(logs.output)")
    }
  }

  @Test func `a folder that is changed while it is taken is whole or not taken`() async throws {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config) { original in
      let house = original.with(["TALE_QUEUE_SETTLE_FOLDER": "0"])
      let sources = try Sources(house)
      try await house.watching { watch in
        try sources.run(
          """
          rm $WANT/x.md
          echo \(Self.secret) >secret.txt
          printf -- '---\\nnokey: 1\\n---\\nx\\n' >trip/project.md
          for i in $(seq 40); do
            cp -r trip f$i
            cp trip/project.md $WANT/f$i
            (
              cd f$i
              mv ../f$i $IN/f$i
              for step in $(seq $((i % 5))); do :; done
              cp notes/b late; mv notes/c notes/d
              ln -s $HERE/secret.txt swap; mv -T swap notes/a
              mv notes moved; ln -s $HERE notes
            )
          done
          """)
        try await sources.expectTaken(watch)
      }
      for project in try house.projects(in: house.failed) {
        #expect(try !text(project.appending("failure.md")).contains(Self.secret))
      }
    }
  }

  @Test func `a description that becomes a link while its folder is taken is never followed`()
    async throws
  {
    let chat = ScriptedChat { _, _ in .text("text\n") }
    try await Household.with(config: chat.config) { original in
      let house = original.with(["TALE_QUEUE_SETTLE_FOLDER": "0"])
      let sources = try Sources(house)
      try await house.watching { _ in
        try sources.run(
          """
          printf -- '---\\nnokey: 1\\n---\\n\(Self.secret)\\n' >secret.txt
          printf -- '---\\nnokey: 1\\n---\\nx\\n' >trip/project.md
          for i in $(seq 20); do
            cp -r trip f$i
            ln -s $HERE/secret.txt f$i/swap
            (cd f$i; mv ../f$i $IN/f$i; sleep 0.$((i % 3))5; mv -T swap project.md)
          done
          """)
        try sources.dropSentinel()
        let isDone = try await comesTrue {
          try sources.taken()?.contains { $0.name == Sources.sentinel } == true
        }
        #expect(isDone)
      }
      let taken = try #require(try sources.taken())
      #expect(taken.count > 1 && !taken.contains { $0.description.contains(Self.secret) })
      let left = try sources.inbox()
      #expect(left.count + taken.count == 21, "\(left)")
      let ignored = try sources.ignored()
      #expect(left.allSatisfy { ignored[$0]?.contains("not a regular file") == true })
    }
  }
}
