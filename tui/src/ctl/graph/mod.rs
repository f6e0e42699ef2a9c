//! Drawings as text, DOT (Graphviz) and Mermaid.

use std::fmt::Write;

pub(crate) mod dependencies;
pub(crate) mod machine;

/// The language of a drawing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Drawing {
    #[default]
    Text,
    Dot,
    Mermaid,
}

/// A string as DOT quotes it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A name as a Mermaid identifier: what is not a letter or digit becomes `_` and its code, so that two names never
/// meet.
fn identifier(name: &str) -> String {
    name.chars().fold(String::from("n_"), |mut text, character| {
        if character.is_ascii_alphanumeric() {
            text.push(character);
        } else {
            let _ = write!(text, "_{:x}_", u32::from(character));
        }
        text
    })
}

/// A label as Mermaid takes it: quotes and hashes would end or begin something there.
fn label(text: &str) -> String {
    text.replace('#', "#35;").replace('"', "#quot;").replace(':', "#58;").replace(';', "#59;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_each_language() {
        assert_eq!(quoted(r#"a"b\c"#), r#""a\"b\\c""#);
        assert_eq!(identifier("host.0"), "n_host_2e_0");
        assert_ne!(identifier("a-b"), identifier("a_b"));
    }
}
