//! Whether there is such a program, and what it needs to run.

use std::{
    ffi::{OsStr, OsString},
    fmt,
    fs::{self, File},
    io::{self, Read},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use super::access::{Barred, Who};

/// What is read of a program: enough for its first line or for its headers.
const HEAD: usize = 4096;
/// The kernel looks no further for the end of the first line.
const LINE: usize = 256;
/// Scripts that interpret scripts.
const DEEPEST: usize = 4;

/// What is wrong with a program.
#[derive(Debug)]
pub(super) enum Flaw {
    NotInPath { name: String, path: String },
    Missing { path: PathBuf, link_to: Option<PathBuf> },
    IsDirectory { path: PathBuf },
    NotAFile { path: PathBuf },
    NotExecutable { path: PathBuf, who: Option<String> },
    NoWay { path: PathBuf, barred: Barred },
    NoInterpreter { path: PathBuf, interpreter: Interpreter },
}

/// What a program cannot do without, and why it has to.
#[derive(Debug)]
pub(super) struct Interpreter {
    name: OsString,
    kind: InterpreterKind,
}

#[derive(Debug, PartialEq, Eq)]
enum InterpreterKind {
    /// After `#!`.
    Named,
    /// It would be there but for the carriage return at the end of the line.
    CarriageReturn,
    /// By `env`, in this `PATH`.
    InPath(String),
    /// Loads a program's libraries.
    Loader,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInPath { name, path } => write!(f, "there is no program `{name}` in {path}"),
            Self::Missing { path, link_to: None } => write!(f, "{} does not exist", path.display()),
            Self::Missing { path, link_to: Some(target) } => {
                write!(f, "{} is a link to {}, which does not exist", path.display(), target.display())
            }
            Self::IsDirectory { path } => write!(f, "{} is a directory, not a program", path.display()),
            Self::NotAFile { path } => write!(f, "{} is no ordinary file", path.display()),
            Self::NotExecutable { path, who: None } => write!(f, "{} may not be executed", path.display()),
            Self::NotExecutable { path, who: Some(who) } => {
                write!(f, "{} may not be executed by {who}", path.display())
            }
            Self::NoWay { path, barred } => write!(f, "{}: {barred}", path.display()),
            Self::NoInterpreter { path, interpreter: Interpreter { name, kind } } => {
                let (path, name) = (path.display(), name.display());
                match kind {
                    InterpreterKind::Named => write!(f, "{path}: its interpreter {name} does not exist"),
                    InterpreterKind::CarriageReturn => {
                        write!(f, "{path}: its first line ends with a carriage return: there is no {name}\\r")
                    }
                    InterpreterKind::InPath(path_variable) => {
                        write!(f, "{path}: its interpreter `{name}` is not in {path_variable}")
                    }
                    InterpreterKind::Loader => write!(f, "{path}: its dynamic loader {name} does not exist"),
                }
            }
        }
    }
}

impl Flaw {
    /// What to do; `key` is where the registry names the program.
    pub(super) fn remedy(&self, key: &str) -> String {
        match self {
            Self::NotInPath { name, .. } => format!("install `{name}`, or give its whole path in `{key}`"),
            Self::Missing { .. } => format!("install it, or correct `{key}`"),
            Self::IsDirectory { .. } | Self::NotAFile { .. } => format!("name the program itself in `{key}`"),
            Self::NotExecutable { path, .. } => {
                format!("`chmod +x {}`, and see that its file system is not mounted noexec", path.display())
            }
            Self::NoWay { barred, .. } => format!("see that {barred} no longer holds, or put the program elsewhere"),
            Self::NoInterpreter { interpreter: Interpreter { name, kind }, .. } => match kind {
                InterpreterKind::Named | InterpreterKind::InPath(_) => {
                    format!("install {}, or correct the script's first line", name.display())
                }
                InterpreterKind::CarriageReturn => "save the script with Unix line ends".to_owned(),
                InterpreterKind::Loader => "use a program that was built for this machine".to_owned(),
            },
        }
    }
}

/// What is wrong with a program, for somebody who starts it in a directory. None: nothing that can be seen.
pub(super) fn flaw(program: &str, path_variable: &str, dir: &Path, who: &Who) -> Option<Flaw> {
    if program.contains('/') {
        return of_file(&dir.join(program), path_variable, who, DEEPEST);
    }
    match in_path(program, path_variable) {
        Some(found) => of_file(&found, path_variable, who, DEEPEST),
        None => Some(Flaw::NotInPath { name: program.to_owned(), path: path_variable.to_owned() }),
    }
}

/// The first file of that name.
fn in_path(name: &str, path_variable: &str) -> Option<PathBuf> {
    let candidates = path_variable.split(':').map(|dir| Path::new(if dir.is_empty() { "." } else { dir }).join(name));
    candidates.into_iter().find(|candidate| fs::metadata(candidate).is_ok_and(|metadata| metadata.is_file()))
}

