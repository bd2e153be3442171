//! Why a delivery is not let in: a closed set, each with its sentence and its remedy.

use axum::http::StatusCode;

/// Why a delivery is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// This controller has no secret.
    Off,
    /// Not sent by POST.
    NotPost,
    /// The body is not said to be JSON in UTF-8.
    NotJson,
    /// The body is said to be compressed.
    Encoded,
    /// No signature, or an empty one.
    Unsigned,
    /// Signed with SHA-1 alone.
    OnlySha1,
    /// The signature is not of the form it must have.
    MalformedSignature,
    /// Another secret, or a body that was changed.
    WrongSignature,
    /// The body is larger than its bound.
    TooLarge,
    /// The body did not arrive in time.
    TooSlow,
    /// The body ended before its end.
    CutOff,
    /// Too many deliveries at once.
    Overloaded,
}

impl Refusal {
    /// Every one.
    pub const ALL: [Self; 12] = [
        Self::Off,
        Self::NotPost,
        Self::NotJson,
        Self::Encoded,
        Self::Unsigned,
        Self::OnlySha1,
        Self::MalformedSignature,
        Self::WrongSignature,
        Self::TooLarge,
        Self::TooSlow,
        Self::CutOff,
        Self::Overloaded,
    ];

    /// The word in API and database.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "Off",
            Self::NotPost => "NotPost",
            Self::NotJson => "NotJson",
            Self::Encoded => "Encoded",
            Self::Unsigned => "Unsigned",
            Self::OnlySha1 => "OnlySha1",
            Self::MalformedSignature => "MalformedSignature",
            Self::WrongSignature => "WrongSignature",
            Self::TooLarge => "TooLarge",
            Self::TooSlow => "TooSlow",
            Self::CutOff => "CutOff",
            Self::Overloaded => "Overloaded",
        }
    }

    /// The refusal of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.word() == word)
    }

    /// What happened, for people who may know.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Off => "this controller has no webhook secret, so webhooks are off",
            Self::NotPost => "it was not sent by POST",
            Self::NotJson => "its content type is not application/json",
            Self::Encoded => "its body is compressed",
            Self::Unsigned => "it carries no signature",
            Self::OnlySha1 => "it is signed with SHA-1 only",
            Self::MalformedSignature => "its signature is not one of HMAC-SHA256",
            Self::WrongSignature => "its signature does not match",
            Self::TooLarge => "its body is larger than 1 MiB",
            Self::TooSlow => "its body did not arrive within 5 s",
            Self::CutOff => "its body ended too early",
            Self::Overloaded => "too many webhooks came at once",
        }
    }

    /// What a sender is told, who has proved nothing: not what was wrong with the signature.
    pub const fn told(self) -> &'static str {
        match self {
            Self::Unsigned | Self::OnlySha1 | Self::MalformedSignature | Self::WrongSignature => {
                "the delivery is not signed with this controller's webhook secret"
            }
            other => other.message(),
        }
    }

    /// The problem's code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Off => "webhooks_off",
            Self::NotPost => "wrong_method",
            Self::NotJson => "not_json",
            Self::Encoded => "encoded_body",
            Self::Unsigned | Self::OnlySha1 | Self::MalformedSignature | Self::WrongSignature => "bad_signature",
            Self::TooLarge => "body_too_large",
            Self::TooSlow => "body_too_slow",
            Self::CutOff => "unreadable_body",
            Self::Overloaded => "overloaded",
        }
    }

    /// What to do about it.
    pub const fn help(self) -> &'static str {
        match self {
            Self::Off => "set PULSE_WEBHOOK_SECRET and the same secret in Gitea's webhook",
            Self::NotPost => "set the HTTP method of Gitea's webhook to POST",
            Self::NotJson => "set Gitea's content type to application/json",
            Self::Encoded => "send the body as it is, without Content-Encoding",
            Self::Unsigned | Self::OnlySha1 | Self::MalformedSignature | Self::WrongSignature => {
                "set the same secret in Gitea's webhook and in PULSE_WEBHOOK_SECRET"
            }
            Self::TooLarge => "send less; the body is a hint only, and the poll finds the commit by itself",
            Self::TooSlow | Self::CutOff => {
                "look at the proxy between Gitea and this controller; the poll finds the commit by itself"
            }
            Self::Overloaded => "send it again in a moment; the poll finds the commit by itself",
        }
    }

    /// The answer's status.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Off => StatusCode::NOT_FOUND,
            Self::NotPost => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotJson | Self::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unsigned | Self::OnlySha1 | Self::MalformedSignature | Self::WrongSignature => StatusCode::UNAUTHORIZED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::CutOff => StatusCode::BAD_REQUEST,
            Self::Overloaded => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}
