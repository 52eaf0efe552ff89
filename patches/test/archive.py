# SPDX-License-Identifier: MIT OR Apache-2.0
"""An archive of Debian with packages of a server, on the file system."""

import hashlib
import os
import subprocess
import tarfile


def add_version(pool, version, files):
    """Adds a source package of the format 3.0 (quilt) with these files, whose changes add a file."""
    release, _, _ = version.partition("-")
    tree = pool / f"server-{release}"
    (tree / "debian/source").mkdir(parents=True)
    with tarfile.open(pool / f"server_{release}.orig.tar.gz", "w:gz") as tar:
        for name, text in files.items():
            (tree / name).write_text(text)
            tar.add(tree / name, f"server-{release}/{name}")
    (tree / "debian/source/format").write_text("3.0 (quilt)\n")
    (tree / "debian/control").write_text("""Source: server
Maintainer: Nobody <nobody@example.com>

Package: server
Architecture: all
Description: a server
""")
    (tree / "debian/changelog").write_text(f"""server ({version}) unstable; urgency=low

  * Released.

 -- Nobody <nobody@example.com>  Thu, 01 Jan 2026 00:00:00 +0000
""")
    subprocess.run(["dpkg-source", "-b", tree.name], cwd=pool, check=True, capture_output=True)
    subprocess.run(["rm", "-r", tree], check=True)


def make_archive(folder, *versions, files=None, suites=("bookworm", "sid")):
    """Makes an archive that lists the versions, with these files, in the suites, and returns its pool."""
    pool = folder / "archive/pool"
    pool.mkdir(parents=True)
    for version in versions:
        add_version(pool, version, files or {"upstream": ""})
    listed = subprocess.run(["dpkg-scansources", "pool"], cwd=pool.parent, check=True, capture_output=True).stdout
    for suite in suites:
        sources = folder / f"archive/dists/{suite}/main/source/Sources"
        sources.parent.mkdir(parents=True)
        sources.write_bytes(listed)
        (sources.parents[2] / "Release").write_text(f"""Codename: {suite}
Date: Thu, 01 Jan 2026 00:00:00 UTC
Components: main
SHA256:
 {hashlib.sha256(listed).hexdigest()} {len(listed)} main/source/Sources
""")
    return pool


def configure(folder, deb822):
    """Writes the configuration of apt for that archive, as on systems from debootstrap or, with `deb822`, from Debian's images. The
    archive of security updates does not exist: those of another suite must not be asked for."""
    etc = folder / "etc"
    (etc / "sources.list.d").mkdir(parents=True, exist_ok=True)
    archive = f"file:{folder}/archive"
    if deb822:
        (etc / "sources.list.d/debian.sources").write_text(f"""Types: deb
URIs: {archive}
Suites: bookworm bookworm-updates
Components: main
Trusted: yes

Types: deb
URIs: {archive}-security
Suites: trixie-security
Components: main
Trusted: yes
""")
    else:
        (etc / "sources.list").write_text(f"""# The archive, and its updates.
deb [trusted=yes] {archive} bookworm main
deb [trusted=yes] {archive} bookworm-updates main
deb [trusted=yes] {archive}-security trixie-security main
""")
    configuration = folder / "apt.conf"
    configuration.write_text(f'Dir::Etc::sourcelist "{etc}/sources.list";\nDir::Etc::sourceparts "{etc}/sources.list.d";\n')
    os.environ["APT_CONFIG"] = str(configuration)
