# Interactive bash of the tools image. The host's name is in the prompt: people have several of these open.
[ -n "${PS1:-}" ] || return
shopt -s checkwinsize
HISTCONTROL=ignoreboth
PS1='\u@\h [ \w ]\$ '
alias ls='ls --color=auto'
alias ll='ls -l'
alias grep='grep --color=auto'
