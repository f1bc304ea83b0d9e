#!/usr/bin/python3
"""confine.py UNIT PROGRAM [ARGUMENT...]: runs a program under what a unit file takes away, where no systemd is there to
do it. Debian's own python3 with python3-seccomp; root.

What is done as systemd does it: CapabilityBoundingSet, NoNewPrivileges, SystemCallFilter (names from systemd-analyze),
SystemCallErrorNumber, RestrictAddressFamilies, RestrictNamespaces, RestrictSUIDSGID, RestrictRealtime, LockPersonality,
MemoryDenyWriteExecute (by prctl, Linux 6.3; not in the unit, since HAProxy does not start under it), ProtectHostname and ProtectClock (their system calls), LimitNOFILE,
LimitCORE, UMask. What is not, as it needs systemd's cgroups: DevicePolicy, Delegate, TasksMax, OOMScoreAdjust.
A directive that is in neither list is an error: somebody has to think of it."""
import ctypes
import errno
import os
import re
import resource
import socket
import stat
import subprocess
import sys

import seccomp

PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP, PR_SET_MDWE = 38, 24, 65
NEW = {"mnt": 0x00020000, "cgroup": 0x02000000, "uts": 0x04000000, "ipc": 0x08000000, "user": 0x10000000,
       "pid": 0x20000000, "net": 0x40000000}
# capabilities(7), by number.
CAPABILITIES = """CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
    NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT
    SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
    WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE""".split()
SCHED_FIFO, SCHED_RR, SCHED_DEADLINE = 1, 2, 6
# Of no meaning here, or the manager's own business.
ELSEWHERE = set("""Type ExecStart ExecReload WatchdogSec Restart RestartSec TimeoutStartSec TimeoutStopSec KillMode Delegate
    OOMScoreAdjust TasksMax StateDirectory StateDirectoryMode RuntimeDirectory RuntimeDirectoryMode RuntimeDirectoryPreserve
    SystemCallArchitectures DevicePolicy KeyringMode""".split())
libc = ctypes.CDLL(None, use_errno=True)


def prctl(*words):
    if libc.prctl(*words, *[0] * (5 - len(words))):
        raise OSError(ctypes.get_errno(), f"prctl {words[0]}")


