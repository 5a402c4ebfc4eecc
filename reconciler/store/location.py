"""Where a SQLite state lies: a file that only its owner can read, on a disk whose locks can be trusted."""

import os
from pathlib import Path, PurePosixPath

from sqlalchemy.engine import URL

from reconciler.store.errors import StoreError

_OWNER_ONLY = 0o600
# File locks and SQLite's write-ahead log are not reliable on these (https://sqlite.org/wal.html, "same host").
NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "glusterfs", "lustre", "beegfs", "gpfs", "davfs"}
    | {"fuse.sshfs", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.ceph", "fuse.davfs2"}
)
_MOUNTS = Path("/proc/self/mountinfo")


def database_file(url: URL) -> Path:
    """The file that a `sqlite:///` URL names. Raises StoreError where it names none."""
    if not url.database or url.database == ":memory:" or url.query:
        raise StoreError("the state database must be a plain file", "use sqlite:///path/to/state.db")
    return Path(url.database)


def lock_file(database: Path) -> Path:
    """The file whose lock is held while a run writes."""
    return database.with_name(database.name + ".lock")


def prepare(database: Path) -> None:
    """Makes the folder (mode 0700) and an empty database file (mode 0600) where they are missing; narrows the file's
    mode where it is wider. Raises StoreError.
    """
    try:
        _make_folder(database.parent)
        _refuse_network_mount(database.parent)
        if database.is_dir():
            raise StoreError(f"the state database {database} is a folder", "name a file with --state")
        os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY))
        if database.stat().st_mode & 0o077:
            database.chmod(_OWNER_ONLY)
    except OSError as error:
        raise StoreError(
            f"the state database {database} cannot be opened: {error.strerror}",
            "check the owner and mode of the file and of its folder",
        ) from error


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def _refuse_network_mount(folder: Path) -> None:
    kind = file_system(folder.resolve(), _mounts())
    if kind in NETWORK_FILE_SYSTEMS:
        raise StoreError(
            f"the state database lies on a network file system ({kind}), where locks cannot be trusted",
            "put it on a local disk with --state sqlite:///path/to/state.db",
        )


def _mounts() -> str:
    # Only Linux lists its mounts in a file; elsewhere a network mount is not detected.
    try:
        return _MOUNTS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def file_system(folder: Path, mounts: str) -> str | None:
    """The kind of file system a folder lies on, from the text of `/proc/self/mountinfo`; None where it does not say."""
    deepest, kind = -1, None
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) < 5 or not right:
            continue
        mounted = PurePosixPath(fields[4].replace("\\040", " "))
        if PurePosixPath(folder).is_relative_to(mounted) and len(mounted.parts) >= deepest:
            deepest, kind = len(mounted.parts), right.split()[0]
    return kind
