//! Deployment modes that are not built yet: docker, docker-compose, kubernetes, remote. What a registry says for them is
//! checked as strictly as everything else, so that the file is good for the version that runs it; the service is listed,
//! and refused when it is to start.

use ubmc_core::{ids::Name, services::Deployment};

use super::deployment::{check_path, environment};
use crate::board::{
    schema::{self, Keys},
    source::{At, Span},
    table::{Context, Table, choose},
};

/// Where a service runs that this version cannot run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Elsewhere {
    Docker,
    DockerCompose,
    Kubernetes,
    Remote,
}

impl Elsewhere {
    pub(super) const ALL: [Self; 4] = [Self::Docker, Self::DockerCompose, Self::Kubernetes, Self::Remote];

    /// As registries write the mode.
    pub(super) const fn mode(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::DockerCompose => "docker-compose",
            Self::Kubernetes => "kubernetes",
            Self::Remote => "remote",
        }
    }

    /// Its table.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::DockerCompose => "docker_compose",
            Self::Docker | Self::Kubernetes | Self::Remote => self.mode(),
        }
    }

    const fn keys(self) -> &'static Keys {
        match self {
            Self::Docker => schema::DOCKER,
            Self::DockerCompose => schema::DOCKER_COMPOSE,
            Self::Kubernetes => schema::KUBERNETES,
            Self::Remote => schema::REMOTE,
        }
    }

    /// The key that its table cannot do without.
    const fn needs(self) -> &'static str {
        match self {
            Self::Docker => "image",
            Self::DockerCompose => "compose_file",
            Self::Kubernetes => "deployment_name",
            Self::Remote => "endpoint",
        }
    }
}

/// Checks what is said for the mode.
pub(super) fn read(service: &Table<'_>, table: &Table<'_>, mode: Elsewhere, cx: &mut Context<'_>) -> Deployment {
    if !table.has(mode.key()) {
        table.missing(mode.key(), &format!("{{ {} = \"…\" }}", mode.needs()), cx);
    }
    if let Some(details) = table.table(mode.key(), mode.keys(), cx) {
        if !details.has(mode.needs()) {
            details.missing(mode.needs(), "\"…\"", cx);
        }
        match mode {
            Elsewhere::Docker => docker(&details, cx),
            Elsewhere::DockerCompose => docker_compose(&details, cx),
            Elsewhere::Kubernetes => kubernetes(&details, cx),
            Elsewhere::Remote => remote(&details, cx),
        }
    }
    if service.has("limits") {
        cx.out.warning(service.key_at("limits"), format!("`limits` of {} have no effect", service.who)).label(format!(
            "what {} runs, {} bounds",
            mode.mode(),
            mode.mode()
        ));
    }
    note(service, table.value_at("mode"), mode, cx);
    Deployment::Unsupported { mode: Name::from(mode.mode()) }
}

/// Says that the service cannot be run.
pub(super) fn note(service: &Table<'_>, at: Span, mode: Elsewhere, cx: &mut Context<'_>) {
    cx.out
        .warning(at, format!("{} is deployed by {}, which this version cannot run", service.who, mode.mode()))
        .label("it is listed, but cannot be started");
}

/// A text that says something.
fn named(details: &Table<'_>, key: &str, cx: &mut Context<'_>) -> Option<At<String>> {
    let text = details.text(key, cx)?;
    if text.value.trim().is_empty() {
        cx.out.error(text.at, format!("{} is empty", details.named(key)));
        return None;
    }
    Some(text)
}

/// A text that is formed as the mode's own names are.
fn formed(details: &Table<'_>, key: &str, rule: &str, good: impl Fn(&str) -> bool, cx: &mut Context<'_>) {
    if let Some(text) = named(details, key, cx)
        && !good(&text.value)
    {
        cx.out.error(text.at, format!("{} cannot be `{}`", details.named(key), text.value)).label(rule);
    }
}

fn path(details: &Table<'_>, key: &str, cx: &mut Context<'_>) {
    if let Some(path) = details.text(key, cx) {
        check_path(&path, key, details, false, cx);
    }
}

fn each(details: &Table<'_>, key: &str, rule: &str, good: impl Fn(&str) -> bool, cx: &mut Context<'_>) {
    for item in details.texts(key, cx) {
        if !good(&item.value) {
            cx.out.error(item.at, format!("an item of {} cannot be `{}`", details.named(key), item.value)).label(rule);
        }
    }
}

