# The holder's exec: starts a shell under dtach and attaches to it, or attaches to one that is held already (docs/adr/0007).
# $1 nonce, $2 $3 columns and rows (0 0: none), $4 folders where the waiter may have registered, $5 the wrapper's script (marker.py), "" to attach again;
# then the command. Without waiter or dtach the wrapper runs as in any other container.
# Lines that begin with # are not sent.
n=$1 c=$2 r=$3 D=$4 I=$5 W= h=
shift 5
[ "$c" = 0 ] || stty rows "$r" cols "$c" 2>/dev/null
for d in $D; do [ -f "$d/.podshell-w" ] && { W=$d; break; }; done
[ -z "$W" ] || h=$W/.podshell-h-$n
leave() {
x=$1
[ ! -f "$h/code" ] || read -r x <"$h/code"
exit "$x"
}
if [ -z "$I" ]; then
l=
[ -n "$h" ] && [ -f "$h/leader" ] && read -r p t <"$h/leader" || { printf '\036psh:%s:0:0:g\036' "$n"; exit 0; }
printf '\036psh:%s:%s:%s:h\036' "$n" "$p" "$t"
[ ! -f "$h/code" ] || leave 0
# whoever was attached before us has lost its stream: it would only hold the shell's output up
[ -f "$h/client" ] && read -r k <"$h/client" && { read -r l </proc/"$k"/stat; } 2>/dev/null
case $l in *"(dtach)"*) kill -KILL "$k" 2>/dev/null;; esac
"$0" -c 'echo $$ >"$1/client"; exec dtach -a "$1/s" -E -z -r winch' "$0" "$h"
leave $?
fi
if [ -n "$h" ] && [ "$c" != 0 ] && command -v dtach >/dev/null 2>&1 && ( umask 077; mkdir "$h" ) 2>/dev/null; then
"$0" -c 'h=$1; shift; echo $$ >"$h/client"; exec dtach -A "$h/s" -E -z -r winch "$@"' "$0" "$h" "$0" -c "$I" "$0" "$n" "$c" "$r" "$h" "$@"
leave $?
fi
exec "$0" -c "$I" "$0" "$n" "$c" "$r" "" "$@"
