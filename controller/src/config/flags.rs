//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

/// The controller of PULSE: it syncs workflows and drives their executions on agents. Without a subcommand it serves.
#[derive(Debug, clap::Parser)]
#[command(name = "pulse-controller", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Settings of serving.
    #[command(flatten)]
    pub serve: ServeFlags,
}

/// What else there is to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Bring the database to this release's schema.
    Migrate(MigrateFlags),
    /// Write everything that the database holds into a file, also while a controller runs.
    Backup(BackupFlags),
    /// Make the database anew from a backup, on whichever engine. Everything is held until a person has looked.
    Restore(RestoreFlags),
    /// Serve a folder of manifests on this machine, with one local agent, to try things out.
    Dev(DevFlags),
    /// Look whether a controller with these settings would work on this machine, and say what to do.
    ///
    /// Takes the settings of serving. Changes nothing, and may run beside the controller. Exits 1 where a check failed.
    Doctor(Box<DoctorFlags>),
    /// Make a token that opens everything for a short time, for a person in need; who made it and why is kept.
    ///
    /// Asks the controller that runs on this machine with the same settings, and prints the token alone on stdout.
    BreakGlass(BreakGlassFlags),
}

/// Settings of serving. Each is also an environment variable (`PULSE_LISTEN`) and a key of the file (`listen`).
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ServeFlags {
    /// A YAML file with settings [env: PULSE_CONFIG].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address and port to listen on [env: PULSE_LISTEN] [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// The URL under which agents and people reach this controller [env: PULSE_PUBLIC_URL].
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// The folder to keep everything in [env: PULSE_DATA_DIR] [default: /var/lib/pulse].
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<String>,
    /// A file that holds the database's URL [env: PULSE_DATABASE_URL_FILE; the URL itself: PULSE_DATABASE_URL].
    #[arg(long, value_name = "FILE")]
    pub database_url_file: Option<String>,
    /// The Git repository with the manifests (https, ssh, file), or a folder of manifests [env: PULSE_SOURCE_URL].
    #[arg(long, value_name = "URL")]
    pub source_url: Option<String>,
    /// The branch to follow [env: PULSE_SOURCE_BRANCH] [default: main].
    #[arg(long, value_name = "BRANCH")]
    pub source_branch: Option<String>,
    /// The user that goes with the token [env: PULSE_SOURCE_USERNAME] [default: git].
    #[arg(long, value_name = "USER")]
    pub source_username: Option<String>,
    /// A file that holds the token for https [env: PULSE_SOURCE_TOKEN_FILE; the token itself: PULSE_SOURCE_TOKEN].
    #[arg(long, value_name = "FILE")]
    pub source_token_file: Option<String>,
    /// A file that holds the private key for ssh [env: PULSE_SOURCE_SSH_KEY_FILE; the key's text: PULSE_SOURCE_SSH_KEY].
    #[arg(long, value_name = "FILE")]
    pub source_ssh_key_file: Option<String>,
    /// The host keys of the ssh server, as ssh-keyscan prints them: a file, or the lines [env: PULSE_SOURCE_KNOWN_HOSTS].
    #[arg(long, value_name = "FILE")]
    pub source_known_hosts: Option<String>,
    /// The certificate authority of the https server: a PEM file, or its text [env: PULSE_SOURCE_CA].
    #[arg(long, value_name = "FILE")]
    pub source_ca: Option<String>,
    /// The folder within the source to read [env: PULSE_SOURCE_PATH] [default: all of it].
    #[arg(long, value_name = "PATH")]
    pub source_path: Option<String>,
    /// How often to look at the source, whatever was heard [env: PULSE_SOURCE_POLL] [default: 3m].
    #[arg(long, value_name = "DURATION")]
    pub source_poll: Option<String>,
    /// A file that holds the administrator's token [env: PULSE_ADMIN_TOKEN_FILE; the token itself: PULSE_ADMIN_TOKEN].
    #[arg(long, value_name = "FILE")]
    pub admin_token_file: Option<String>,
    /// A file that holds the webhook's secret, two while it is changed [env: PULSE_WEBHOOK_SECRET_FILE; the secret itself:
    /// PULSE_WEBHOOK_SECRET].
    #[arg(long, value_name = "FILE")]
    pub webhook_secret_file: Option<String>,
    /// How many requests are taken of each person or token: `600/m`, with `s`, `m` or `h` [env: PULSE_RATE_LIMIT] [default: off].
    #[arg(long, value_name = "RATE")]
    pub rate_limit: Option<String>,
    /// How many are taken of each address from those who do not say who asks [env: PULSE_RATE_LIMIT_STRANGERS] [default: 300/m].
    #[arg(long, value_name = "RATE")]
    pub rate_limit_strangers: Option<String>,
    /// How long executions are kept after their end: `12h`, `90d`, `2y` or `forever` [env: PULSE_KEEP_EXECUTIONS] [default: 90d].
    #[arg(long, value_name = "AGE")]
    pub keep_executions: Option<String>,
    /// The newest executions of each workflow that are kept however old [env: PULSE_KEEP_AT_LEAST] [default: 100].
    #[arg(long, value_name = "NUMBER")]
    pub keep_at_least: Option<String>,
    /// Executions of each workflow that are kept at most, however young [env: PULSE_KEEP_AT_MOST] [default: no bound].
    #[arg(long, value_name = "NUMBER")]
    pub keep_at_most: Option<String>,
    /// How long the output of commands is kept after the end of their execution [env: PULSE_KEEP_OUTPUT] [default: 30d].
    #[arg(long, value_name = "AGE")]
    pub keep_output: Option<String>,
    /// How long rows of the audit log are kept [env: PULSE_KEEP_AUDIT] [default: 400d].
    #[arg(long, value_name = "AGE")]
    pub keep_audit: Option<String>,
    /// Revoke agents that were not seen for so long and hold nothing open [env: PULSE_KEEP_AGENTS] [default: forever].
    #[arg(long, value_name = "AGE")]
    pub keep_agents: Option<String>,
    /// The pause between two looks at what is not kept [env: PULSE_KEEP_EVERY] [default: 10m].
    #[arg(long, value_name = "DURATION")]
    pub keep_every: Option<String>,
    /// The addresses of proxies that may say by headers who somebody is: `10.0.0.7,10.1.0.0/24` [env: PULSE_TRUSTED_PROXIES]
    /// [default: none is believed].
    #[arg(long, value_name = "ADDRESSES")]
    pub trusted_proxies: Option<String>,
    /// The issuer of OpenID Connect where people sign in [env: PULSE_OIDC_ISSUER].
    #[arg(long, value_name = "URL")]
    pub oidc_issuer: Option<String>,
    /// What the issuer knows this controller as [env: PULSE_OIDC_CLIENT_ID].
    #[arg(long, value_name = "ID")]
    pub oidc_client_id: Option<String>,
    /// A file that holds the client's secret [env: PULSE_OIDC_CLIENT_SECRET_FILE; the secret itself: PULSE_OIDC_CLIENT_SECRET].
    #[arg(long, value_name = "FILE")]
    pub oidc_client_secret_file: Option<String>,
    /// What the issuer is asked for [env: PULSE_OIDC_SCOPES] [default: openid profile email groups].
    #[arg(long, value_name = "SCOPES")]
    pub oidc_scopes: Option<String>,
    /// The claim that holds a person's groups [env: PULSE_OIDC_GROUPS_CLAIM] [default: groups].
    #[arg(long, value_name = "CLAIM")]
    pub oidc_groups_claim: Option<String>,
    /// The claim that holds a person's name [env: PULSE_OIDC_USER_CLAIM] [default: preferred_username].
    #[arg(long, value_name = "CLAIM")]
    pub oidc_user_claim: Option<String>,
    /// What people read on the button [env: PULSE_OIDC_NAME] [default: Single sign-on].
    #[arg(long, value_name = "NAME")]
    pub oidc_name: Option<String>,
    /// The certificate authority of the issuer: a PEM file, or its text [env: PULSE_OIDC_CA].
    #[arg(long, value_name = "FILE")]
    pub oidc_ca: Option<String>,
    /// Groups whose members administer [env: PULSE_ADMIN_GROUPS] [default: admin].
    #[arg(long, value_name = "GROUPS")]
    pub admin_groups: Option<String>,
    /// Groups whose members run, answer and cancel [env: PULSE_OPERATOR_GROUPS] [default: employee,operator].
    #[arg(long, value_name = "GROUPS")]
    pub operator_groups: Option<String>,
    /// Groups whose members look [env: PULSE_VIEWER_GROUPS] [default: viewer].
    #[arg(long, value_name = "GROUPS")]
    pub viewer_groups: Option<String>,
    /// Groups whose members look, and read who did what [env: PULSE_AUDITOR_GROUPS] [default: auditor].
    #[arg(long, value_name = "GROUPS")]
    pub auditor_groups: Option<String>,
    /// `auto`: speak https with a certificate of an authority of its own [env: PULSE_TLS] [default: off].
    #[arg(long, value_name = "MODE")]
    pub tls: Option<String>,
    /// A PEM file with the certificate for https, and those between it and its authority [env: PULSE_TLS_CERT].
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<String>,
    /// A PEM file with the certificate's private key [env: PULSE_TLS_KEY_FILE, or PULSE_TLS_KEY].
    #[arg(long, value_name = "FILE")]
    pub tls_key_file: Option<String>,
    /// Allow plain HTTP beyond loopback, behind a proxy that speaks TLS [env: PULSE_INSECURE_HTTP].
    #[arg(long)]
    pub insecure_http: bool,
    /// A file that holds the token without which nobody reads the metrics [env: PULSE_METRICS_TOKEN_FILE; the token itself:
    /// PULSE_METRICS_TOKEN] [default: anybody reads them, and they name no workflow].
    #[arg(long, value_name = "FILE")]
    pub metrics_token_file: Option<String>,
    /// The collector that traces are sent to, by OTLP over HTTP [env: OTEL_EXPORTER_OTLP_ENDPOINT] [default: none are made].
    #[arg(long, value_name = "URL")]
    pub otlp_endpoint: Option<String>,
    /// A file that holds headers for the collector, as name=value,… [env: OTEL_EXPORTER_OTLP_HEADERS_FILE; the headers themselves:
    /// OTEL_EXPORTER_OTLP_HEADERS].
    #[arg(long, value_name = "FILE")]
    pub otlp_headers_file: Option<String>,
    /// How traces are sent; `http/json` is what there is [env: OTEL_EXPORTER_OTLP_PROTOCOL].
    #[arg(long, value_name = "PROTOCOL")]
    pub otlp_protocol: Option<String>,
    /// What this controller is called in traces [env: OTEL_SERVICE_NAME] [default: pulse-controller].
    #[arg(long, value_name = "NAME")]
    pub otlp_service_name: Option<String>,
    /// What to log.
    #[command(flatten)]
    pub log: LogFlags,
}

