#!/usr/bin/env bash
# inside.sh: what machine.sh runs within the machine that it has booted. Each line "ok: …" or "NOT OK: …" is one
# check; the last line is "machine: done". Root. It goes on after a check that fails. Parts that build on others: a
# sandbox that "survives" makes is looked at until the end.
#
# Nothing pipes into grep -q: what is still written then would fail.
set -uo pipefail

PATH=/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LC_ALL=C.UTF-8
GROUPS_OF=/sys/fs/cgroup/sandkeep
# Emulated machines are slow: only the watchdog's part is about time, for which it gets plenty.
PATIENCE=180

ok() { echo "ok: $*"; }
not_ok() {
    echo "NOT OK: $*"
    journalctl --unit sandkeepd --no-pager --lines 15 --output cat | cut -c 1-300 | sed 's/^/    /'
}
# check NAME COMMAND...
check() {
    local name=$1 said
    shift
    if said=$("$@" 2>&1); then ok "$name"; else
        not_ok "$name"
        printf '%s\n' "$said" | head -n 10 | sed 's/^/    said: /'
    fi
}
# until_so COMMAND...: waits for it.
until_so() {
    local until=$((SECONDS + PATIENCE))
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.5
    done
}
# is ACTUAL WANTED
is() { [ "$1" = "$2" ] || { echo "\"$1\", not \"$2\"" && return 1; }; }

show() { systemctl show --value --property "$1" sandkeepd.service; }
is_active() { systemctl is-active --quiet sandkeepd.service; }
is_another() { is_active && [ "$(show MainPID)" != 0 ] && [ "$(show MainPID)" != "$1" ]; }
logged() { journalctl --unit sandkeepd --no-pager --output cat | grep -- "$1" >/dev/null; }
made() { timeout "$PATIENCE" sandkeep run --no-stdin --keep --timeout 3000 --image busybox "$@" 2>&1 | grep -o 'kept .*' | cut -d' ' -f2; }
inside() { timeout "$PATIENCE" sandkeep exec --no-stdin "$@"; }
says() { [ "$(inside "$1" -- echo hello)" = hello ]; }
value() { cat "$GROUPS_OF/$1/$2"; }
set_config() { printf '%s\n' "$1" >/etc/sandkeep/conf.d/machine.json; }

# --- the unit ------------------------------------------------------------------------------------

installed() {
    check 'the package is installed' dpkg --install /mnt/sandkeep.deb
}

started() {
    check 'the machine has cgroups of version 2 alone' is "$(stat -fc %T /sys/fs/cgroup)" cgroup2fs
    check 'the daemon tells systemd that it is ready' until_so is_active
    check 'and was not started twice for that' is "$(show NRestarts)" 0
    check 'it has its part of the cgroups for itself' is "$(show Delegate)" yes
    check 'it listens by its admin socket' sandkeep status
    check 'doctor finds no failure' sh -c 'sandkeep doctor | grep "[, ]0 failures\$"'
    check 'doctor sees version 2' sh -c 'sandkeep doctor | grep "version 2, all are there"'
    check 'an image comes in' sandkeep image import /mnt/busybox.tar
}

hardened() {
    local pid
    pid=$(show MainPID)
    check 'no new privileges' grep -qx 'NoNewPrivs:	1' "/proc/$pid/status"
    check 'a filter of system calls' grep -qx 'Seccomp:	2' "/proc/$pid/status"
    # The bits of those that the unit names, and no other (linux/capability.h).
    check 'capabilities are bounded' grep -qx 'CapBnd:	00000000002814ef' "/proc/$pid/status"
    check 'the kernel kills others first' is "$(cat "/proc/$pid/oom_score_adj")" -900
    check 'its mounts are the machine'\''s' is "$(readlink "/proc/$pid/ns/mnt")" "$(readlink /proc/1/ns/mnt)"
}

# --- sandboxes -----------------------------------------------------------------------------------

