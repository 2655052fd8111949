import Testing

/// A way in which something comes into the inbox, and what must become of it.
struct Arrival: Sendable, CustomTestStringConvertible {
  let way: String
  /// For `sh -ec`, in a folder beside the queue that holds x.md, large.md (300,000 bytes) and trip/.
  ///
  /// `$IN` is the inbox, `$THERE` a folder on another file system. Each file of `$WANT` must become
  /// one project of its name and content; `#` and what follows it is no part of the name. x.md is
  /// in it from the beginning.
  let script: String
  /// `queue.settle`.
  var settle = "0.05"
  /// What stays in the inbox, and words that `tale status` must say of it.
  var ignored: [String: [String]] = [:]
  /// What stays in the inbox and is not spoken of.
  var passedOver: [String] = []
  /// What is done once all that is known; afterwards nothing stays.
  var mend: String?
  /// The folder that must stand whole in the project's input/, in the folder of the script.
  var input: String?
  /// Words that the report of the refused project must say.
  var refused: String?

  var testDescription: String { way }
}

extension Arrival {
  /// A row per way of FACTS and of the queue's reference.
  static let files = [
    Arrival(way: "cp", script: "cp x.md $IN"),
    Arrival(way: "cp -p", script: "cp -p x.md $IN"),
    Arrival(way: "mv on the same file system", script: "mv x.md $IN"),
    Arrival(
      way: "mv from another file system",
      script: """
        [ "$(stat -c %d "$THERE")" != "$(stat -c %d "$IN")" ]
        cp x.md $THERE
        mv $THERE/x.md $IN
        """),
    Arrival(
      way: "a slow writer, with pauses around the settle time",
      script: """
        exec 3>$IN/x.md
        for pause in 0.03 0.05 0.08 0.3; do printf 'a piece\\n' >&3; sleep $pause; done
        cat x.md >&3
        exec 3>&-
        (for i in 1 2 3 4; do echo 'a piece'; done; cat x.md) >$WANT/x.md
        """),
    Arrival(way: "tar x", script: "tar -cf - x.md | tar -xf - -C $IN"),
    Arrival(way: ">", script: "cat x.md >$IN/x.md"),
    Arrival(
      way: "> and then >> within the settle time",
      script: """
        echo first >$IN/x.md
        cat x.md >>$IN/x.md
        (echo first; cat x.md) >$WANT/x.md
        """, settle: "1"),
    Arrival(
      way: "sed -i of a file that is there",
      script: """
        exec 3>$IN/x.md
        cat x.md >&3
        sed -i s/Write/Rewrite/ $IN/x.md
        exec 3>&-
        sed s/Write/Rewrite/ x.md >$WANT/x.md
        """),
    Arrival(
      way: "vim, a new file",
      script: """
        cd $IN
        vim -Nu NONE -es x.md -c "call setline(1, readfile('$HERE/x.md'))" -c wq </dev/null
        """),
    Arrival(
      way: "vim, over a file that is there",
      script: """
        exec 3>$IN/x.md
        cat x.md >&3
        (cd $IN; vim -Nu NONE -es x.md -c '%s/Write/Rewrite/' -c wq </dev/null)
        exec 3>&-
        sed s/Write/Rewrite/ x.md >$WANT/x.md
        """),
    Arrival(way: "ln", script: "ln x.md $IN/x.md"),
    Arrival(
      way: "touch", script: ": >$WANT/x.md; touch $IN/x.md", refused: "the file is empty"),
    Arrival(
      way: "a writer that is killed in the middle",
      script: """
        (exec 3>$IN/x.md; head -c 1000 large.md >&3; exec sleep 60) & writer=$!
        while ! [ "$(stat -c %s $IN/x.md 2>/dev/null)" = 1000 ]; do sleep 0.01; done
        kill -9 $writer
        head -c 1000 large.md >$WANT/x.md
        """, refused: "nokey"),
    Arrival(
      way: "a mapping that is written to after the file was closed",
      script: """
        python3 - $IN/x.md $WANT/x.md <<'END'
        import mmap, os, sys, time
        text = open("x.md", "rb").read()
        file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
        os.ftruncate(file, len(text))
        pages = mmap.mmap(file, len(text))
        os.close(file)
        for place in range(0, len(text), 10):
            pages[place:place + 10] = text[place:place + 10]
            time.sleep(0.05)
        pages.close()
        END
        """),
    Arrival(
      way: "a large file by cp", script: "cp large.md $IN/x.md; cp large.md $WANT/x.md",
      refused: "nokey"),
    Arrival(way: "into a lane", script: "cp x.md $IN/urgent/"),
    Arrival(
      way: "rsync -a, and again when it was taken",
      script: """
        rsync -a x.md $IN/
        while [ -e $IN/x.md ]; do sleep 0.01; done
        rsync -a x.md $IN/
        """),
    Arrival(
      way: "cp, and again with a new time",
      script: """
        touch -d 2001-01-01 x.md
        cp -p x.md $IN
        while [ -e $IN/x.md ]; do sleep 0.01; done
        cp x.md $IN
        cp x.md $WANT/x.md#2
        """),
    Arrival(
      way: "chmod 000, then 644, for one who may read all",
      script: "cp x.md hidden.md; chmod 000 hidden.md; cp -p hidden.md $IN/x.md; chmod 644 $IN/x.md"
    ),
  ]

  static let folders = [
    Arrival(way: "mv of a folder", script: "cp -rp trip kept; mv trip $IN", input: "kept"),
    Arrival(way: "cp -r", script: "cp -r trip $IN", input: "trip"),
    Arrival(way: "rsync -r", script: "rsync -r trip $IN", input: "trip"),
    Arrival(way: "rsync -a of a folder", script: "rsync -a trip $IN", input: "trip"),
    Arrival(
      way: "tar x of a folder", script: "tar -cf - trip | tar -xf - -C $IN", input: "trip"),
    Arrival(
      way: "mv of a folder from another file system",
      script: "cp -rp trip $THERE; mv $THERE/trip $IN", input: "trip"),
    Arrival(
      way: "a folder that is filled slowly, its description last",
      script: """
        mkdir $IN/trip
        for name in a b c; do mkdir -p $IN/trip/notes; cp trip/notes/$name $IN/trip/notes/; sleep 0.3; done
        cp trip/project.md $IN/trip/
        """, input: "trip"),
    Arrival(
      way: "a folder in which one file stays open for long",
      script: """
        mkdir $IN/trip
        cp trip/project.md $IN/trip/
        mkdir $IN/trip/notes
        exec 3>$IN/trip/notes/a
        cp trip/notes/b trip/notes/c $IN/trip/notes/
        sleep 0.8
        cat trip/notes/a >&3
        exec 3>&-
        """, input: "trip"),
  ].map { row in
    var row = row
    row = Arrival(
      way: row.way,
      script: "mv $WANT/x.md $WANT/trip\ncp trip/project.md $WANT/trip\n" + row.script,
      input: row.input)
    return row
  }
}