/// What to log.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct LogFlags {
    /// What to log, such as `debug` or `info,pulse_controller=debug` [env: PULSE_LOG].
    #[arg(long = "log", value_name = "FILTER")]
    pub filter: Option<String>,
    /// `text` or `json` [env: PULSE_LOG_FORMAT] [default: text].
    #[arg(long = "log-format", value_name = "FORMAT")]
    pub format: Option<String>,
}

/// Settings of migrating.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct MigrateFlags {
    /// Only say what the database has.
    #[arg(long)]
    pub status: bool,
    /// A YAML file with settings [env: PULSE_CONFIG].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The folder to keep everything in [env: PULSE_DATA_DIR] [default: /var/lib/pulse].
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<String>,
    /// A file that holds the database's URL [env: PULSE_DATABASE_URL_FILE; the URL itself: PULSE_DATABASE_URL].
    #[arg(long, value_name = "FILE")]
    pub database_url_file: Option<String>,
    /// What to log.
    #[command(flatten)]
    pub log: LogFlags,
}

/// Which database.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct DataFlags {
    /// A YAML file with settings [env: PULSE_CONFIG].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The folder to keep everything in [env: PULSE_DATA_DIR] [default: /var/lib/pulse].
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<String>,
    /// A file that holds the database's URL [env: PULSE_DATABASE_URL_FILE; the URL itself: PULSE_DATABASE_URL].
    #[arg(long, value_name = "FILE")]
    pub database_url_file: Option<String>,
    /// What to log.
    #[command(flatten)]
    pub log: LogFlags,
}

