# The shell of a tools container that is attached to (attached_shells.py): run by the container's first process, becomes the shell.
# $1 nonce, $2 seconds it may live, $3 seconds it waits for its start line, $4 seconds at an idle prompt (0: no limit), $5 the wrapper's script;
# then the command. POSIX sh with `sleep`. The start line is columns and rows (0 0: no terminal): nothing that is shown before somebody is attached
# is ever seen by anybody, so the shell waits for whoever comes.
# Lines that begin with # are not sent.
n=$1 t=$2 q=$3 i=$4 I=$5
shift 5
p=$$
late() {
# not as a redirection of the call: some shells would keep the old ones open
exec </dev/null >/dev/null 2>&1
sleep "$1"
kill -HUP "$p"
sleep 2
kill -KILL "$p"
}
late "$q" &
w=$!
c= r=
IFS=' ' read -r c r || exit 75
kill "$w" 2>/dev/null
late "$t" &
[ "$i" = 0 ] || { TMOUT=$i; export TMOUT; }
exec "$0" -c "$I" "$0" "$n" "${c:-0}" "${r:-0}" "" "$@"
