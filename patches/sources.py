# SPDX-License-Identifier: MIT OR Apache-2.0
"""Series of patches, and the sources that they apply to, for the scripts of this folder."""

import hashlib
import os
import pathlib
import re
import subprocess
import sys

PATCHES = pathlib.Path(__file__).resolve().parent

# git as it behaves without the user's configuration.
ENVIRONMENT = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_EDITOR": "true", "LC_ALL": "C.UTF-8"}


def die(text):
    """Ends the script with an error, the status of usage errors."""
    print(f"{pathlib.Path(sys.argv[0]).name}: {text}", file=sys.stderr)
    sys.exit(2)


def build_folder(server):
    """Returns the folder of a server below BUILD, and makes it."""
    if "BUILD" not in os.environ:
        die("BUILD is missing: a folder outside the source tree")
    folder = pathlib.Path(os.environ["BUILD"], server).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def patches_of(server, release):
    """Returns the paths of the patches of a series, in their order."""
    folder = PATCHES / server / release
    if not (folder / "series").exists():
        die(f"no series for {server} {release}: {folder}/series is missing")
    return [(folder / name).resolve() for name in (folder / "series").read_text().split()]


def digest(server, release):
    """Returns the hash of a series that series.sh computes, too."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in patches_of(server, release))).hexdigest()[:16]


def releases_of(server):
    """Returns the names of the series of a server, from the oldest to the newest release."""
    names = [path.parent.name for path in (PATCHES / server).glob("*/series")]
    return sorted(names, key=version_key)


def version_key(version):
    """Returns a key that sorts versions by their numbers."""
    return [int(number) for number in re.findall(r"\d+", version)]


def git(tree, *arguments, check=True, index=None, objects=None):
    """Runs git in a repository and returns its output, or with check=False its exit status and its output with errors. `index` is
    used in the place of the repository's own, and new objects are written to `objects`."""
    environment = dict(ENVIRONMENT)
    if index:
        environment["GIT_INDEX_FILE"] = str(index)
    if objects:
        own = git(tree, "rev-parse", "--path-format=absolute", "--git-path", "objects").strip()
        environment.update(GIT_OBJECT_DIRECTORY=str(objects), GIT_ALTERNATE_OBJECT_DIRECTORIES=own)
    command = ["git", "-C", str(tree), "-c", "safe.directory=*", *map(str, arguments)]
    errors = None if check else subprocess.STDOUT
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8", errors="surrogateescape")
    if not check:
        return done.returncode, done.stdout
    if done.returncode != 0:
        die(f"git {arguments[0]} in {tree} failed")
    return done.stdout


def origin(server, release):
    """Returns the name of Debian's source package, and the arguments of ./source for a series, which may be missing."""
    script = 'variant=patched release=$2 packages=(); . "$1"; echo "$package ${origins[$2]:-}"'
    return subprocess.check_output(["bash", "-c", script, "bash", PATCHES / server / "build.sh", release], text=True).split()


def fetch(server, release):
    """Returns the folder with the source that a series is made for, by ./source."""
    package, *where = origin(server, release)
    if not where:
        die(f"origins in {PATCHES / server}/build.sh has no line for {release}; add one, or name a folder with the source")
    done = subprocess.run([PATCHES / "source", package, *where, build_folder(server)], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(done.returncode)
    return pathlib.Path(done.stdout.strip())


def import_source(tree, tag, source):
    """Adds the files of the folder `source` to the repository `tree` as a commit without a parent, with a tag."""
    index = pathlib.Path(tree, ".git", f"index-{tag}")
    git(tree, f"--work-tree={source}", "add", "--all", "--force", ".", index=index)
    written = git(tree, "write-tree", index=index).strip()
    git(tree, "tag", tag, git(tree, "commit-tree", "-m", pathlib.Path(source).name, written).strip())
    index.unlink()


def apply_one(tree, patch, index, objects=None):
    """Applies a patch to an index, as strictly as git am, and returns whether that succeeded."""
    return git(tree, "apply", "--cached", "--whitespace=nowarn", patch, check=False, index=index, objects=objects)[0] == 0