/// What to back up, and where to.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct BackupFlags {
    /// The file to write, which must not be there yet; `-` for stdout.
    #[arg(value_name = "FILE")]
    pub path: PathBuf,
    /// With the administrator's token and the authority for TLS out of the data folder: whoever has the file is the administrator.
    #[arg(long)]
    pub with_secrets: bool,
    /// Which database.
    #[command(flatten)]
    pub data: DataFlags,
}

/// What to restore, and where.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RestoreFlags {
    /// The backup; `-` for stdin.
    #[arg(value_name = "FILE")]
    pub path: PathBuf,
    /// Let go of everything that the database holds now.
    #[arg(long)]
    pub force: bool,
    /// Put the token and the authority of the backup into the data folder, in place of those that are there.
    #[arg(long)]
    pub with_secrets: bool,
    /// Which database.
    #[command(flatten)]
    pub data: DataFlags,
}

/// Settings of looking whether it would work: those of serving, and how the answer looks.
#[derive(Debug, Clone, clap::Args)]
pub struct DoctorFlags {
    /// How the answer looks.
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = Report::Text)]
    pub output: Report,
    /// Settings of serving.
    #[command(flatten)]
    pub serve: ServeFlags,
}

/// How an answer looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Report {
    /// For people.
    Text,
    /// For scripts.
    Json,
}

