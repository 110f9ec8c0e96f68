"""`podshell completion SHELL` and `kubectl shell completion SHELL`: print a script that a shell reads.

kubectl needs none of it: it finds `kubectl_complete-shell` by itself. The scripts are for the programs themselves.
"""

from __future__ import annotations

import click

_BASH = r"""_podshell_complete() {
    local IFS=$'\n' out line directive=0
    local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
    [ "${#words[@]}" -eq 0 ] && words=("")
    out=$("${COMP_WORDS[0]}" __complete "${words[@]}" 2>/dev/null) || return
    COMPREPLY=()
    for line in $out; do
        case $line in
            :*) directive=${line#:} ;;
            *) COMPREPLY+=("${line%%$'\t'*}") ;;
        esac
    done
    [ $((directive & 2)) -ne 0 ] && compopt -o nospace
    [ $((directive & 4)) -eq 0 ] && [ ${#COMPREPLY[@]} -eq 0 ] && compopt -o default
    return 0
}
complete -F _podshell_complete podshell kubectl-shell kubectl-podshell
"""
_ZSH = r"""#compdef podshell kubectl-shell kubectl-podshell
_podshell_complete() {
    local -a lines plain described
    local line directive=0
    lines=("${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    for line in "${lines[@]}"; do
        case $line in
            :*) directive=${line#:} ;;
            *$'\t'*) described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
            ?*) plain+=("$line") ;;
        esac
    done
    if (( $#described )); then _describe -V completions described; fi
    if (( directive & 2 )); then compadd -S '' -a plain; else compadd -a plain; fi
    if (( ! (directive & 4) && ! $#plain && ! $#described )); then _files; fi
}
compdef _podshell_complete podshell kubectl-shell kubectl-podshell
"""
_FISH = r"""function __podshell_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] 2>/dev/null)
        string match -q ':*' -- $line; or echo $line
    end
end
for program in podshell kubectl-shell kubectl-podshell
    complete -c $program -f -a '(__podshell_complete)'
end
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


@click.command(
    "completion",
    help="""Print the completion script of a shell.

\b
bash:  source <(podshell completion bash)
zsh:   podshell completion zsh > "${fpath[1]}/_podshell"
fish:  podshell completion fish > ~/.config/fish/completions/podshell.fish

kubectl completes `kubectl shell` by itself once its own completion is set up and kubectl_complete-shell is on the PATH.""",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.argument("shell", type=click.Choice(list(SCRIPTS)))
def completion_command(shell: str) -> None:
    click.echo(SCRIPTS[shell], nl=False)
