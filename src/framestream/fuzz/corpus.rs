// SPDX-License-Identifier: MIT OR Apache-2.0
//! Converts between `seeds/`, which is committed, and `corpus/`, which `cargo fuzz` works on, in
//! the folder of a fuzz crate. README.md shows how to use it.

mod seeds;

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use framestream::transport::FileSender;
use framestream::writer::{StreamWriter, WriterOptions};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["unpack", fuzz, target] => unpack(Path::new(fuzz), target),
        ["pack", fuzz, target] => pack(Path::new(fuzz), target),
        _ => Err("usage: fuzz_corpus unpack|pack FUZZ_FOLDER TARGET".into()),
    };
    if let Err(error) = done {
        eprintln!("fuzz_corpus: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Writes each seed and each case of `target` to a file in `corpus/TARGET`, which must not exist.
fn unpack(fuzz: &Path, target: &str) -> Result<(), Box<dyn Error>> {
    let (_, mut inputs) = seeds::read(&seeds_file(fuzz, target))?;
    inputs.extend(cases(fuzz, target)?);
    let corpus = fuzz.join("corpus").join(target);
    fs::create_dir_all(fuzz.join("corpus"))?;
    fs::create_dir(&corpus).map_err(|error| format!("{}: {error}", corpus.display()))?;
    for (number, input) in (1..).zip(&inputs) {
        fs::write(corpus.join(format!("{number:04}")), input)?;
    }
    println!("{} files in {}", inputs.len(), corpus.display());
    Ok(())
}

/// Replaces the seeds of `target` with the files in `corpus/TARGET` that are not cases, the
/// shortest first.
fn pack(fuzz: &Path, target: &str) -> Result<(), Box<dyn Error>> {
    let inputs = files_in(&fuzz.join("corpus").join(target))?;
    let cases = cases(fuzz, target)?;
    // A data frame cannot be empty. The tests add the empty input.
    let is_seed = |input: &&Vec<u8>| !input.is_empty() && !cases.contains(*input);
    let mut seeds: Vec<&Vec<u8>> = inputs.iter().filter(is_seed).collect();
    seeds.sort_by_key(|seed| seed.len());

    let path = seeds_file(fuzz, target);
    let content_type = match path.exists() {
        true => seeds::read(&path)?.0,
        false => format!("fuzz:{target}").into_bytes(),
    };
    let mut options = WriterOptions::default();
    options.add_content_type(&content_type)?;
    let mut writer = StreamWriter::new(Box::new(FileSender::new(&path)), options);
    writer.open()?;
    for seed in &seeds {
        writer.write(seed)?;
    }
    writer.close()?;
    println!("{} seeds in {}", seeds.len(), path.display());
    Ok(())
}

fn seeds_file(fuzz: &Path, target: &str) -> PathBuf {
    fuzz.join("seeds").join(target).with_extension("fstrm")
}

/// Returns the inputs in `cases/TARGET`, which not every target has.
fn cases(fuzz: &Path, target: &str) -> io::Result<BTreeSet<Vec<u8>>> {
    let folder = fuzz.join("cases").join(target);
    if folder.exists() { files_in(&folder) } else { Ok(BTreeSet::new()) }
}

/// Returns the contents of the files in `folder`, without duplicates.
fn files_in(folder: &Path) -> io::Result<BTreeSet<Vec<u8>>> {
    let context = |error| io::Error::other(format!("{}: {error}", folder.display()));
    fs::read_dir(folder).map_err(context)?.map(|entry| fs::read(entry?.path())).collect()
}
