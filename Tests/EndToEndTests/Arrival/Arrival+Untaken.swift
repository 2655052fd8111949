import Foundation

extension Arrival {
  /// What is left untouched, until somebody does what `tale status` says.
  static let untaken = [
    Arrival(
      way: "ln -s", script: "ln -s $HERE/x.md $IN/x.md",
      ignored: ["x.md": ["symbolic link", "cp -L"]], mend: "rm $IN/x.md; cp -L x.md $IN"),
    Arrival(
      way: "a link that leads nowhere", script: "ln -s nowhere $IN/x.md",
      ignored: ["x.md": ["symbolic link", "cp -L"]], mend: "rm $IN/x.md; cp x.md $IN"),
    Arrival(
      way: "a FIFO", script: "mkfifo $IN/x.md",
      ignored: ["x.md": ["pipe", "regular file"]], mend: "rm $IN/x.md; cp x.md $IN"),
    Arrival(
      way: "a socket",
      script: """
        cd $IN
        python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("x.md")'
        """,
      ignored: ["x.md": ["socket", "regular file"]], mend: "rm $IN/x.md; cp x.md $IN"),
    Arrival(
      way: "a device", script: "mknod $IN/x.md c 1 3",
      ignored: ["x.md": ["device", "regular file"]], mend: "rm $IN/x.md; cp x.md $IN"),
    Arrival(
      way: "a name without an ending", script: "cp x.md $IN/x",
      ignored: ["x": ["does not say", ".md"]], mend: "mv $IN/x $IN/x.md"),
    Arrival(
      way: "what an editor and sed leave for a moment",
      script: "for name in 4913 x.md~ sedAb3dEf; do cp x.md $IN/$name; done",
      ignored: ["4913": [".md"], "x.md~": [".md"], "sedAb3dEf": [".md"]],
      mend: "rm $IN/4913 $IN/sedAb3dEf; mv $IN/x.md~ $IN/x.md"),
    Arrival(
      way: "names with a dot",
      script: "cp x.md $IN/.x.md; cp x.md $IN/.x.md.Ab3dEf; mkdir $IN/.trip",
      passedOver: [".x.md", ".x.md.Ab3dEf", ".trip"],
      mend: "rm $IN/.x.md.Ab3dEf; rmdir $IN/.trip; mv $IN/.x.md $IN/x.md"),
    Arrival(
      way: "the time of rsync's fragments", script: "touch -d @0 x.md; cp -p x.md $IN",
      ignored: ["x.md": ["fragment", "same rsync again"]], mend: "touch $IN/x.md"),
    Arrival(
      way: "a folder without a description", script: "mkdir $IN/x; cp x.md $IN/x/",
      ignored: ["x": ["no project.md", "lanes are: urgent, nightly"]],
      mend: "mv $IN/x/x.md $IN/x.md; rmdir $IN/x"),
    Arrival(
      way: "a folder with another name for a lane",
      script:
        "mkdir $IN/Nightly $IN/urgent/nightly; cp x.md $IN/Nightly; cp x.md $IN/urgent/nightly",
      ignored: ["Nightly": ["lanes are"], "urgent/nightly": ["no project.md"]],
      mend: "mv $IN/Nightly/x.md $IN/x.md; rm -r $IN/Nightly $IN/urgent/nightly"),
    Arrival(
      way: "a folder whose description is a link",
      script: "mkdir $IN/x; ln -s $HERE/x.md $IN/x/project.md",
      ignored: ["x": ["not a regular file"]], mend: "rm -r $IN/x; cp x.md $IN"),
  ].map { row in
    Arrival(
      way: row.way, script: "rm $WANT/x.md\n" + row.script, ignored: row.ignored,
      passedOver: row.passedOver, mend: "cp x.md $WANT\n" + (row.mend ?? ""))
  }.filter { geteuid() == 0 || $0.way != "a device" }

  static let names = [
    Arrival(
      way: "hostile names",
      script: #"""
        rm $WANT/x.md
        number=0
        for name in "$(printf 'new\nline.md')" "$(printf 'bytes\377\376.md')" -rf.md \
          "$(printf '%0252d.md' 0)" "$(printf '\303\251%.0s' $(seq 126)).md" 'two  words .md' \
          '%s%n%d.md' "$(printf '\360\237\214\231.md')" urgent.md nightly.txt capitals.MD \
          "$(printf '\033[31mred\033[0m.md')" "$(printf '\342\200\256ltr.md')" \
          "'quo\"tes'.md" '$(touch gone).md' 'back\slash.md' '*.md' 'a;b&c|d.md' \
          20261122-213005-word-counter-k3f9.md recovered-x.md project.md discarded-x.md '~.md'
        do
          number=$((number + 1))
          (cat x.md; echo "Number $number.") >"$WANT/$name"
          cp "$WANT/$name" "$IN/$name"
        done
        """#),
    Arrival(
      way: "names that only look the same, with one content and one time",
      script: #"""
        touch -d 2026-01-01 x.md
        for name in "$(printf 'caf\303\251.md')" "$(printf 'cafe\314\201.md')" \
          "$(printf 'a\377.md')" "$(printf 'a\376.md')" X.md x.MD x.md
        do
          cp -p x.md "$WANT/$name"
          cp -p x.md "$IN/$name"
        done
        """#),
    Arrival(
      way: "one name in the inbox and in each lane, with one content and one time",
      script: """
        touch -d 2026-01-01 x.md
        cp -p x.md $IN; cp -p x.md $IN/urgent; cp -p x.md $IN/nightly
        cp x.md $WANT/x.md#2; cp x.md $WANT/x.md#3
        """),
    Arrival(
      way: "a name that was taken before, again and again",
      script: """
        for number in 2 3 4 5 6; do
          cp x.md $IN
          while [ -e $IN/x.md ]; do sleep 0.01; done
          echo "Number $number." >>x.md
          cp x.md $WANT/x.md#$number
        done
        cp x.md $IN
        """),
    Arrival(
      way: "folders whose names are files' and lanes'",
      script: #"""
        rm $WANT/x.md
        for name in x.md 'two words' "$(printf 'new\nline')" -rf nightly.md; do
          cp trip/project.md "$WANT/$name"
          cp -r trip "$IN/$name"
        done
        cp -r trip $IN/urgent/nightly
        cp trip/project.md $WANT/nightly
        """#),
  ]
}