/// Settings of a token for a person in need. Those of `serve` say where the controller is.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct BreakGlassFlags {
    /// Who needs it.
    #[arg(long)]
    pub name: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// How long it counts, at most 4h.
    #[arg(long = "for", value_name = "DURATION", default_value = "15m")]
    pub life: crd_schemas::Duration,
    /// A YAML file with settings [env: PULSE_CONFIG].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where the controller listens [env: PULSE_LISTEN] [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// Its data folder, which holds the administrator's token unless that is set [env: PULSE_DATA_DIR] [default: /var/lib/pulse].
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<String>,
    /// A file that holds the administrator's token [env: PULSE_ADMIN_TOKEN_FILE; the token itself: PULSE_ADMIN_TOKEN].
    #[arg(long, value_name = "FILE")]
    pub admin_token_file: Option<String>,
    /// Where it speaks https: a PEM file with the authorities to trust, in place of the data folder's [env: PULSE_CA].
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

/// Settings of trying things out.
#[derive(Debug, Clone, clap::Args)]
pub struct DevFlags {
    /// The folder of manifests; it is watched.
    pub path: PathBuf,
    /// Loopback address and port to listen on.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Let schedules fire; without this they are suspended.
    #[arg(long)]
    pub schedules: bool,
    /// Keep everything in this folder, and find it there next time; otherwise a temporary one is used and removed.
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// What to log.
    #[command(flatten)]
    pub log: LogFlags,
}

/// A flag that was given: the setting, whether it names a file that holds the value, the flag, the text.
pub(super) type Flag = (&'static str, bool, &'static str, String);

fn flag(setting: &'static str, flag: &'static str, text: &Option<String>) -> Option<Flag> {
    text.clone().map(|text| (setting, false, flag, text))
}

fn file_flag(setting: &'static str, flag: &'static str, text: &Option<String>) -> Option<Flag> {
    text.clone().map(|text| (setting, true, flag, text))
}

impl LogFlags {
    fn values(&self) -> impl Iterator<Item = Flag> {
        let filter = flag("PULSE_LOG", "--log", &self.filter);
        filter.into_iter().chain(flag("PULSE_LOG_FORMAT", "--log-format", &self.format))
    }
}

