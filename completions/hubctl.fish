# Completion of hubctl for fish. What may follow, hubctl says itself: hubctl/complete.h has the form of its answer.

function __hubctl_complete
    set -l words (commandline -opc | string replace -r '^~(?=/)' -- $HOME)
    # without its quoting: a quotation mark that is still open, and backslashes
    set -l current (commandline -ct | string replace -r '^["\']' '' | string replace -ra '\\\\(.)' '$1')
    set -l program $words[1]
    command -q $program; or set program hubctl # it was typed by another name
    set -l lines (command $program __complete $words[2..] "$current" 2>/dev/null)
    if test "$lines[1]" = :files
        set -l head (string match -r '^--[^=]*=' -- "$current")
        set -l path (string replace -- "$head" '' "$current")
        set -l home (string match -r '^~(?=/)' -- $path) # stays as it was typed
        for file in (__fish_complete_path (string replace -r '^~(?=/)' -- $HOME $path))
            test -n "$home"; and set file (string replace -- $HOME '~' $file)
            echo "$head$file"
        end
    else
        printf '%s\n' $lines[2..]
    end
end

complete -c hubctl -f -a '(__hubctl_complete)'
