# Completion of hubctl for bash 4.4 and newer; nothing else is needed. What may follow, hubctl says itself: hubctl/complete.h
# has the form of its answer.

# REPLY: a word as it was typed, without its quoting; nothing in it is expanded or run. quote: the quotation mark that is
# still open behind it.
__hubctl_unquote() {
    local rest=$1 part
    REPLY='' quote=''
    while [[ $rest ]]; do
        part=${rest:0:1} rest=${rest:1}
        case $quote$part in
        \" | \') quote=$part ;;
        \"\" | \'\') quote='' ;;
        \\ | \"\\) REPLY+=${rest:0:1} rest=${rest:1} ;;
        *) REPLY+=$part ;;
        esac
    done
}

# REPLY: a value as it must stand on the command line, behind a quotation mark if one is open.
__hubctl_quote() {
    REPLY=$1
    case $quote in
    \') REPLY=${REPLY//\'/"'\\''"} ;;
    \") REPLY=${REPLY//[\\]/'\\'} REPLY=${REPLY//\"/'\"'} REPLY=${REPLY//\$/'\$'} REPLY=${REPLY//\`/'\`'} REPLY=${REPLY//!/"\"'!'\""} ;;
    *) [[ $REPLY == *[!A-Za-z0-9_.,:/=+@%-]* ]] && printf -v REPLY %q "$REPLY" ;;
    esac
}

_hubctl() {
    local REPLY quote program line=${COMP_LINE:0:COMP_POINT} word='' piece head lines directive about i
    local -a words=()
    # bash cuts words at = and : too: what has no space between belongs together.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        if [[ $line == [[:space:]]* ]]; then
            line=${line#"${line%%[![:space:]]*}"}
            __hubctl_unquote "$word"
            [[ $REPLY == '~/'* ]] && REPLY=$HOME${REPLY:1}
            ((i == 0)) || words+=("$REPLY")
            word=''
        fi
        piece=${COMP_WORDS[i]}
        ((i < COMP_CWORD)) || piece=$line # the last one ends at the cursor
        word+=$piece line=${line#"$piece"}
    done
    # bash puts what we answer in the place of the last piece; the part of the word in front of it stays.
    [[ $piece == [=:@] ]] && piece=''
    __hubctl_unquote "${word%"$piece"}"
    head=$REPLY
    __hubctl_unquote "$word"
    words+=("$REPLY")

    program=${words[0]}
    type -P -- "$program" >/dev/null || program=hubctl # it was typed by another name
    mapfile -t lines < <(command "$program" __complete "${words[@]:1}" 2>/dev/null)
    directive=${lines[0]-}
    COMPREPLY=()
    if [[ $directive == :files ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "${REPLY:${#head}}")
        return
    fi
    [[ $directive == :nospace ]] && compopt -o nospace 2>/dev/null
    for line in "${lines[@]:1}"; do
        word=${line%%$'\t'*} about=${line#*$'\t'}
        if [[ $about && ${COMP_TYPE-} == 63 ]] && ((${#lines[@]} > 2)); then # a list that is only looked at
            COMPREPLY+=("$word  ($about)")
        else
            __hubctl_quote "${word:${#head}}"
            COMPREPLY+=("$REPLY")
        fi
    done
}

complete -F _hubctl hubctl