metrics() {
    exec 5<>/dev/tcp/127.0.0.1/7464
    printf 'GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n' >&5
    cat <&5
    exec 5>&-
}
kills() { metrics | awk '/^sandkeep_limit_kills_total/ { n += $NF } END { print n + 0 }'; }
# Pages of a file in memory count, and cannot be let go.
ends_by_memory() {
    local before after
    before=$(kills)
    if inside "$1" -- dd if=/dev/zero of=/dev/shm/much bs=1M count=60; then echo 'it did not end' && return 1; fi
    grep '^oom_kill [1-9]' "$GROUPS_OF/$1/memory.events" || return 1
    after=$(kills)
    echo "kills: $before, $after"
    [ "$after" -gt "$before" ]
}
is_measured() { sandkeep top --once --json | tr -d ' \n' | grep -o "$1.*" | grep '"cpu_millis":[0-9]*,"memory_bytes":[1-9]'; }

# limits RUNTIME
limits() {
    local it
    it=$(made --cpu 0.5 --memory 48Mi -- true)
    check "$1: a sandbox runs" test -n "$it"
    [ -n "$it" ] || return
    check "$1: and commands in it" says "$it"
    check "$1: memory.max" is "$(value "$it" memory.max)" 50331648
    check "$1: memory.swap.max" is "$(value "$it" memory.swap.max)" 0
    check "$1: cpu.max" is "$(value "$it" cpu.max)" '50000 100000'
    check "$1: pids.max is a number" test "$(value "$it" pids.max)" -gt 0
    check "$1: its processes are in its group" grep -q . "$GROUPS_OF/$it/cgroup.procs"
    check "$1: it sees itself as the root of the cgroups" is "$(inside "$it" -- cat /proc/self/cgroup)" 0::/
    inside "$it" -- sh -c 'echo max >/sys/fs/cgroup/memory.max'
    check "$1: and changes nothing there" is "$(value "$it" memory.max)" 50331648
    check "$1: too much memory ends a command" ends_by_memory "$it"
    check "$1: what it uses is measured by these files" until_so is_measured "$it"
    echo across >/root/across
    check "$1: a file goes in" sandkeep cp /root/across "$it:/tmp/across"
    check "$1: and is what it was" is "$(inside "$it" -- cat /tmp/across)" across
    check "$1: it is killed" timeout "$PATIENCE" sandkeep rm "$it"
    check "$1: and its group is gone" until_so test ! -e "$GROUPS_OF/$it"
}

# Its rules are in force where systemd has taken privileges from the daemon; what rules do is the e2e tests' business.
has_rules() { sandkeep network show "$1" && nft list table inet sandkeep; }
bounded() {
    local it
    it=$(made --deny-egress -- true)
    check 'a sandbox that reaches nothing runs, and has rules' has_rules "$it"
    check 'rules are changed under it' sandkeep network set --egress cidr:10.77.0.0/24,tcp=80 "$it"
    check 'it ends' timeout "$PATIENCE" sandkeep rm "$it"
}

# --- lives of the daemon -------------------------------------------------------------------------

# The unit's group ends with what systemd kills in it.
is_apart() {
    local unit members
    unit=$(show ControlGroup)
    members=$(value "$1" cgroup.procs)
    [ -n "$unit" ] && [ -n "$members" ] || return 1
    # shellcheck disable=SC2046,SC2086 # lists of words
    ! grep -F "$unit" $(printf '/proc/%s/cgroup ' $members)
}

survives() {
    local it pid
    it=$(made -- true)
    SURVIVOR=$it
    pid=$(show MainPID)
    check 'systemctl restart' timeout "$PATIENCE" systemctl restart sandkeepd
    check 'it is another process' is_another "$pid"
    check 'the sandbox lives through a restart' says "$it"
    check 'the sandbox is in no group of the daemon'\''s' is_apart "$it"
    pid=$(show MainPID)
    kill -KILL "$pid"
    check 'a daemon that is killed comes back' until_so is_another "$pid"
    check 'with its sandbox' until_so says "$it"
}

