# The lifeline: ends every process of one shell session when its standard input ends (docs/adr/0002, design.md 4).
# Runs in the target container by `sh -c`, as a second exec beside the shell's; POSIX sh, for dash, bash and busybox ash.
# $1: the session's nonce. Standard input: one line "s SID STARTTICKS" once the shell has told them; then "end", or end of file.
# Standard output, one line each: r (ready) or c (the waiter is about to end), k/u/x/l PID NAME (killed, could not be killed, not proven to be ours, left by setsid), d (done).
# $2: empty, or in a tools container (waiter.sh) w: it registers at the waiter, or h: it also leaves a held shell to whoever comes next, and
# ends it only when nobody has come. $3: seconds to wait for that. $4: folders where the waiter may be.
# Lines that begin with # are not sent.
n=$1 m=$2 q=$3 D=$4 s= t=0 P=$$ R=
PATH=$PATH:/bin:/usr/bin:/busybox
# st PID: Z state, G process group, S session, T start ticks, C name. A name may hold newlines and brackets: the last ") " counts.
fld() { [ $# -ge 20 ] || return 1; Z=$1 G=$3 S=$4; shift 19; T=$1; }
st() {
l=
{ while IFS= read -r x; do l="$l $x"; done <"/proc/$1/stat"; } 2>/dev/null || return 1
C=${l#*\(}; C=${C%\)*}
fld ${l##*\) }
}
# all: L, the living processes of session s.
all() {
L=
for d in /proc/[0-9]*; do
p=${d#/proc/}
st "$p" && [ "$S" = "$s" ] && case $Z in Z|X);; *) L="$L $p";; esac
done
[ -n "$L" ]
}
# alive: L, those of L that live on; a look at all processes each time would cost a busy container dear.
alive() {
M=
for p in $L; do st "$p" && [ "$S" = "$s" ] && case $Z in Z|X);; *) M="$M $p";; esac; done
L=$M
[ -n "$L" ]
}
# carriers: E, the processes whose environment holds the nonce.
carriers() {
E=
if command -v grep >/dev/null 2>&1; then
for f in $(grep -ls "PODSHELL_SESSION=$n" /proc/[0-9]*/environ 2>/dev/null); do f=${f#/proc/}; E="$E ${f%/*}"; done
else
for d in /proc/[0-9]*; do
while IFS= read -r x || [ -n "$x" ]; do
case $x in *"PODSHELL_SESSION=$n"*) E="$E ${d#/proc/}"; break;; esac
done <"$d/environ"
done 2>/dev/null
fi
}
# find: s by the nonce, when the agent never told it: the session of the carrier that started first. Only without a carrier do command lines
# count: a holder's exec has the nonce there too, in a session of its own.
find() {
carriers
m=
for p in ${E:-$(grep -ls "$n" /proc/[0-9]*/cmdline 2>/dev/null)}; do
p=${p#/proc/}; p=${p%/cmdline}
st "$p" && [ "$S" != "$own" ] && { [ -z "$m" ] || [ "$T" -lt "$m" ]; } && m=$T s=$S && { [ "$S" = "$p" ] && t=$T || t=0; }
done
[ -n "$s" ]
}
# ours: session s is ours if its leader is the process that told its start time, or a member carries the nonce: the kernel gives an id
# to no new process while a member of its session lives.
ours() {
[ "$s" != "$own" ] || return 1
st "$s" && [ "$S" = "$s" ] && [ "$T" = "$t" ] && return 0
carriers
for p in $E; do st "$p" && [ "$S" = "$s" ] && return 0; done
return 1
}
say() { for p in $L; do st $p && echo "$1 $p $C"; done; }
sig() { for p in $L; do kill -$1 $p 2>/dev/null; done; }
nap() { sleep 0.1 || sleep 1; } 2>/dev/null
# ladder: HUP and CONT, up to a second of patience, KILL until nobody is left or ten rounds are over.
ladder() {
i=0
until [ -n "$s" ] || find || [ $i -ge $1 ]; do i=$((i+1)); sleep 1 2>/dev/null; done
if [ -n "$s" ] && all; then
if ours; then
say k
sig HUP; sig CONT
i=0; while alive && [ $i -lt 10 ]; do nap; i=$((i+1)); done
i=0
while all; do
[ $i -lt 10 ] || { say u; break; }
sig KILL; nap; i=$((i+1))
done
else
say x
fi
fi
carriers
L=
for p in $E; do st "$p" && [ "$S" != "$s" ] && [ "$S" != "$own" ] && case $Z in Z|X);; *) L="$L $p";; esac; done
say l
echo d
}
# reg: R, where the newest lifeline of this session is named to the waiter, by process id and start. A waiter that ends has emptied its mark
# before its last look: one of the two sees the other.
reg() {
for d in $D; do
a=$d/.podshell-w R=$d/.podshell-l-$n
[ -f "$a" ] || continue
echo "$P $born" >"$R"
[ -s "$a" ] && return
echo c
exit 3
done
R=
}
# hold: nobody is left to ask; a held shell waits for the next lifeline, which names itself in our place. One that has come and has ended the
# session meanwhile leaves an empty name.
hold() {
[ "$m" = h ] && [ -n "$R" ] || return 0
{ read -r a b <"$R"; } 2>/dev/null
[ "$a" != $P ] || echo "0 0" >"$R"
z=5
[ "$q" -ge 20 ] || z=1
i=0
while [ $i -lt "$q" ]; do
sleep $z
i=$((i+z)) a=0
{ read -r a b <"$R"; } 2>/dev/null
case $a in '') exit 0;; 0|$P);; *) st $a && [ "$T" = "$b" ] && exit 0;; esac
done
}
# On v4 a lost connection kills this process outright (transcripts/orphans/*.v4); its child sees that within 5 s. The child holds nothing
# of ours: an exec does not end while somebody has its output.
watch() {
exec </dev/null >/dev/null 2>&1
while sleep 5; do
st $P && [ "$T" = "$born" ] && [ $Z != Z ] || { hold; ladder 0; exit; }
done
}
st $P || { echo n; exit 3; }
own=$S born=$T g=$G
trap '' HUP INT QUIT PIPE
[ -z "$m" ] || reg
watch &
w=$!
echo r
tries=10
while read -r a b c; do
case $a in
s)
case $b$c in ''|*[!0-9]*) continue;; esac
s=$b t=$c
trap : TERM
kill $w 2>/dev/null
trap - TERM
watch &
w=$!;;
w) m=w;;
end) tries=0; break;;
esac
done
[ $tries = 0 ] || hold
ladder $tries
: >"${R:-/dev/null}"
trap : TERM
[ "$g" = $P ] && w=0
kill $w 2>/dev/null
exit 0
