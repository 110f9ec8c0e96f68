# The waiter: the first process of a tools container (docs/adr/0007). It ends when no lifeline has been alive for a while, and the container with it.
# POSIX sh with `sleep` and nothing else; for dash, bash and busybox ash.
# $1: seconds after which it ends in any case. $2: seconds without a lifeline. $3: folders to try for registrations (lifeline.sh writes them).
# $4: seconds after $1 at which it is killed if it has not ended.
# Lines that begin with # are not sent.
t=$1 q=$2 W= w=
# fld: Z state, G process group, T start ticks of a /proc/PID/stat whose name is cut off.
fld() { Z=$1 G=$3 T=${20}; [ "$T" ]; }
st() {
l=
{ while IFS= read -r x; do l="$l $x"; done <"/proc/$1/stat"; } 2>/dev/null || return 1
fld ${l##*\) }
}
# late: the deadline of a waiter that somebody has stopped (SIGSTOP). As process 1 nobody in its container can do that to it, nor kill it; beside
# the processes of a target anybody can. With it the container ends.
late() {
exec </dev/null >/dev/null 2>&1
trap 'while [ $! ] && st $! && [ $Z != Z ]; do kill $!; done; wait; exit' TERM
sleep $((t+$1)) &
wait
st $$ && [ "$T" = "$o" ] && kill -KILL $$
}
st $$ && o=$T g=$G
[ $$ = 1 ] || { late "${4:-60}" & w=$!; }
# whoever is the first process there may wait for nobody: what was started here is ended and waited for, the whole group if it is ours. Twice: a
# signal that comes just as `wait` begins does not wake busybox's ash (1.35: three of 300 hung), the next one does.
[ "$g" != $$ ] || w=0
end() {
trap '' TERM
for n in 0.1 0; do kill $w $!; sleep $n || sleep 1; done 2>/dev/null
wait
}
trap end EXIT
trap 'exit 0' HUP INT TERM
umask 077
for d in $3; do ( echo "$$" >"$d/.podshell-w" ) 2>/dev/null && { W=$d; break; }; done
[ -n "$W" ] || { echo "podshell: none of $3 can be written to in this image" >&2; exit 73; }
# look: i is 0 again when a lifeline lives.
look() {
for f in "$W"/.podshell-l-*; do
p= s=
{ read -r p s <"$f"; } 2>/dev/null
[ -n "$s" ] && st "$p" && [ "$T" = "$s" ] && case $Z in Z|X);; *) i=0;; esac
done
}
z=5
[ "$q" -ge 20 ] || z=1
i=0 a=0
while [ "$a" -lt "$t" ]; do
# in the background, so that a signal is heard; as process 1 the wait takes up orphans too
sleep $z &
wait $!
i=$((i+z)) a=$((a+z))
look
[ "$i" -ge "$q" ] || continue
# whoever registers from now on sees that it is too late; whoever did before is seen here
: >"$W/.podshell-w"
look
[ "$i" -lt "$q" ] || exit 0
echo "$$" >"$W/.podshell-w"
done
exit 0
