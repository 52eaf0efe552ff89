// SPDX-License-Identifier: MIT OR Apache-2.0
//! A certificate authority made with `openssl`, in a temporary folder.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

const CONFIG: &str = "
[req]
distinguished_name = name
[name]
[ca]
default_ca = authority
[authority]
database = issued
serial = serial
new_certs_dir = .
default_md = sha256
policy = policy
copy_extensions = copy
unique_subject = no
[policy]
commonName = supplied
";

/// Arguments for a new key, of a kind that is fast to generate.
const NEW_KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/// A certificate and its key, as files.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// A certificate authority.
pub(crate) struct Authority {
    folder: TempDir,
    pub certificate: PathBuf,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let certificate = folder.path().join("authority.pem");
        fs::write(folder.path().join("config"), CONFIG).expect("a file");
        fs::write(folder.path().join("issued"), "").expect("a file");
        // With a common name, two authorities would be taken for one with invalid signatures.
        let name = format!("/CN={}", folder.path().display().to_string().replace('/', " "));
        let mut arguments = vec!["req", "-x509", "-config", "config", "-days", "2"];
        arguments.extend(["-subj", &name, "-addext", "basicConstraints=critical,CA:TRUE"]);
        arguments.extend(["-keyout", "authority.key", "-out", "authority.pem"]);
        arguments.extend(NEW_KEY);
        let authority = Self { folder, certificate };
        authority.openssl(&arguments);
        authority
    }

    /// Issues a certificate for `names`, such as `DNS:localhost,IP:127.0.0.1`, which is valid for a
    /// day.
    pub(crate) fn issue(&self, names: &str) -> Identity {
        self.sign("valid", names, &["-days", "1"])
    }

    /// Issues an expired certificate for `names`.
    pub(crate) fn issue_expired(&self, names: &str) -> Identity {
        let dates = ["-startdate", "20200101000000Z", "-enddate", "20200102000000Z"];
        self.sign("expired", names, &dates)
    }

    fn sign(&self, file: &str, names: &str, dates: &[&str]) -> Identity {
        let (key, request) = (format!("{file}.key"), format!("{file}.csr"));
        let certificate = format!("{file}.pem");
        let names = format!("subjectAltName={names}");
        let mut arguments = vec!["req", "-new", "-config", "config", "-subj", "/CN=peer"];
        arguments.extend(["-addext", &names, "-keyout", &key, "-out", &request]);
        arguments.extend(NEW_KEY);
        self.openssl(&arguments);
        let mut arguments = vec!["ca", "-batch", "-config", "config", "-notext", "-create_serial"];
        arguments.extend(["-cert", "authority.pem", "-keyfile", "authority.key"]);
        arguments.extend(["-in", &request, "-out", &certificate]);
        arguments.extend(dates);
        self.openssl(&arguments);
        let path = |name: &str| self.folder.path().join(name);
        Identity { certificate: path(&certificate), key: path(&key) }
    }

    fn openssl(&self, arguments: &[&str]) {
        let run = Command::new("openssl").args(arguments).current_dir(self.folder.path()).output();
        let output = run.expect("openssl, of the Debian package of that name");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments:?}: {errors}");
    }
}
