# The lifeline: ends every process of one shell session when its standard input ends (docs/adr/0002, design.md 4).
# Runs in the target container by `sh -c`, as a second exec beside the shell's; POSIX sh, for dash, bash and busybox ash.
# $1: the session's nonce. Standard input: one line "s SID STARTTICKS" once the shell has told them; "p" as a sign of life; then "end", or end of
# file. When signs of life have come and then none for $5 seconds, that is as end of file: a network that vanishes tells nobody.
# Standard output, one line each: r (ready) or c (the waiter is about to end), t (nothing was heard for so long), k/u/x/l PID NAME (killed, could not
# be killed, not proven to be ours, left by setsid), d (done).
# $2: empty, or in a tools container (waiter.sh) w: it registers at the waiter, or h: it also leaves a held shell to whoever comes next, and
# ends it only when nobody has come. $3: seconds to wait for that. $4: folders where the waiter may be.
# The first process of a container may be one that waits for nobody: so whatever is started here is waited for here.
# Lines that begin with # are not sent.
n=$1 m=$2 q=${3:-60} D=$4 Q=${5:-90} s= t=0 P=$$ R= H= o= z=5
[ $q -ge 20 ] || z=1
PATH=$PATH:/bin:/usr/bin:/busybox
# nobody reads what a command complains of
exec 2>/dev/null
# st PID: Z state, G process group, S session, T start ticks, C name. A name may hold newlines and brackets: the last ") " counts.
fld() { Z=$1 G=$3 S=$4 T=${20}; [ $T ]; }
st() {
l=
while IFS= read -r x; do l="$l $x"; done </proc/$1/stat || return 1
C=${l#*\(}; C=${C%\)*}
fld ${l##*\) }
}
# lv PID: it lives.
lv() { [ $1 ] && st $1 && case $Z in Z|X) return 1;; esac; }
# all: L, the living processes of session s.
all() {
L=
for d in /proc/[0-9]*; do
p=${d#/proc/}
lv $p && [ $S = $s ] && L="$L $p"
done
[ "$L" ]
}
# al: L, those of L that live on; a look at all processes each time would cost a busy container dear.
al() {
M=
for p in $L; do lv $p && [ $S = $s ] && M="$M $p"; done
L=$M
[ "$L" ]
}
# mk: E, the processes whose environment holds the nonce.
mk() {
E= k=PODSHELL_SESSION=$n
if command -v grep >/dev/null; then
for f in $(grep -ls $k /proc/[0-9]*/environ); do f=${f#/proc/}; E="$E ${f%/*}"; done
else
for d in /proc/[0-9]*; do
while IFS= read -r x || [ -n "$x" ]; do
case $x in *$k*) E="$E ${d#/proc/}"; break;; esac
done <$d/environ
done
fi
}
# find: s by the nonce, when the agent never told it: the session of the carrier that started first. Only without a carrier do command lines
# count: a holder's exec has the nonce there too, in a session of its own.
find() {
mk
m=
for p in ${E:-$(grep -ls $n /proc/[0-9]*/cmdline)}; do
p=${p#/proc/}; p=${p%/cmdline}
st $p && [ $S != $own ] && [ $T -lt ${m:-$((T+1))} ] && m=$T s=$S && { [ $S = $p ] && t=$T || t=0; }
done
[ "$s" ]
}
# ours: session s is ours if its leader is the process that told its start time, or a member carries the nonce: the kernel gives an id
# to no new process while a member of its session lives.
ours() {
[ $s != $own ] || return 1
st $s && [ $S = $s ] && [ $T = $t ] && return 0
mk
for p in $E; do st $p && [ $S = $s ] && return 0; done
return 1
}
say() { for p in $L; do st $p && echo "$1 $p $C"; done; }
sig() { for p in $L; do kill -$1 $p; done; }
nap() { sleep 0.1 || sleep 1; }
# ld, the ladder: HUP and CONT, up to a second of patience, KILL until nobody is left or ten rounds are over.
ld() {
i=0
until [ "$s" ] || find || [ $i -ge $1 ]; do i=$((i+1)); sleep 1; done
if [ "$s" ] && all; then
if ours; then
say k
sig 1; sig CONT
i=0; while al && [ $i -lt 10 ]; do nap; i=$((i+1)); done
i=0
while all; do
[ $i -lt 10 ] || { say u; break; }
sig 9; nap; i=$((i+1))
done
else
say x
fi
fi
mk
L=
for p in $E; do lv $p && [ $S != "$s" ] && [ $S != $own ] && L="$L $p"; done
say l
}
# reg: R, where the newest lifeline of this session is named to the waiter, by process id and start. A waiter that ends has emptied its mark
# before its last look: one of the two sees the other.
reg() {
for d in $D; do
a=$d/.podshell-w R=$d/.podshell-l-$n
[ -f $a ] || continue
echo $P $bt >$R
[ -s $a ] && return
echo c
exit 3
done
R=
}
# hold: nobody is left to ask; a held shell waits for the next lifeline, which names itself in our place. One that has come and has ended the
# session meanwhile leaves an empty name. 1: somebody has come.
hold() {
[ "$m" = h ] && [ "$R" ] || return 0
read -r a b <$R
[ "$a" != $P ] || echo 0 0 >$R
i=0
while [ $i -lt $q ]; do
sleep $z
a=0
read -r a b <$R
case $a in '') return 1;; 0|$P);; *) st $a && [ $T = "$b" ] && return 1;; esac
i=$((i+z))
done
}
# fin: the last part of a life. The watch counts anew: nobody listens to signs of life any more. It is ended and waited for, and its sleep by it. Both
# are told until they are gone: a signal is lost on a process that is about to become another program (its shell's own handler takes it), and does
# not wake an ash that is about to wait. The last word comes last: whoever hears it drops the connection, which kills this process on v4.
fin() {
trap '' USR2
kill -USR1 $w
y=
[ $1 = 0 ] || hold && { ld $1; [ -z "$R" ] || echo >$R; y=d; }
trap : TERM
while kill ${K:-$w $o}; lv $w || lv $o; do :; done
wait
echo $y
exit 0
}
# On v4 a lost connection kills this process outright (transcripts/orphans/*.v4); its child sees that within 5 s. The child holds nothing
# of ours: an exec does not end while somebody has its output. It also counts the silence (USR1: a sign of life came), and tells us (USR2). Should
# we be stopped, or have a shell that hears no signal while it reads, it does the work itself.
watch() {
exec </dev/null >/dev/null
w= o=
trap 'while lv $!; do kill $!; done; wait; exit' TERM
trap 'H=1 B=0 y=1' USR1
command -v sleep || exit
B=0
while :; do
sleep $z &
y=1
while [ $y ]; do y=; wait $!; done
lv $P && [ $T = $bt ] || fin 1
[ $H ] || continue
B=$((B+z))
[ $B -lt $Q ] || kill -USR2 $P
[ $B -lt $((Q+3*z)) ] || kill -9 $P
done
}
st $P || { echo n; exit 3; }
own=$S bt=$T K=
[ $G != $P ] || K=0
# HUP, INT, QUIT and PIPE are not ours to follow. USR1 is ignored until the watch minds it: the first sign of life may be quicker
trap '' 1 2 3 13 USR1
trap 'echo t; fin 10' USR2
[ -z "$m" ] || reg
watch &
w=$!
echo r
e=10
while read -r a b c; do
case $a in
p) H=1; kill -USR1 $w;;
s)
case $b$c in ''|*[!0-9]*) continue;; esac
s=$b t=$c o=$w
watch &
w=$!
kill $o;;
w) m=w;;
end) e=0; break;;
esac
done
fin $e
