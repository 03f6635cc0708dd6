#!/usr/bin/env bash
# An issue for each experiment that a trial took a stage from: the one that is open, or a new one. RECORD is the file with what
# was recorded; RUN, the address of this run. What is in the file comes from tests: it is never more than text here.
set -euo pipefail

label=chaos-demotion
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# One line for each: a value of JSON has no line break in it.
jq --compact-output '
    .written.changes.changed[]
    | select(.after.demoted != null and .after.demoted != .before.demoted and .after.reset == .before.reset)
    | .after
' "$RECORD" >"$folder/demoted"
if [ ! -s "$folder/demoted" ]; then
    echo "no experiment lost a stage"
    exit
fi

gh label create "$label" --color B60205 --description "A chaos experiment lost a stage that it had earned" --force
gh issue list --state open --label "$label" --limit 1000 --json number,title >"$folder/open"

while IFS= read -r state; do
    # The same each time, so that a demotion finds the issue of the one before.
    title="Chaos: $(jq --raw-output .experiment <<<"$state") lost a stage"
    # Lines of four spaces are shown as they are: nothing in them links, mentions or closes anything.
    jq --raw-output --arg run "$RUN" '
        def shown: tostring | gsub("[\\p{Cc}\\p{Cf}\\x{2028}\\x{2029}]"; " ") | .[:1000];
        def row($name; $value): if $value == null then empty else "    \($name): \($value | shown)" end;
        "It was refuted at the stage that it had earned, and the gate runs a smaller one from now on.",
        "",
        row("experiment "; .experiment),
        row("stage      "; "from \(.demoted.from) to \(.demoted.to), of \(.of)"),
        row("run        "; .demoted.run),
        row("commit     "; .demoted.commit),
        row("why        "; .last_failure.why),
        row("seed       "; .last_failure.seed),
        row("next stage "; .cooled_until | if . == null then null else "not tried before \(.)" end),
        "",
        "Recorded by \($run), which has the journals. Once the cause is mended, the stage is earned anew, night by night; `cargo chaos promote` gives it back at once, with a reason."
    ' <<<"$state" >"$folder/body"

    number=$(jq --raw-output --arg title "$title" 'map(select(.title == $title)) | first | .number // empty' "$folder/open")
    if [ -n "$number" ]; then
        gh issue comment "$number" --body-file "$folder/body"
    else
        gh issue create --title "$title" --label "$label" --body-file "$folder/body"
    fi
done <"$folder/demoted"
