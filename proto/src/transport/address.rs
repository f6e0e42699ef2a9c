//! Addresses as people write them: `unix:/run/ubmc/ubmcd.sock`, `tcp:HOST:PORT`.

use std::{env, fmt, path::PathBuf, str::FromStr};

/// Where a daemon listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A unix stream socket.
    Unix(PathBuf),
    /// TCP, always with mutual TLS.
    Tcp {
        /// Name or IP address, without brackets.
        host: String,
        /// Port, 1–65535.
        port: u16,
    },
}

/// Why a text is not an [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No known scheme in front.
    #[error("`{0}` is not an address: write `unix:/path/to/socket` or `tcp:HOST:PORT`")]
    Scheme(String),
    /// Nothing after the scheme.
    #[error("`{0}` names no path: write for example `unix:/run/ubmc/ubmcd.sock`")]
    EmptyPath(String),
    /// No port, or none that fits.
    #[error("`{0}` has no valid port: write `tcp:HOST:PORT` with a port from 1 to 65535")]
    Port(String),
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text.strip_prefix("unix:") {
            // Both `unix:/path` and the URL form `unix:///path` are in use.
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(AddressError::EmptyPath(text.to_owned()));
            }
            return Ok(Self::Unix(path.into()));
        }
        if let Some(rest) = text.strip_prefix("tcp:") {
            let rest = rest.strip_prefix("//").unwrap_or(rest);
            let (host, port) = rest.rsplit_once(':').ok_or_else(|| AddressError::Port(text.to_owned()))?;
            let port =
                port.parse().ok().filter(|port| *port != 0).ok_or_else(|| AddressError::Port(text.to_owned()))?;
            let host = host.trim_start_matches('[').trim_end_matches(']');
            if host.is_empty() {
                return Err(AddressError::Port(text.to_owned()));
            }
            return Ok(Self::Tcp { host: host.to_owned(), port });
        }
        if text.starts_with('/') {
            return Ok(Self::Unix(text.into()));
        }
        Err(AddressError::Scheme(text.to_owned()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp:[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp:{host}:{port}"),
        }
    }
}

/// The socket used when nobody names one: `$UBMC_SOCKET`, else `/run/ubmc/ubmcd.sock` as root, else
/// `$XDG_RUNTIME_DIR/ubmc/ubmcd.sock`. None for an ordinary user without a runtime directory.
pub fn default_socket(is_root: bool) -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = set("UBMC_SOCKET") {
        return Some(plain_path(path));
    }
    if is_root {
        return Some("/run/ubmc/ubmcd.sock".into());
    }
    Some(set("XDG_RUNTIME_DIR")?.join("ubmc/ubmcd.sock"))
}

/// Written as an address, as `--connect` takes it, a path means the same.
fn plain_path(path: PathBuf) -> PathBuf {
    match path.to_str().map(str::parse) {
        Some(Ok(Address::Unix(plain))) => plain,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written_back() {
        for (text, canonical) in [
            ("unix:/run/x.sock", "unix:/run/x.sock"),
            ("unix:///run/x.sock", "unix:/run/x.sock"),
            ("/run/x.sock", "unix:/run/x.sock"),
            ("tcp:bmc7:8443", "tcp:bmc7:8443"),
            ("tcp:[::1]:8443", "tcp:[::1]:8443"),
        ] {
            assert_eq!(text.parse::<Address>().map(|address| address.to_string()), Ok(canonical.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_path_may_be_written_as_an_address() {
        for (text, path) in [("/run/x", "/run/x"), ("unix:/run/x", "/run/x"), ("unix:///run/x", "/run/x"), ("x", "x")] {
            assert_eq!(plain_path(text.into()), PathBuf::from(path), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_form_to_write() {
        for text in ["", "bmc7", "unix:", "tcp:bmc7", "tcp:bmc7:0", "tcp:bmc7:99999", "tcp::80"] {
            let error = text.parse::<Address>().map_err(|error| error.to_string());
            assert!(error.as_ref().is_err_and(|text| text.contains("write")), "{text}: {error:?}");
        }
    }
}