fn of_file(path: &Path, path_variable: &str, who: &Who, deepest: usize) -> Option<Flaw> {
    let path_buf = || path.to_owned();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Some(Flaw::Missing { path: path_buf(), link_to: fs::read_link(path).ok() });
        }
        // It may be for others to see; and what else there may be the start will tell.
        Err(_) => return None,
    };
    if metadata.is_dir() {
        return Some(Flaw::IsDirectory { path: path_buf() });
    }
    if !metadata.is_file() {
        return Some(Flaw::NotAFile { path: path_buf() });
    }
    if let Some(barred) = who.cannot_reach(path) {
        return Some(Flaw::NoWay { path: path_buf(), barred });
    }
    if !who.may_execute(path) {
        let who = who.is_other().then(|| who.name().to_owned());
        return Some(Flaw::NotExecutable { path: path_buf(), who });
    }
    let mut buffer = [0; HEAD];
    let length = head(path, &mut buffer)?;
    let interpreter = missing_interpreter(buffer.get(..length)?, path_variable, who, deepest)?;
    Some(Flaw::NoInterpreter { path: path_buf(), interpreter })
}

/// The beginning of a file, in one read. None: it cannot be read, which is no reason not to execute it.
fn head(path: &Path, buffer: &mut [u8; HEAD]) -> Option<usize> {
    File::open(path).ok()?.read(buffer).ok()
}

fn missing_interpreter(head: &[u8], path_variable: &str, who: &Who, deepest: usize) -> Option<Interpreter> {
    if let Some(loader) = elf::loader(head) {
        let path = Path::new(OsStr::from_bytes(loader));
        let missing = fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        return missing.then(|| Interpreter { name: path.into(), kind: InterpreterKind::Loader });
    }
    let (interpreter, argument) = first_line(head)?;
    let path = Path::new(OsStr::from_bytes(interpreter));
    let named = |kind| Some(Interpreter { name: path.into(), kind });
    if let Some(bare) = interpreter.strip_suffix(b"\r")
        && !path.exists()
    {
        let name = OsString::from_vec(bare.to_vec());
        return Some(Interpreter { name, kind: InterpreterKind::CarriageReturn });
    }
    if interpreter.is_empty() {
        return None;
    }
    if fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return named(InterpreterKind::Named);
    }
    if path.file_name() == Some(OsStr::new("env"))
        && let Some(name) = by_env(argument)
        && in_path(name, path_variable).is_none()
    {
        let kind = InterpreterKind::InPath(path_variable.to_owned());
        return Some(Interpreter { name: name.into(), kind });
    }
    // A script that interprets scripts has an interpreter itself.
    match of_file(path, path_variable, who, deepest.checked_sub(1)?)? {
        Flaw::NoInterpreter { interpreter, .. } => Some(interpreter),
        _ => None,
    }
}

/// What `env` is to find in `PATH`. None: it is not that simple.
fn by_env(argument: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(argument).ok()?.trim_end_matches('\r');
    let simple = !name.is_empty() && !name.starts_with('-') && !name.contains(['=', '/', ' ', '\t']);
    simple.then_some(name)
}

/// Interpreter and argument of a script, as the kernel reads them. None: it is no script.
fn first_line(head: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = head.strip_prefix(b"#!")?;
    let line = line.get(..LINE).unwrap_or(line).split(|byte| *byte == b'\n').next()?;
    let line = line.trim_ascii_start();
    // Not the carriage return: for the kernel it belongs to the name.
    let is_blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let end = line.iter().position(is_blank).unwrap_or(line.len());
    let (interpreter, argument) = line.split_at(end);
    Some((interpreter, argument.trim_ascii()))
}

/// The little that is needed of elf(5).
mod elf {
    /// The dynamic loader of a program of this machine. None: it has none, or is of another machine, or no such file.
    pub(super) fn loader(head: &[u8]) -> Option<&[u8]> {
        let order = if cfg!(target_endian = "little") { 1 } else { 2 };
        let (magic, rest) = head.split_at_checked(4)?;
        let [class, data, ..] = rest else { return None };
        if magic != b"\x7fELF" || *data != order {
            return None;
        }
        let wide = match *class {
            1 => false,
            2 => true,
            _ => return None,
        };
        let (table_at, size_at) = if wide { (32, 54) } else { (28, 42) };
        let word = |at: usize| if wide { long(head, at) } else { int(head, at) };
        let table = word(table_at)?;
        let size = usize::from(short(head, size_at)?);
        let count = usize::from(short(head, size_at + 2)?);
        for index in 0..count {
            let at = table.checked_add(index.checked_mul(size)?)?;
            if int(head, at)? == PT_INTERP {
                let (offset_at, length_at) = if wide { (8, 32) } else { (4, 16) };
                let (offset, length) = (word(at + offset_at)?, word(at + length_at)?);
                let name = head.get(offset..offset.checked_add(length)?)?;
                return name.split(|byte| *byte == 0).next();
            }
        }
        None
    }

    const PT_INTERP: usize = 3;

    fn short(bytes: &[u8], at: usize) -> Option<u16> {
        Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
    }

    fn int(bytes: &[u8], at: usize) -> Option<usize> {
        usize::try_from(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?)).ok()
    }

    fn long(bytes: &[u8], at: usize) -> Option<usize> {
        usize::try_from(u64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?)).ok()
    }
}
