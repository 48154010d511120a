# A man page from what --help prints (host/base/help.h has its layout): awk -v name=souk-train -v title=…
# -v version=… -v date=… -v also="souk(1), …" -f man.awk.
#
#   Usage: lines, one for each form      SYNOPSIS
#   the first paragraph                  the line of NAME; it and what follows: DESCRIPTION
#   a line "Title:" after an empty one   a section; a subsection where it has several words
#   "  name   text", text of many lines  an entry with its text
#   other lines that begin with space    as they are: examples
#   other lines                          paragraphs

function text(s) { # of a paragraph
    gsub(/\\/, "\\e", s)
    gsub(/\^/, "\\(ha", s)
    gsub(/~/, "\\(ti", s)
    gsub(/--/, "\\-\\-", s)
    gsub(/…/, "...", s) # groff reads ASCII, but for what preconv has prepared
    if (s ~ /^[.']/) s = "\\&" s
    return s
}
function code(s) { # what people type
    s = text(s)
    gsub(/\\-/, "-", s)
    gsub(/-/, "\\-", s)
    return s
}
function indent(s) { match(s, /^ */); return RLENGTH }
function verbatim(on) { # a head begins a paragraph itself, and mandoc warns of another one
    if (on != is_verbatim) print !on ? ".fi" : after_head ? ".nf" : ".PP\n.nf"
    is_verbatim = on
    after_head = 0
}
function head(title,    macro) { # a title of several words is a part of the section before
    verbatim(0)
    macro = title ~ / / && title != "Exit status" ? ".SS" : ".SH"
    if (macro == ".SH") title = toupper(title)
    gsub(/"/, "\\(dq", title)
    print macro " \"" text(title) "\""
    entry = 0
    after_head = 1
}

NR == 1 || (in_usage && /^ /) {
    in_usage = 1
    sub(/^[Uu]sage:/, "")
    sub(/^ +(or: )?/, "")
    usage = usage ".br\n\\fB" code($0) "\\fR\n"
    next
}
in_usage { # the first line that is no usage
    in_usage = 0
    before = 1
    next
}
before { # the first paragraph: its first sentence is NAME's
    summary = $0
    sub(/^souk: /, "", summary)
    sub(/\.( .*)?$/, "", summary)
    summary = tolower(substr(summary, 1, 1)) substr(summary, 2)
    print ".TH \"" toupper(name) "\" 1 \"" date "\" \"souk " version "\" \"Manual of souk\""
    print ".SH NAME\n" name " \\- " text(summary)
    sub(/^\.br\n/, "", usage)
    printf ".SH SYNOPSIS\n%s.SH DESCRIPTION\n", usage
    before = 0
}
/^ *$/ { blank = !after_head; entry = 0; next }
/^[^ ].*:$/ && blank { head(substr($0, 1, length($0) - 1)); blank = 0; next }
entry && indent($0) >= entry { sub(/^ +/, ""); print text($0); next }
/^ +[^ ]+( [^ ]+)*   *[^ ]/ && !/^ +souk / {
    verbatim(0)
    line = $0
    sub(/^ +/, "", line)
    at = match(line, /   */)
    after = at + RLENGTH
    print ".TP\n\\fB" code(substr(line, 1, at - 1)) "\\fR\n" text(substr(line, after))
    entry = indent($0) + after - 1 # the column of its text
    blank = 0
    next
}
/^ +(-|[a-z]+\.[a-z_]+=)/ { # an entry whose text begins on the next line
    verbatim(0)
    entry = indent($0) + 1
    sub(/^ +/, "")
    print ".TP\n\\fB" code($0) "\\fR"
    blank = 0
    next
}
/^ / {
    if (blank && is_verbatim) print ""
    verbatim(1)
    print code($0)
    blank = 0
    next
}
{
    verbatim(0)
    if (blank) print ".PP"
    print text($0)
    blank = 0
}
END {
    verbatim(0)
    print ".SH \"SEE ALSO\"\n" also
}