def read(path):
    """The [Service] section; the last of a directive counts."""
    section, found = "", {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("["):
                section = line.strip()
            elif section == "[Service]" and re.match(r"[A-Z]\w+=", line):
                name, value = line.strip().split("=", 1)
                found[name] = value
    return found


def names(filter_words):
    """System calls: "@group" stands for what systemd says."""
    for word in filter_words:
        if not word.startswith("@"):
            yield word
            continue
        said = subprocess.run(["systemd-analyze", "syscall-filter", word], check=True, capture_output=True, text=True)
        yield from names(line.strip() for line in said.stdout.splitlines()[1:]
                         if line.startswith("    ") and not line.strip().startswith("#"))


def known(filter_, action, name, *arguments):
    """Names that this machine or this libseccomp does not have are nobody's to call."""
    try:
        filter_.add_rule(action, name, *arguments)
    except RuntimeError:
        pass


def mask(index, bits, value):
    return seccomp.Arg(index, seccomp.MASKED_EQ, bits, value)


def deny(*rules):
    filter_ = seccomp.SyscallFilter(seccomp.ALLOW)
    for error, name, *arguments in rules:
        known(filter_, seccomp.ERRNO(error), name, *arguments)
    filter_.load()


# --- directive by directive: (unit, value) ------------------------------------------------------


def bounding_set(_unit, value):
    last = int(open("/proc/sys/kernel/cap_last_cap", encoding="utf-8").read())
    numbers = {"CAP_" + name: number for number, name in enumerate(CAPABILITIES)}
    keep = {numbers[name] for name in value.split()}
    for number in range(last + 1):
        if number not in keep:
            prctl(PR_CAPBSET_DROP, number)


def system_calls(unit, value):
    action = seccomp.ERRNO(getattr(errno, unit.get("SystemCallErrorNumber", "EPERM")))
    filter_ = seccomp.SyscallFilter(action)
    for name in set(names(value.split())) | set(names(["@default"])):
        known(filter_, seccomp.ALLOW, name)
    filter_.load()


def families(_unit, value):
    keep = {int(getattr(socket, name)) for name in value.split()}
    deny(*((errno.EAFNOSUPPORT, "socket", seccomp.Arg(0, seccomp.EQ, family)) for family in range(64)
           if family not in keep))


def namespaces(_unit, value):
    denied = [bit for name, bit in NEW.items() if name not in value.split()]
    deny(*((errno.EPERM, name, mask(index, bit, bit)) for bit in denied
           for name, index in (("unshare", 0), ("clone", 0), ("setns", 1))),
         (errno.EPERM, "setns", seccomp.Arg(1, seccomp.EQ, 0)), (errno.ENOSYS, "clone3"))


def suid_sgid(_unit, _value):
    rules = [(errno.EPERM, name, mask(index, bit, bit)) for bit in (stat.S_ISUID, stat.S_ISGID)
             for name, index in (("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("mkdir", 1), ("mkdirat", 2), ("mknod", 1),
                                 ("mknodat", 2), ("creat", 1))]
    rules += [(errno.EPERM, name, mask(flags, os.O_CREAT, os.O_CREAT), mask(flags + 1, bit, bit))
              for bit in (stat.S_ISUID, stat.S_ISGID) for name, flags in (("open", 1), ("openat", 2))]
    deny(*rules, (errno.ENOSYS, "openat2"))


def realtime(_unit, _value):
    deny(*((errno.EPERM, "sched_setscheduler", seccomp.Arg(1, seccomp.EQ, policy))
           for policy in (SCHED_FIFO, SCHED_RR, SCHED_DEADLINE)))


def personality(_unit, _value):
    deny((errno.EPERM, "personality", seccomp.Arg(0, seccomp.NE, 0xffffffff)))


def write_execute(_unit, _value):
    prctl(PR_SET_MDWE, 1)


def hostname(_unit, _value):
    deny((errno.EPERM, "sethostname"), (errno.EPERM, "setdomainname"))


def clock(_unit, _value):
    deny(*((errno.EPERM, name) for name in ("adjtimex", "clock_adjtime", "clock_settime", "settimeofday", "stime")))


def limit(which):
    """As far as whoever started this lets it."""
    def step(_unit, value):
        most = resource.getrlimit(which)[1]
        wanted = int(value) if most == resource.RLIM_INFINITY else min(int(value), most)
        resource.setrlimit(which, (wanted, wanted))
    return step


# In this order: what a filter forbids is still needed by those before it.
STEPS = {
    "LimitNOFILE": limit(resource.RLIMIT_NOFILE), "LimitCORE": limit(resource.RLIMIT_CORE),
    "UMask": lambda _unit, value: os.umask(int(value, 8)), "CapabilityBoundingSet": bounding_set,
    "NoNewPrivileges": lambda _unit, _value: prctl(PR_SET_NO_NEW_PRIVS, 1), "MemoryDenyWriteExecute": write_execute,
    "RestrictAddressFamilies": families, "RestrictNamespaces": namespaces, "RestrictSUIDSGID": suid_sgid,
    "RestrictRealtime": realtime, "LockPersonality": personality, "ProtectHostname": hostname, "ProtectClock": clock,
    "SystemCallFilter": system_calls, "SystemCallErrorNumber": lambda _unit, _value: None,
}


def main():
    unit = read(sys.argv[1])
    unknown = set(unit) - set(STEPS) - ELSEWHERE
    if unknown:
        sys.exit(f"confine.py: {sys.argv[1]} has {', '.join(sorted(unknown))}, which nobody has thought of here")
    for name, step in STEPS.items():
        if name in unit:
            step(unit, unit[name])
    os.execv(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
