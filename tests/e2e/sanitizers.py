"""What sanitizers say of daemons and commands, wherever their standard error goes and whatever end a test expects of them.
Builds without sanitizers say nothing."""
import os
import pathlib
import shutil
import tempfile

OPTIONS = {
    # Libraries of tests may be loaded before the sanitizer's.
    "ASAN_OPTIONS": "exitcode=99:handle_abort=1:detect_stack_use_after_return=1:verify_asan_link_order=0",
    # That of gcc writes to standard error only: what it aborts is in the report of the other, as any assertion that fails.
    "UBSAN_OPTIONS": "abort_on_error=1:print_stacktrace=1",
}


def environment():
    """For processes that are given none but what their test names."""
    return {name: os.environ[name] for name in OPTIONS if name in os.environ}


class Reports:
    """The folder to which they are written, one file a process. Everything started from now on writes there."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sksan."))
        self.folder.chmod(0o1777)  # by whomever
        for name, options in OPTIONS.items():
            ours = f"{options}:log_exe_name=1:log_path={self.folder}/report"
            os.environ[name] = ":".join(filter(None, (os.environ.get(name), ours)))  # the last one counts

    def take(self):
        """Those since the last call, as one text."""
        texts = []
        for file in sorted(self.folder.iterdir()):
            texts.append(f"{file.name}:\n{file.read_text(errors='replace')}")
            file.unlink()
        return "\n".join(texts)

    def close(self):
        shutil.rmtree(self.folder)
