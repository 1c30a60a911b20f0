#!/usr/bin/env bash
# What action.yml does in a pull request: are the profiles right, is what was rendered current, what does the change mean.
# Every step runs, whatever the ones before it said, and the worst exit code is the answer. It posts nothing.
set -euo pipefail
shopt -s globstar nullglob

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
most_bytes=65000 # a comment on GitHub holds 65,536 characters
most_lines=60
worst=0

# Prints files under a title. Text of a profile may look like a workflow command: none is obeyed until the token comes.
show() {
    printf '::group::%s\n::stop-commands::%s\n' "$1" "$token"
    cat "${@:2}"
    printf '\n::%s::\n::endgroup::\n' "$token"
}

# Takes the exit code of a step into account, and says what is wrong where it is one of those that follow.
judge() {
    if [ "$1" -gt "$worst" ]; then worst=$1; fi
    if [ "$1" -ge "$2" ]; then printf '::error title=tlsconf::%s\n' "$3"; fi
}

# Adds a file to the comment, or a sentence where the comment would grow too long.
add() {
    if [ "$(cat "$TLSCONF_COMMENT_FILE" "$1" | wc -c)" -le "$most_bytes" ]; then
        cat "$1" >> "$TLSCONF_COMMENT_FILE"
    else
        printf '\n%s\n' "$2" >> "$TLSCONF_COMMENT_FILE"
    fi
}

# Adds lines to the comment, indented: in such a block nothing has a meaning in Markdown, and nothing can end it.
add_lines() {
    { printf '\n### %s\n\n' "$1" && sed "$most_lines"q "$2" | sed 's/^/    /'; } > "$scratch/block"
    add "$scratch/block" "$1: the log says more."
}

# Sets `matches` to the files that a name or a glob stands for; a name stands for itself, whether there is such a file or not.
glob() {
    local IFS='' match all # nothing is split at spaces
    # shellcheck disable=SC2206
    all=($1)
    matches=()
    for match in "${all[@]}"; do
        if [ "$match" = "$1" ] || [ ! -d "$match" ]; then matches+=("$match"); fi
    done
}

# Sets `found` to files, and `patterns` to what git knows them by. A line is one name or glob where a file has it, else its words are.
expand() {
    local line word words
    found=() patterns=()
    while read -r line; do
        words=("$line")
        glob "$line"
        if [ ! -e "${matches[0]-}" ]; then read -r -a words <<< "$line"; fi
        for word in "${words[@]}"; do
            glob "$word"
            found+=("${matches[@]}")
            patterns+=(":(glob)$word")
        done
    done <<< "${1//$'\r'/}"
    unique
}

# Takes out of `found` what is in it twice.
unique() {
    if [ ${#found[@]} -gt 0 ]; then mapfile -d '' -t found < <(printf '%s\0' "${found[@]}" | sort -zu); fi
}

commit() {
    git rev-parse --verify --quiet --end-of-options "$1^{commit}"
}

# Prints the commit to compare with: where this history left that of the base. What a shallow checkout lacks is fetched.
merge_base() {
    local base
    case $TLSCONF_BASE in
        '')
            echo 'There is no base to compare with: give one, as this is no pull request.'
            return 4
            ;;
        -* | *[[:space:]:]*)
            echo 'The base is neither a branch nor a commit.'
            return 4
            ;;
    esac >&2
    if [ "$(git rev-parse --is-shallow-repository)" = true ]; then git fetch --quiet --no-tags --unshallow origin || return 4; fi
    if ! base=$(commit "refs/remotes/origin/$TLSCONF_BASE") && ! base=$(commit "$TLSCONF_BASE"); then
        git fetch --quiet --no-tags origin "$TLSCONF_BASE" || return 4
        base=$(commit FETCH_HEAD) || return 4
    fi
    if ! git merge-base "$base" HEAD; then
        echo 'The base and this checkout have no history in common.' >&2
        return 4
    fi
}

