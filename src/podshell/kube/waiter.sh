# The waiter: the first process of a tools container (docs/adr/0007). It ends when no lifeline has been alive for a while, and the container with it.
# POSIX sh with `sleep` and nothing else; for dash, bash and busybox ash.
# $1: seconds after which it ends in any case. $2: seconds without a lifeline. $3: folders to try for registrations (lifeline.sh writes them).
# Lines that begin with # are not sent.
t=$1 q=$2 W=
trap 'exit 0' HUP INT TERM
umask 077
for d in $3; do ( echo "$$" >"$d/.podshell-w" ) 2>/dev/null && { W=$d; break; }; done
[ -n "$W" ] || { echo "podshell: none of $3 can be written to in this image" >&2; exit 73; }
# fld: Z state, T start ticks of a /proc/PID/stat whose name is cut off.
fld() { [ $# -ge 20 ] || return 1; Z=$1; shift 19; T=$1; }
st() {
l=
{ while IFS= read -r x; do l="$l $x"; done <"/proc/$1/stat"; } 2>/dev/null || return 1
fld ${l##*\) }
}
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