watched() {
    local pid
    mkdir -p /run/systemd/system/sandkeepd.service.d
    printf '[Service]\nWatchdogSec=12\n' >/run/systemd/system/sandkeepd.service.d/quick.conf
    systemctl daemon-reload
    timeout "$PATIENCE" systemctl restart sandkeepd
    pid=$(show MainPID)
    sleep 30
    check 'the watchdog is content with a daemon that works' is "$(show MainPID)" "$pid"
    kill -STOP "$pid"
    check 'the watchdog ends a daemon that hangs, and another comes' until_so is_another "$pid"
    check 'systemd says that it was the watchdog' logged 'Watchdog timeout'
    check 'the sandbox lives on' until_so says "$SURVIVOR"
    rm -r /run/systemd/system/sandkeepd.service.d
    systemctl daemon-reload
}

has_entry() { journalctl --unit sandkeepd --no-pager --output cat "$@" | grep . >/dev/null; }

reloaded() {
    local pid
    pid=$(show MainPID)
    set_config '{"log_level": "debug"}'
    check 'systemctl reload' timeout "$PATIENCE" systemctl reload sandkeepd
    check 'by the same process' is "$(show MainPID)" "$pid"
    set_config '{"no_such_key": 1}'
    timeout "$PATIENCE" systemctl reload sandkeepd
    check 'a reload of a wrong configuration fails' is $? 1
    check 'and the log says why' until_so logged 'no_such_key'
    check 'and the daemon goes on' is_active
    set_config '{"log_format": "journald"}'
    timeout "$PATIENCE" systemctl restart sandkeepd
    check 'log_format journald: events are fields' until_so has_entry SANDKEEP_EVENT=daemon.ready SANDKEEP_NODE="$(cat /var/lib/sandkeep/node_id)"
    rm /etc/sandkeep/conf.d/machine.json
}

stopped() {
    check 'systemctl stop' timeout "$PATIENCE" systemctl stop sandkeepd
    check 'it ended well' is "$(show Result)" success
    check 'a stop leaves sandboxes alone' grep -q . "$GROUPS_OF/$SURVIVOR/cgroup.procs"
    check 'sockets stay in RuntimeDirectory' test -d /run/sandkeep/agent
}

says_by_tcp() { [ "$(inside --address http://127.0.0.1:7463 "$1" -- echo hello)" = hello ]; }
handed() {
    check 'the socket unit starts' systemctl start sandkeepd.socket
    check 'it starts no daemon by itself' sh -c '! systemctl is-active --quiet sandkeepd.service'
    timeout 60 bash -c 'exec 3<>/dev/tcp/127.0.0.1/7463'
    check 'a connection starts the daemon' until_so is_active
    check 'with systemd'\''s socket' until_so says_by_tcp "$SURVIVOR"
    systemctl stop sandkeepd.socket
}

limits_crun() { limits crun; }
limits_runc() {
    set_config '{"runtime": "runc"}'
    timeout "$PATIENCE" systemctl restart sandkeepd
    limits runc
    check 'the one of before still answers' says "$SURVIVOR"
    rm /etc/sandkeep/conf.d/machine.json
}

purged() {
    check 'containerd still answers' ctr version
    dpkg --purge sandkeep >/root/purge.log 2>&1
    check 'a purge ends well' is $? 0
    check 'no daemon' sh -c '! pgrep -x sandkeepd'
    check 'no group' test ! -e "$GROUPS_OF"
    check 'no state, no configuration' sh -c '! ls -d /var/lib/sandkeep /run/sandkeep /etc/sandkeep'
    check 'no unit' sh -c '! systemctl cat sandkeepd.service'
    check 'no rules' sh -c '! nft list tables | grep -w sandkeep'
    check 'no link' sh -c '! ip -o link | grep -E ": sandkeep[0-9]"'
    check 'no containers' is "$(ctr --namespace sandkeep containers list -q)" ''
    check 'no failed units' sh -c '! systemctl list-units --failed --no-legend | grep sandkeep'
}

main() {
    local part
    for part in "$@"; do
        echo "# $part"
        if declare -F "$part" >/dev/null; then "$part"; else not_ok "there is no part $part"; fi
    done
    echo 'machine: done'
}

# shellcheck disable=SC2046 # a list of words
[ -s /mnt/parts ] && set -- $(cat /mnt/parts)
[ $# -gt 0 ] || set -- installed started hardened limits_crun bounded survives watched reloaded stopped handed limits_runc purged
main "$@"