fn docker(details: &Table<'_>, cx: &mut Context<'_>) {
    formed(details, "image", "REPOSITORY[:TAG]", |image| !image.contains(char::is_whitespace), cx);
    let rule = "letters, digits and _ . -, beginning with a letter or digit";
    formed(details, "container_name", rule, is_container_name, cx);
    each(details, "ports", "[ADDRESS:][HOST_PORT:]PORT[/tcp|/udp|/sctp]", is_published_port, cx);
    each(details, "volumes", "SOURCE:/PATH[:OPTIONS]", is_volume, cx);
    environment(details, cx);
    if let Some(policy) = details.text("restart_policy", cx) {
        let word = match policy.value.split_once(':') {
            Some(("on-failure", times)) if times.parse::<u32>().is_ok() => "on-failure",
            _ => &policy.value,
        };
        let words = ["no", "always", "unless-stopped", "on-failure"].map(|word| (word, ()));
        choose(&At::new(word.to_owned(), policy.at), &details.named("restart_policy"), &words, cx);
    }
}

fn docker_compose(details: &Table<'_>, cx: &mut Context<'_>) {
    path(details, "compose_file", cx);
    named(details, "service_name", cx);
    let good = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
    };
    formed(details, "project_name", "small letters, digits, - and _, beginning with a letter or digit", good, cx);
}

fn kubernetes(details: &Table<'_>, cx: &mut Context<'_>) {
    let rule = "small letters, digits and -, beginning and ending with a letter or digit";
    formed(details, "deployment_name", rule, |name| name.split('.').all(is_dns_label), cx);
    formed(details, "namespace", rule, is_dns_label, cx);
    path(details, "manifests_path", cx);
}

fn remote(details: &Table<'_>, cx: &mut Context<'_>) {
    let tls = details.bool("tls_enabled", cx);
    if let Some(endpoint) = named(details, "endpoint", cx) {
        let (scheme, rest) = match endpoint.value.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, endpoint.value.as_str()),
        };
        let authority = rest.split('/').next().unwrap_or_default();
        let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
        let good = match scheme {
            Some("http" | "https") => super::health::is_authority(authority),
            None => has_port && super::health::is_authority(authority) && authority == rest,
            Some(_) => false,
        };
        if !good {
            cx.out
                .error(endpoint.at, format!("{} is no usable address", details.named("endpoint")))
                .label("http[s]://HOST[:PORT][/PATH], or HOST:PORT");
        } else if let (Some(scheme), Some(tls)) = (scheme, tls)
            && (scheme == "https") != tls
        {
            cx.out
                .error(
                    details.value_at("tls_enabled"),
                    format!("{} contradicts its address", details.named("tls_enabled")),
                )
                .related(endpoint.at, format!("{scheme} is {} TLS", if tls { "without" } else { "with" }));
        }
    }
    path(details, "auth_token_path", cx);
}

fn is_container_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// RFC 1123.
fn is_dns_label(label: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    label.len() <= 63
        && label.starts_with(inner)
        && label.ends_with(inner)
        && label.chars().all(|c| inner(c) || c == '-')
}

fn is_published_port(text: &str) -> bool {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let range = |text: &str| {
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        matches!((from.parse::<u16>(), to.parse::<u16>()), (Ok(from), Ok(to)) if from != 0 && from <= to)
    };
    let good = match ports.rsplit_once(':') {
        None => range(ports),
        Some((outside, inside)) => {
            let host = match outside.rsplit_once(':') {
                None => range(outside),
                Some((address, "")) => !address.is_empty(),
                Some((address, host)) => !address.is_empty() && range(host),
            };
            host && range(inside)
        }
    };
    good && matches!(protocol, "tcp" | "udp" | "sctp")
}

fn is_volume(text: &str) -> bool {
    let mut parts = text.split(':');
    let (source, target, options, more) = (parts.next(), parts.next(), parts.next(), parts.next());
    let has_source = source.is_some_and(|source| !source.trim().is_empty());
    // A path alone is a volume without a name.
    let target = target.or(source).is_some_and(|target| target.starts_with('/'));
    has_source && target && options != Some("") && more.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_published_as_docker_writes_them() {
        for good in [
            "80",
            "8080:80",
            "5353:53/udp",
            "127.0.0.1:8080:80",
            "127.0.0.1::80",
            "[::1]:80:80",
            "7000-7010:7000-7010/sctp",
        ] {
            assert!(is_published_port(good), "{good}");
        }
        for bad in ["", "web", "0", "70000", "80:", ":80", "80:web", "80/icmp", "9-8", "a:b:c:d"] {
            assert!(!is_published_port(bad), "{bad}");
        }
    }

    #[test]
    fn volumes_are_mounted_on_absolute_paths() {
        for good in ["/data", "data:/data", "/srv/Corefile:/Corefile:ro", "./x:/x"] {
            assert!(is_volume(good), "{good}");
        }
        for bad in ["", "data", ":/data", "a:b", "a:/b:", "a:/b:ro:z"] {
            assert!(!is_volume(bad), "{bad}");
        }
    }

    #[test]
    fn labels_are_those_of_dns() {
        assert!(is_dns_label("api-gateway-2"));
        for bad in ["", "-a", "a-", "A", "a_b", &"a".repeat(64)] {
            assert!(!is_dns_label(bad), "{bad}");
        }
    }
}