impl ServeFlags {
    pub(super) fn values(&self) -> Vec<Flag> {
        let insecure = self.insecure_http.then(|| "true".to_owned());
        let values = [
            flag("PULSE_LISTEN", "--listen", &self.listen),
            flag("PULSE_PUBLIC_URL", "--public-url", &self.public_url),
            flag("PULSE_DATA_DIR", "--data-dir", &self.data_dir),
            file_flag("PULSE_DATABASE_URL", "--database-url-file", &self.database_url_file),
            flag("PULSE_SOURCE_URL", "--source-url", &self.source_url),
            flag("PULSE_SOURCE_PATH", "--source-path", &self.source_path),
            flag("PULSE_SOURCE_POLL", "--source-poll", &self.source_poll),
            flag("PULSE_SOURCE_BRANCH", "--source-branch", &self.source_branch),
            flag("PULSE_SOURCE_USERNAME", "--source-username", &self.source_username),
            file_flag("PULSE_SOURCE_TOKEN", "--source-token-file", &self.source_token_file),
            file_flag("PULSE_SOURCE_SSH_KEY", "--source-ssh-key-file", &self.source_ssh_key_file),
            flag("PULSE_SOURCE_KNOWN_HOSTS", "--source-known-hosts", &self.source_known_hosts),
            flag("PULSE_SOURCE_CA", "--source-ca", &self.source_ca),
            file_flag("PULSE_ADMIN_TOKEN", "--admin-token-file", &self.admin_token_file),
            file_flag("PULSE_WEBHOOK_SECRET", "--webhook-secret-file", &self.webhook_secret_file),
            flag("PULSE_RATE_LIMIT", "--rate-limit", &self.rate_limit),
            flag("PULSE_RATE_LIMIT_STRANGERS", "--rate-limit-strangers", &self.rate_limit_strangers),
            flag("PULSE_KEEP_EXECUTIONS", "--keep-executions", &self.keep_executions),
            flag("PULSE_KEEP_AT_LEAST", "--keep-at-least", &self.keep_at_least),
            flag("PULSE_KEEP_AT_MOST", "--keep-at-most", &self.keep_at_most),
            flag("PULSE_KEEP_OUTPUT", "--keep-output", &self.keep_output),
            flag("PULSE_KEEP_AUDIT", "--keep-audit", &self.keep_audit),
            flag("PULSE_KEEP_AGENTS", "--keep-agents", &self.keep_agents),
            flag("PULSE_KEEP_EVERY", "--keep-every", &self.keep_every),
            flag("PULSE_TLS", "--tls", &self.tls),
            flag("PULSE_TLS_CERT", "--tls-cert", &self.tls_cert),
            file_flag("PULSE_TLS_KEY", "--tls-key-file", &self.tls_key_file),
            flag("PULSE_INSECURE_HTTP", "--insecure-http", &insecure),
            flag("PULSE_TRUSTED_PROXIES", "--trusted-proxies", &self.trusted_proxies),
            flag("PULSE_OIDC_ISSUER", "--oidc-issuer", &self.oidc_issuer),
            flag("PULSE_OIDC_CLIENT_ID", "--oidc-client-id", &self.oidc_client_id),
            file_flag("PULSE_OIDC_CLIENT_SECRET", "--oidc-client-secret-file", &self.oidc_client_secret_file),
            flag("PULSE_OIDC_SCOPES", "--oidc-scopes", &self.oidc_scopes),
            flag("PULSE_OIDC_GROUPS_CLAIM", "--oidc-groups-claim", &self.oidc_groups_claim),
            flag("PULSE_OIDC_USER_CLAIM", "--oidc-user-claim", &self.oidc_user_claim),
            flag("PULSE_OIDC_NAME", "--oidc-name", &self.oidc_name),
            flag("PULSE_OIDC_CA", "--oidc-ca", &self.oidc_ca),
            flag("PULSE_ADMIN_GROUPS", "--admin-groups", &self.admin_groups),
            flag("PULSE_OPERATOR_GROUPS", "--operator-groups", &self.operator_groups),
            flag("PULSE_VIEWER_GROUPS", "--viewer-groups", &self.viewer_groups),
            flag("PULSE_AUDITOR_GROUPS", "--auditor-groups", &self.auditor_groups),
            file_flag("PULSE_METRICS_TOKEN", "--metrics-token-file", &self.metrics_token_file),
            flag("OTEL_EXPORTER_OTLP_ENDPOINT", "--otlp-endpoint", &self.otlp_endpoint),
            file_flag("OTEL_EXPORTER_OTLP_HEADERS", "--otlp-headers-file", &self.otlp_headers_file),
            flag("OTEL_EXPORTER_OTLP_PROTOCOL", "--otlp-protocol", &self.otlp_protocol),
            flag("OTEL_SERVICE_NAME", "--otlp-service-name", &self.otlp_service_name),
        ];
        values.into_iter().flatten().chain(self.log.values()).collect()
    }
}

impl BreakGlassFlags {
    pub(super) fn values(&self) -> Vec<Flag> {
        let values = [
            flag("PULSE_LISTEN", "--listen", &self.listen),
            flag("PULSE_DATA_DIR", "--data-dir", &self.data_dir),
            file_flag("PULSE_ADMIN_TOKEN", "--admin-token-file", &self.admin_token_file),
        ];
        values.into_iter().flatten().collect()
    }
}

impl DataFlags {
    pub(super) fn values(&self) -> Vec<Flag> {
        let data = flag("PULSE_DATA_DIR", "--data-dir", &self.data_dir);
        let database = file_flag("PULSE_DATABASE_URL", "--database-url-file", &self.database_url_file);
        data.into_iter().chain(database).chain(self.log.values()).collect()
    }
}

impl MigrateFlags {
    pub(super) fn values(&self) -> Vec<Flag> {
        let data = flag("PULSE_DATA_DIR", "--data-dir", &self.data_dir);
        let database = file_flag("PULSE_DATABASE_URL", "--database-url-file", &self.database_url_file);
        data.into_iter().chain(database).chain(self.log.values()).collect()
    }
}

impl DevFlags {
    pub(super) fn values(&self) -> Vec<Flag> {
        self.log.values().collect()
    }
}
