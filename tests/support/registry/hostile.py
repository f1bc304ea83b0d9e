"""Layers that want out of the root file system they are unpacked into, or to become something else than files.

Each entry of HOSTILE is a function of the canary's folder (a folder of the host's that nothing may reach) that gives
the tar members of one layer; a shell lies below it.
"""
import tarfile

from zoo import busybox, device, entry, folder, hardlink, image, layered, symlink, tar

HOSTILE = {}
OWNED = b"written through a layer\n"


def hostile(make):
    HOSTILE[make.__name__.replace("_", "-")] = make
    return make


def up(canary):
    """The canary's path, from as deep as a snapshot may lie."""
    return "../" * 24 + str(canary).lstrip("/")


@hostile
def dot_dot(canary):
    return layered(entry(up(canary) + "/dot-dot", OWNED))


@hostile
def dot_dot_inside(canary):
    return layered(folder("a"), entry("a/" + up(canary) + "/dot-dot-inside", OWNED))


@hostile
def absolute(canary):
    return layered(entry(f"{canary}/absolute", OWNED))


@hostile
def hard_link_out(canary):
    return layered(hardlink("stolen", f"{canary}/canary"), entry("stolen", OWNED))


@hostile
def hard_link_up(canary):
    return layered(hardlink("stolen", up(canary) + "/canary"), entry("stolen", OWNED))


@hostile
def hard_link_through_symlink(canary):
    return layered(symlink("door", str(canary)), hardlink("stolen", "door/canary"))


@hostile
def symlink_out(canary):
    return layered(symlink("door", str(canary)), entry("door/through-symlink", OWNED))


@hostile
def symlink_up(canary):
    return layered(symlink("door", up(canary)), entry("door/through-symlink", OWNED))


@hostile
def symlink_of_lower_layer(canary):
    return image([busybox(), tar(symlink("door", str(canary))), tar(entry("door/through-symlink", OWNED))])


@hostile
def symlink_then_mode(canary):
    """A directory entry on a symlink: chmod and chown would follow it."""
    return image([busybox(), tar(symlink("door", str(canary))), tar(folder("door/", mode=0o777, uid=1234))])


@hostile
def whiteout_up(canary):
    return layered(folder("a"), entry("a/.wh..."), entry(".wh..."))


@hostile
def whiteout_self(canary):
    return layered(folder("a"), entry("a/.wh.."), entry(".wh.."), entry("a/.wh."))


@hostile
def whiteout_through_symlink(canary):
    return image([busybox(), tar(symlink("door", str(canary))), tar(entry("door/.wh.canary"))])


@hostile
def opaque_through_symlink(canary):
    return image([busybox(), tar(symlink("door", str(canary))), tar(entry("door/.wh..wh..opq"))])


@hostile
def opaque_root(canary):
    return image([tar(entry("gone")), tar(entry(".wh..wh..opq")), busybox()])


@hostile
def devices(canary):
    return layered(device("dev/memory", 1, 1), device("disk", 8, 0, tarfile.BLKTYPE),
                   device("dev/zeroed", 1, 5), entry("fifo", type=tarfile.FIFOTYPE))


@hostile
def setuid(canary):
    return layered(entry("bin/suid", b"#!/bin/sh\nid -u\n", mode=0o6755), entry("tmp/sticky", mode=0o7777))


@hostile
def long_name(canary):
    return layered(entry("n" * 255, b"fits"), entry("m" * 256, b"does not"))


@hostile
def long_path(canary):
    return layered(entry("/".join(["d" * 200] * 30), b"beyond PATH_MAX"))


@hostile
def odd_names(canary):
    return layered(entry("line\nbreak"), entry("tab\ttab"), entry("\\back"), entry("-rf"), entry(" "))


@hostile
def overlay_attributes(canary):
    """Overlayfs reads these; a layer must not get to write them."""
    info, data = entry("usr/redirected", type=tarfile.DIRTYPE)
    info.pax_headers = {"SCHILY.xattr.trusted.overlay.redirect": str(canary),
                        "SCHILY.xattr.trusted.overlay.opaque": "y"}
    return layered((info, data))


@hostile
def capability(canary):
    info, data = entry("bin/capable", b"#!/bin/sh\n")
    info.pax_headers = {"SCHILY.xattr.security.capability": "\x01\x00\x00\x02\x00\x20\x00\x00" + "\x00" * 12}
    return layered((info, data))


@hostile
def file_over_folder(canary):
    return layered(entry("etc", b"a file now"), entry("bin/sh/child", OWNED))


@hostile
def root_is_file(canary):
    return layered(entry("./", b"", type=tarfile.REGTYPE), entry("/", type=tarfile.SYMTYPE, linkname=str(canary)))


# --- roots whose special places lead elsewhere (CVE-2025-31133, CVE-2026-41579, CVE-2026-47766) ---

PLACES = ("dev", "proc", "sys", "etc", "tmp", ".sandkeep", "dev/null", "dev/pts", "dev/pts/0", "dev/console", "dev/shm",
          "proc/self", "etc/resolv.conf", "etc/hosts", "sys/fs/cgroup", "run")


def place(name, canary):
    """The place is a symlink to the canary's folder (or to its file, where a file is wanted)."""
    target = f"{canary}/canary" if name in ("dev/null", "dev/console", "dev/pts/0", "etc/resolv.conf", "etc/hosts",
                                            "proc/self") else str(canary)
    upper = [folder(name.rpartition("/")[0], mode=0o755)] if "/" in name else []
    gone = [entry(f"{name.rpartition('/')[0]}/.wh.{name.rpartition('/')[2]}".lstrip("/"))] if "/" not in name else []
    return image([busybox(), *([tar(*gone)] if gone else []), tar(*upper, symlink(name, target))])