# Runs `tlsconf diff` or `audit` in each format: for the comment, for code scanning ($1, which is left out where there is no answer), and
# as annotations, the only text of tlsconf that the log obeys. Returns the worst exit code.
report() {
    local sarif=$1 name=$2 worst=0 status format
    for format in markdown sarif github; do
        status=0
        tlsconf "$name" --format "$format" "${@:3}" > "$scratch/$name.$format" 2> "$scratch/$name.$format.errors" || status=$?
        if [ "$status" -gt "$worst" ]; then worst=$status; fi
    done
    if [ -s "$scratch/$name.sarif" ]; then cp "$scratch/$name.sarif" "$sarif"; fi
    show "tlsconf $name" "$scratch/$name.markdown" "$scratch/$name.markdown.errors"
    cat "$scratch/$name.github"
    return "$worst"
}

# Runs a step on files and shows what it says; what is wrong goes into the comment, without what is only worth knowing.
check() {
    local title=$1 problem=$2 status=0
    "${@:3}" > "$scratch/said" 2> "$scratch/errors" || status=$?
    show "$title" "$scratch/said" "$scratch/errors"
    judge "$status" 1 "$problem"
    if [ "$status" -eq 1 ]; then add_lines "$problem" "$scratch/said"; fi
    if [ "$status" -gt 1 ]; then
        grep -Ev '^[^|]*: (note: |warning: |limitation )' "$scratch/errors" > "$scratch/wrong" || true
        add_lines "$problem" "$scratch/wrong"
    fi
}

audit_sarif=${TLSCONF_SARIF_FILE%.sarif}-audit.sarif
rm -f "$TLSCONF_SARIF_FILE" "$audit_sarif"
mkdir -p "$(dirname "$TLSCONF_COMMENT_FILE")" "$(dirname "$TLSCONF_SARIF_FILE")"
echo '<!-- tlsconf -->' > "$TLSCONF_COMMENT_FILE" # by which it is found again

expand "$TLSCONF_PROFILES"
profiles=("${found[@]}")

status=0
base=$(merge_base 2> "$scratch/base") || status=$?
if [ "$status" -eq 0 ]; then
    # A profile that is gone holds no server to anything any more, and no glob finds it.
    git diff --name-only -z --no-renames --no-ext-diff --relative --diff-filter=D "$base" -- "${patterns[@]}" > "$scratch/gone" || status=4
    mapfile -d '' -t found < "$scratch/gone"
    found+=("${profiles[@]}")
    unique
    report "$TLSCONF_SARIF_FILE" diff --fail-on "$TLSCONF_FAIL_ON" --since "$base" -- "${found[@]}" || judge $? 2 'Not everything could be compared.'
else
    show 'base' "$scratch/base"
fi
judge "$status" 2 'The profiles could not be compared with the base.'
if [ -s "$scratch/diff.markdown" ]; then
    add "$scratch/diff.markdown" 'What changes is too long for a comment: the log has it.'
else
    printf '## What changes for mail\n\n**The profiles could not be compared with the base**: the log says why.\n' >> "$TLSCONF_COMMENT_FILE"
fi

check 'tlsconf validate' 'Profiles are wrong' tlsconf validate --bases -- "${profiles[@]}"

if [ -n "$TLSCONF_OUTPUT" ]; then
    expand "${TLSCONF_RENDER_PROFILES:-$TLSCONF_PROFILES}"
    check 'tlsconf render' 'Rendered output is not current' tlsconf render --check --diff -o "$TLSCONF_OUTPUT" -- "${found[@]}"
fi

read -r -d '' -a standards <<< "$TLSCONF_STANDARD" || true
if [ ${#standards[@]} -gt 0 ]; then
    report "$audit_sarif" audit "${standards[@]/#/--standard=}" -- "${profiles[@]}" || judge $? 2 'Not everything could be audited.'
    { echo && cat "$scratch/audit.markdown"; } > "$scratch/block"
    add "$scratch/block" 'What the audit found is too long for this comment: the log has it.'
fi

case $worst in
    0) result=clean ;;
    1) result=failed ;;
    *) result=error ;;
esac
{
    echo "result=$result"
    echo "comment-file=$TLSCONF_COMMENT_FILE"
    if [ -e "$TLSCONF_SARIF_FILE" ]; then echo "sarif-file=$TLSCONF_SARIF_FILE"; fi
    if [ -e "$audit_sarif" ]; then echo "audit-sarif-file=$audit_sarif"; fi
} >> "${GITHUB_OUTPUT:-/dev/null}"
cat "$TLSCONF_COMMENT_FILE" >> "${GITHUB_STEP_SUMMARY:-/dev/null}"
exit "$worst"
